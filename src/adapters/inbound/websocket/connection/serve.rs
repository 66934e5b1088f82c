//! One connection from its first message to its last: four futures in one task.
//!
//! The reader puts requests into a queue, the processor carries them out, the writer sends what the
//! socket does not take at once, and the fourth reads waiting updates back. A flush task empties
//! the send queue. None blocks another: while a `get` waits for room, pings are answered and a
//! close is seen.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::Fuse;
use tokio::sync::Semaphore;

use crate::adapters::delivery::{ConnectionWriter, FlushTasks, Flushed, Hub, WireFrame};
use crate::adapters::inbound::transport::{
    Close, Connection, ConnectionHandler, IdleTimeout, WriteError, Writer, counted_address,
};
use crate::adapters::inbound::websocket::connection::ending::{Ending, close_of};
use crate::adapters::inbound::websocket::connection::read_requests::read;
use crate::adapters::inbound::websocket::connection::responder::WebSocketResponder;
use crate::adapters::inbound::websocket::connection::service::Service;
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::fair_share::ProcessorShare;
use crate::application::session::{RequestProcessor, RequestQueue};
use crate::application::{ConnectionId, Session, SessionGuard};

/// Serves WebSocket connections with the protocol.
#[derive(Clone)]
pub struct ProtocolHandler {
    service: Arc<Service>,
    flush_tasks: Arc<FlushTasks>,
    long_lists: Arc<Semaphore>,
}

impl ProtocolHandler {
    /// A handler over `service`. Needs a tokio runtime to be entered.
    pub fn new(service: Service) -> Self {
        Self {
            service: Arc::new(service),
            flush_tasks: Arc::new(FlushTasks::start()),
            long_lists: Arc::new(Semaphore::new(1)),
        }
    }
}

/// A connection's entry in the hub and its `ConnectionWriter`, which end with it, even after a
/// panic: nothing may be written after the close.
struct Registration<'a> {
    hub: &'a Hub<WireFrame>,
    connection_writer: &'a Arc<ConnectionWriter>,
    id: ConnectionId,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.connection_writer.end();
        self.hub.disconnect(self.id);
    }
}

impl ConnectionHandler for ProtocolHandler {
    async fn serve(&self, connection: &mut Connection) -> Close {
        let service = &self.service;
        let connection_writer = ConnectionWriter::new(
            service.queue,
            Arc::clone(&connection.account),
            connection.writer.socket_writer(),
            self.flush_tasks.next(),
        );
        let queue = Arc::clone(&connection_writer.queue);
        let id = service.hub.connect(Arc::clone(&queue));
        // Declared before the session, so that it is dropped after it.
        let registration = Registration {
            hub: &service.hub,
            connection_writer: &connection_writer,
            id,
        };
        tracing::debug!(connection = %id, peer = %connection.client, "a connection has come");
        let responder = WebSocketResponder {
            application: Arc::clone(&service.application),
            queue,
            account: Arc::clone(&connection.account),
            part_bytes: service.part_bytes,
            long_lists: Arc::clone(&self.long_lists),
        };
        let requests = RequestQueue::default();
        let authenticated = AtomicBool::new(false);
        let mut processor = RequestProcessor::new(
            &requests,
            Arc::clone(&connection.share),
            begin(service, connection, &registration),
            responder.clone(),
            observer(
                &authenticated,
                Arc::clone(&connection.share),
                connection.idle_timeout.clone(),
            ),
        );
        let ending = attend(
            service,
            connection,
            &requests,
            &authenticated,
            &mut processor,
            &responder,
            &connection_writer,
        )
        .await;
        // The connection's roles, room and draft end now, not once the last frame has been written.
        drop(processor);
        let flushing = flush(&connection.writer, &connection_writer);
        // Whether or not everything was sent, the close is next.
        let _ = tokio::time::timeout(ending.flush_timeout, flushing).await;
        drop(registration);
        // A client that does not read the rest of a frame would only keep its memory for longer.
        let is_stuck = connection.account.is_evicted() && connection.writer.is_mid_frame();
        let close = if is_stuck { Close::Drop } else { ending.close };
        tracing::debug!(connection = %id, ?close, "a connection has gone");
        close
    }
}

/// Begins the session of a connection.
fn begin(
    service: &Service,
    connection: &Connection,
    registration: &Registration<'_>,
) -> SessionGuard {
    let address = counted_address(connection.client);
    let mut session = Session::new(registration.id, address, Arc::clone(&connection.account));
    if !connection.is_shared_address {
        session = session.with_ban_address();
    }
    SessionGuard::new(
        Arc::clone(&service.application),
        session,
        Arc::<ConnectionWriter>::clone(registration.connection_writer),
    )
}

