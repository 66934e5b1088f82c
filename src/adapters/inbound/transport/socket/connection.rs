//! A WebSocket connection, and the handler that serves it.

use std::any::Any;
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::close::Close;
use super::closing;
use super::idle_timeout::IdleTimeout;
use super::read_timeouts::ReadTimeouts;
use super::reader::Reader;
use super::shared_socket::SharedSocket;
use super::writer::Writer;
use crate::adapters::inbound::transport::frame::close_code::CloseCode;
use crate::adapters::inbound::transport::frame::decoder::Decoder;
use crate::adapters::inbound::transport::http::address::is_shared_address;
use crate::adapters::inbound::transport::settings::TransportSettings;
use crate::adapters::inbound::transport::traffic::Ended;
use crate::application::fair_share::ProcessorShare;
use crate::application::memory::Account;

/// An open WebSocket connection.
///
/// The halves can be borrowed apart: `let Connection { reader, writer, .. } = connection;`
#[derive(Debug)]
pub struct Connection {
    /// The half that reads from the client.
    pub reader: Reader,
    /// The half that writes to the client.
    pub writer: Writer,
    /// The client's address, even if a trusted proxy is in between.
    pub client: IpAddr,
    /// Whether many clients may have this address: it is loopback's or a trusted proxy's.
    pub is_shared_address: bool,
    /// What it uses of the processor.
    pub share: Arc<ProcessorShare>,
    /// Lets the handler say that the client only receives.
    pub idle_timeout: IdleTimeout,
    /// What the client makes the server hold.
    pub account: Arc<Account>,
    /// Cancelled when the connection should end soon: the server drains, or sends all connections
    /// away.
    pub shutdown: CancellationToken,
}

/// Serves connections.
pub trait ConnectionHandler: Clone + Send + Sync + 'static {
    /// Serves `connection` and returns how it is to end; the transport then closes it. The errors
    /// of [`Reader::next`] and [`Writer::write`] convert [into](From) a [`Close`].
    ///
    /// A panic closes this connection with 1011 and is logged.
    fn serve(&self, connection: &mut Connection) -> impl Future<Output = Close> + Send;
}

impl Connection {
    /// A connection on `socket`, from which `already_read` has been read.
    pub(in crate::adapters::inbound::transport) fn new(
        socket: Arc<SharedSocket>,
        already_read: Bytes,
        client: IpAddr,
        settings: &TransportSettings,
        account: Arc<Account>,
        share: Arc<ProcessorShare>,
        shutdown: CancellationToken,
    ) -> Self {
        let mut decoder = Decoder::new(settings.max_message_bytes);
        decoder.feed(&already_read);
        drop(already_read);
        let idle_timeout = IdleTimeout::new(settings.idle_timeout, settings.receivers_idle_timeout);
        let timeouts = ReadTimeouts::new(
            settings.ping,
            idle_timeout.clone(),
            settings.message_timeout,
        );
        Self {
            reader: Reader::new(
                Arc::clone(&socket),
                decoder,
                timeouts,
                settings.read_buffer_bytes,
                Arc::clone(&account),
            ),
            writer: Writer::new(socket, idle_timeout.clone()),
            idle_timeout,
            client,
            is_shared_address: is_shared_address(client, &settings.trusted_proxies),
            account,
            share,
            shutdown,
        }
    }

    /// Has `handler` serve the connection and then closes it.
    #[expect(
        clippy::manual_async_fn,
        reason = "it would keep room for `self` twice"
    )]
    pub(in crate::adapters::inbound::transport) fn run<H: ConnectionHandler>(
        mut self,
        handler: &H,
    ) -> impl Future<Output = ()> {
        async move {
            // After a panic, only the connection is used, and it is consistent whenever the handler
            // runs.
            let served = AssertUnwindSafe(handler.serve(&mut self))
                .catch_unwind()
                .await;
            let close = served.unwrap_or_else(|panic| {
                let message = panic_message(&*panic);
                let peer = self.client;
                tracing::error!(%peer, message, "a connection's handler panicked");
                Close::new(CloseCode::INTERNAL, "internal error")
            });
            self.reader
                .socket()
                .traffic
                .ended
                .of(Ended::from(&close))
                .one();
            closing::close(&mut self.reader, &mut self.writer, &close).await;
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
