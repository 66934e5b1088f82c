//! The closing handshake (RFC 6455, section 7).
//!
//! The close frame goes out whole and at a frame boundary, then the sending side is shut, and what
//! the client still sends is read and discarded until it hangs up. The kernel resets a socket that
//! is dropped with unread bytes, and the reset would overtake the close frame.

use std::time::Duration;

use tokio::time::timeout;

use super::close::Close;
use super::reader::Reader;
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
            Ok(()) if reader.peer_close().is_some() => reader.discard_arrived(MAX_DISCARDED),
            Ok(()) => reader.drain(MAX_DRAINED).await,
            Err(_) => {}
        }
    };
    // Finished or out of time: the socket is dropped now.
    let _ = timeout(CLOSE_TIMEOUT, handshake).await;
}