/// Tells the reader whether the client has authenticated, and the transport whether it streams or
/// only receives.
fn observer(
    authenticated: &AtomicBool,
    share: Arc<ProcessorShare>,
    idle_timeout: IdleTimeout,
) -> impl Fn(&Session) + Send + Sync {
    move |session| {
        authenticated.store(session.is_authenticated(), Ordering::Relaxed);
        share.set_privileged(session.is_streaming());
        idle_timeout.set_receiver(session.only_receives());
    }
}

/// Attends to a connection until it ends.
async fn attend(
    service: &Service,
    connection: &mut Connection,
    requests: &RequestQueue<Context>,
    authenticated: &AtomicBool,
    processor: &mut RequestProcessor<'_, WebSocketResponder, impl Fn(&Session) + Send + Sync>,
    responder: &WebSocketResponder,
    connection_writer: &ConnectionWriter,
) -> Ending {
    let Connection {
        reader,
        writer,
        shutdown,
        account,
        ..
    } = connection;
    let mut writing = pin!(write(writer, connection_writer));
    let mut working = pin!(processor.run());
    let mut updating = pin!(responder.pending_updates().fuse());
    let mut ending = {
        let mut reading = pin!(read(reader, requests, service, authenticated, true));
        tokio::select! {
            biased;
            () = account.evicted() => Ending::evicted(),
            close = &mut writing => Ending::cut(close).not_heard(),
            () = &mut updating => Ending::cut(Close::Drop),
            _ = &mut working => Ending::banned(),
            ending = &mut reading => ending,
            () = shutdown.cancelled() => service.stopped(),
        }
    };
    connection_writer.finish_reading();
    if ending.has_failed() {
        // What has come already is still read and carried out.
        updating.set(Fuse::terminated());
        responder.queue.close();
        requests.hurry();
        let begun = Instant::now();
        let rest = async {
            tokio::select! {
                biased;
                () = account.evicted() => {}
                () = shutdown.cancelled() => ending = service.stopped().not_heard(),
                _ = &mut working => ending.still_working = false,
                ended = read(reader, requests, service, authenticated, false) => {
                    ending = ended.not_heard();
                }
                () = tokio::time::sleep(ending.finish_timeout) => {}
            }
        };
        rest.boxed().await;
        ending.finish_timeout = ending.finish_timeout.saturating_sub(begun.elapsed());
    }
    if account.is_evicted() {
        reader.discard_message();
        connection_writer.discard();
    }
    if ending.still_working {
        // Requests that have come whole are still carried out and, if the client takes the answers,
        // answered.
        requests.close(ending.end);
        let finishing = async {
            if ending.still_writing {
                tokio::select! {
                    biased;
                    _ = &mut writing => {}
                    () = &mut updating => {}
                    _ = &mut working => return,
                }
            }
            // Nobody polls it any more, so it must not keep a turn of the disk, or a permit.
            updating.set(Fuse::terminated());
            responder.queue.close();
            working.await;
        };
        let limits = async {
            tokio::time::sleep(ending.patience).await;
            requests.hurry();
            tokio::time::sleep(ending.finish_timeout).await;
        };
        tokio::select! {
            biased;
            () = finishing => {}
            () = limits => {}
        }
    }
    ending
}

/// Writes what the socket has not taken at once, and pings and pongs, as long as the connection
/// lives.
async fn write(writer: &Writer, connection_writer: &ConnectionWriter) -> Close {
    loop {
        tokio::select! {
            biased;
            // Comes even if the client takes nothing: then it is all that is heard of the client.
            closed = connection_writer.queue.until_closed() => return close_of(closed),
            () = connection_writer.stuck() => {}
            () = writer.control_pending() => {}
        }
        let written = tokio::select! {
            biased;
            closed = connection_writer.queue.until_closed() => return close_of(closed),
            // In a box, because most clients take what they are sent, so this is rare.
            written = Box::pin(flush(writer, connection_writer)) => written,
        };
        if let Err(ended) = written {
            return ended.into();
        }
    }
}

async fn flush(writer: &Writer, connection_writer: &ConnectionWriter) -> Result<(), WriteError> {
    loop {
        match connection_writer.write()? {
            Flushed::All => return Ok(()),
            Flushed::Turn => tokio::task::yield_now().await,
            Flushed::Full => writer.writable().await?,
        }
    }
}

#[cfg(test)]
mod tests;
