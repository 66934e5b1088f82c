//! The closing handshake (RFC 6455, section 7).
//!
//! The close frame goes out whole and at a frame boundary, then the sending side is shut, and what
//! the client still sends is read and discarded until it hangs up. The kernel resets a socket that
//! is dropped with unread bytes, and the reset would overtake the close frame.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::close::Close;
use super::reader::{BYTES_PER_UNIT, Reader};
use super::shared_socket::SharedSocket;
use super::writer::Writer;
use crate::adapters::inbound::transport::frame::server_frame;

/// How long a whole close may take; then the connection is dropped.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How many bytes the client may still send after the server's close frame.
const MAX_DRAINED: usize = 32 * 1024 * 1024;

/// How many bytes behind the client's own close frame are discarded; there should be none.
const MAX_DISCARDED: usize = 256 * 1024;

/// Closes the connection: finishes a frame that was partly written, sends the close frame (or the
/// echo of the client's), shuts the sending side, and drains until the client hangs up. A client
/// that has sent its close frame sends no more and waits for the server to hang up first. All of it
/// takes at most [`CLOSE_TIMEOUT`], even if the client has stopped reading.
pub(super) async fn close(reader: &mut Reader, writer: &mut Writer, close: &Close) {
    let frame = match (reader.peer_close(), close) {
        (Some(peer), _) => server_frame::close(peer.code, ""),
        (None, Close::Frame { code, reason }) => server_frame::close(Some(*code), reason),
        (None, Close::Drop) => return,
    };
    let handshake = async {
        match writer.finish(frame).await {
            Ok(()) if reader.peer_close().is_some() => {
                discard_arrived(reader.socket(), MAX_DISCARDED);
            }
            Ok(()) => drain(reader.socket(), MAX_DRAINED).await,
            Err(_) => {}
        }
    };
    // Finished or out of time: the socket is dropped now.
    let _ = timeout(CLOSE_TIMEOUT, handshake).await;
}

/// Reads and discards until the client hangs up or `max` bytes have come. Yields to other tasks as
/// often as a reader does.
async fn drain(socket: &SharedSocket, max: usize) {
    let mut drained = 0;
    while drained < max
        && poll_fn(|cx| socket.stream.poll_read_ready(cx))
            .await
            .is_ok()
    {
        match socket.discard() {
            Ok(0) => return,
            Ok(count) => {
                drained += count;
                for _ in 0..count / BYTES_PER_UNIT {
                    tokio::task::consume_budget().await;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Reads and discards what has come already, at most `max` bytes of it.
fn discard_arrived(socket: &SharedSocket, max: usize) {
    let mut discarded = 0;
    while discarded < max
        && let Ok(count @ 1..) = socket.discard()
    {
        discarded += count;
    }
}
