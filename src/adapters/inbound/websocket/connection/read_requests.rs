//! Reads a connection's messages into its queue of requests.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::adapters::inbound::transport::{Message, ProtocolError, ReadError, Reader};
use crate::adapters::inbound::websocket::connection::ending::Ending;
use crate::adapters::inbound::websocket::connection::service::Service;
use crate::adapters::inbound::websocket::protocol::read_command;
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::Command;
use crate::application::session::{Request, RequestQueue};

/// Reads requests into the queue until no more come or, if `is_heard`, until the connection fails
/// while the queue is full. Cancel-safe.
pub(super) async fn read(
    reader: &mut Reader,
    requests: &RequestQueue<Context>,
    service: &Service,
    authenticated: &AtomicBool,
    is_heard: bool,
) -> Ending {
    // Whether an `authenticate` may still wait to be carried out.
    let mut undecided = !is_heard;
    loop {
        if !requests.has_room() && !wait(reader, requests.room(), is_heard).await {
            return Ending::failed();
        }
        let known = authenticated.load(Ordering::Relaxed);
        reader.set_max_message_bytes(if known && !undecided {
            service.max_message_bytes
        } else {
            service.max_unauthenticated_message_bytes
        });
        reader.set_authenticated(known);
        let (payload, binary) = match reader.next().await {
            Ok(Message::Text(payload)) => (payload, false),
            Ok(Message::Binary(payload)) => (payload, true),
            Err(ended @ ReadError::Closed { proper: true }) => {
                return Ending::closed(ended.into());
            }
            Err(ReadError::Protocol(ProtocolError::TooBig { .. })) if undecided => {
                // Whether the message may be that long depends on an `authenticate` before it.
                if !wait(reader, requests.carried_out(), is_heard).await {
                    return Ending::failed();
                }
                undecided = false;
                continue;
            }
            Err(ended) => return Ending::cut(ended.into()),
        };
        let bytes = payload.len();
        // What is read from the message is copied, and decoded content takes nearly as much.
        let mut held = reader.hold(2 * bytes);
        let (command, context) = read_command::read_command(&payload, binary);
        drop(payload);
        held.set(bytes);
        undecided |= matches!(
            command,
            Command::Authenticate(_) | Command::AuthenticateSection(_)
        );
        let request = Request {
            command,
            context,
            asked: reader.sent_at(),
            held,
        };
        requests.put(request);
    }
}

/// Waits for the queue while nothing is read. Returns whether the connection is still there.
/// Without `is_heard`, that does not matter.
async fn wait(reader: &Reader, queue: impl Future<Output = ()> + Send, is_heard: bool) -> bool {
    if is_heard {
        return reader.unless_failed(queue).await.is_some();
    }
    queue.await;
    true
}
