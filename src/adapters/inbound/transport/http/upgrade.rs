//! From an HTTP request to a WebSocket connection.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::address::is_trusted_proxy;
use super::handshake::{self, HandshakeError};
use super::metered::Metered;
use super::plain::PlainConnection;
use super::probes::Probes;
use super::shared::Shared;
use crate::adapters::inbound::transport::admission::AdmissionPermit;
use crate::adapters::inbound::transport::settings::{Shutdown, TransportSettings};
use crate::adapters::inbound::transport::socket::connection::{Connection, ConnectionHandler};
use crate::adapters::inbound::transport::socket::shared_socket::SharedSocket;
use crate::adapters::inbound::transport::traffic::{Sockets, Traffic};
use crate::application::memory::MemoryBudget;

/// The WebSocket side of the server: its settings, its connections and their handler.
#[derive(Debug)]
pub struct Transport<H> {
    pub(super) shared: Arc<Shared>,
    handler: H,
}

impl<H> Transport<H> {
    /// A transport. `handler` serves its connections, and `memory` keeps their accounts.
    pub fn new(
        settings: TransportSettings,
        memory: Arc<MemoryBudget>,
        shutdown: Shutdown,
        handler: H,
    ) -> Arc<Self> {
        let shared = Shared::new(settings, memory, shutdown);
        Arc::new(Self { shared, handler })
    }

    /// The [`Probes`] that note the requests of an operator's doctor.
    pub fn probes(&self) -> Arc<Probes> {
        Arc::clone(&self.shared.probes)
    }

    /// Shows which sockets there are and what they have done. May outlive the transport.
    pub fn observer(&self) -> Observer {
        Observer(Arc::clone(&self.shared))
    }
}

/// Sees the sockets of a transport.
#[derive(Debug, Clone)]
pub struct Observer(Arc<Shared>);

impl Observer {
    /// What has happened on them.
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// How many there are now.
    pub fn sockets(&self) -> Sockets {
        let websockets = self.0.shutdown.connections.len();
        Sockets {
            pending: self.0.pending.taken(),
            // A connection that is being upgraded may count as neither for a moment.
            http: self.0.admission.taken().saturating_sub(websockets),
            max_connections: self.0.settings.max_connections,
        }
    }
}

impl<H: ConnectionHandler> Transport<H> {
    fn answer(
        self: &Arc<Self>,
        method: &Method,
        headers: &HeaderMap,
        on_upgrade: Option<OnUpgrade>,
        plain: &PlainConnection,
    ) -> Result<Response, HandshakeError> {
        let (settings, shutdown) = (&self.shared.settings, &self.shared.shutdown);
        let socket = plain.socket();
        let is_proxied = headers.contains_key("x-forwarded-for")
            && handshake::asks_for_websocket(headers)
            && is_trusted_proxy(socket.ip(), &settings.trusted_proxies);
        settings.web_pages.check(headers, is_proxied)?;
        let accept = handshake::check(method, headers)?;
        // HTTP/1.0 has no upgrade, whatever its headers say.
        let on_upgrade = on_upgrade.ok_or(HandshakeError::NoConnectionUpgrade)?;
        if shutdown.draining.is_cancelled() || shutdown.stop.is_cancelled() {
            return Err(HandshakeError::Draining);
        }
        let serving = shutdown.serving();
        if serving.is_cancelled() {
            return Err(HandshakeError::Away);
        }
        let address = self.shared.client(socket, headers);
        plain.make_way();
        let permit = self.shared.admission.admit(Some(address));
        let permit = permit.ok_or(HandshakeError::Full)?;
        let connection = Arc::clone(self).connect(on_upgrade, permit, address, serving);
        shutdown.connections.spawn(connection);
        Ok(handshake::switching_protocols(&accept))
    }

    /// Takes the socket over once hyper has written its answer, and serves the connection.
    #[expect(
        clippy::manual_async_fn,
        reason = "it would keep room for `self` twice"
    )]
    fn connect(
        self: Arc<Self>,
        on_upgrade: OnUpgrade,
        permit: AdmissionPermit,
        client: IpAddr,
        serving: CancellationToken,
    ) -> impl Future<Output = ()> + Send {
        async move {
            let Some((stream, already_read)) = bare_socket(on_upgrade).await else {
                return;
            };
            let shared = &self.shared;
            let share = shared.fair_share.open();
            // In one expression, because a local variable would be kept beside the future for as
            // long as it runs.
            let serving = pin!({
                let socket = SharedSocket::new(stream, permit, Arc::clone(&shared.traffic));
                let connection = Connection::new(
                    socket,
                    already_read,
                    client,
                    &shared.settings,
                    shared.memory.open_account(),
                    Arc::clone(&share),
                    serving,
                );
                connection.run(&self.handler)
            });
            share.serve(serving).await;
        }
    }
}

/// The filter that accepts connections on `/` and `/ws`, which may end in a slash.
///
/// A request for `/` that asks for no WebSocket is rejected as not found, so that another filter
/// can show a page there. So is any other path.
pub fn upgrade<H: ConnectionHandler>(
    transport: &Arc<Transport<H>>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<H> {
    let transport = Arc::clone(transport);
    warp::path::full()
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::get::<PlainConnection>())
        .and_then(
            move |path: FullPath, method, headers, on_upgrade, plain: PlainConnection| {
                let ours = match path.as_str() {
                    "/" => handshake::asks_for_websocket(&headers),
                    "/ws" | "/ws/" => true,
                    _ => false,
                };
                std::future::ready(if ours {
                    let answer = transport.answer(&method, &headers, on_upgrade, &plain);
                    Ok(answer.unwrap_or_else(|why| transport.shared.refuse(why)))
                } else {
                    Err(warp::reject::not_found())
                })
            },
        )
}

/// The socket itself, and what has been read from it beyond the request.
async fn bare_socket(on_upgrade: OnUpgrade) -> Option<(TcpStream, Bytes)> {
    let upgraded = on_upgrade
        .await
        .inspect_err(|error| tracing::debug!(%error, "a client left during the upgrade"))
        .ok()?;
    let Ok(parts) = upgraded.downcast::<TokioIo<Metered>>() else {
        tracing::error!("an upgraded connection is not on a TCP socket of this server");
        return None;
    };
    Some((parts.io.into_inner().into_inner(), parts.read_buf))
}
