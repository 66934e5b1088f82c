//! What all connections share, both plain and upgraded ones.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use warp::reply::Response;

use super::address::client_address;
use super::handshake::HandshakeError;
use super::probes::Probes;
use crate::adapters::inbound::transport::admission::Admission;
use crate::adapters::inbound::transport::settings::{Shutdown, TransportSettings};
use crate::adapters::inbound::transport::traffic::Traffic;
use crate::application::fair_share::FairShare;
use crate::application::memory::MemoryBudget;

/// The settings of the transport, and what its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: TransportSettings,
    /// Counts the connections.
    pub(super) admission: Admission,
    pub(super) memory: Arc<MemoryBudget>,
    pub(super) fair_share: FairShare,
    pub(super) shutdown: Shutdown,
    /// Notes the requests of an operator's doctor.
    pub(super) probes: Arc<Probes>,
    /// Counts the sockets whose first request is awaited.
    pub(super) pending: Admission,
    pub(super) traffic: Arc<Traffic>,
    /// Whether the log already says that a proxy's header cannot be read.
    has_told_of_proxy: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        settings: TransportSettings,
        memory: Arc<MemoryBudget>,
        shutdown: Shutdown,
    ) -> Arc<Self> {
        let (max, per_address) = (
            settings.max_connections,
            settings.max_connections_per_address,
        );
        let pending = Admission::new(settings.max_pending, settings.max_pending_per_address);
        Arc::new(Self {
            admission: Admission::new(max, per_address),
            settings,
            memory,
            fair_share: FairShare::default(),
            shutdown,
            pending,
            traffic: Arc::default(),
            has_told_of_proxy: AtomicBool::new(false),
            probes: Arc::default(),
        })
    }

    /// The client that sent `headers` on `socket`. If a trusted proxy says something about the
    /// client that cannot be read, that is logged once: it would be the same for every request.
    pub(super) fn client(&self, socket: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let proxies = &self.settings.trusted_proxies;
        let (client, is_unread) = client_address(socket, headers, proxies);
        if is_unread && !self.has_told_of_proxy.swap(true, Ordering::Relaxed) {
            // Does not log what the proxy says: that may come from a user.
            tracing::warn!(
                proxy = %socket.ip(),
                "a proxy of trustedProxies does not say who it asks for, as far as can be read: \
                 all its clients count as one address; let it send X-Forwarded-For with \
                 addresses (this is said once)"
            );
        }
        client
    }

    /// Counts a refusal, and returns its answer.
    pub(super) fn refuse(&self, why: HandshakeError) -> Response {
        self.traffic.refused.of(why).one();
        why.response()
    }
}
