//! What all connections share, plain ones and those that were upgraded.

use std::sync::Arc;

use warp::reply::Response;

use super::handshake::HandshakeError;
use super::probes::Probes;
use crate::adapters::inbound::transport::admission::Admission;
use crate::adapters::inbound::transport::settings::{Shutdown, TransportSettings};
use crate::adapters::inbound::transport::socket::fair_share::FairShare;
use crate::adapters::inbound::transport::traffic::Traffic;
use crate::application::memory::MemoryBudget;

/// The settings of the transport, and what its connections take their parts of.
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
            probes: Arc::default(),
        })
    }

    /// The answer to what is refused.
    pub(super) fn refuse(&self, why: HandshakeError) -> Response {
        self.traffic.refused.of(why).one();
        why.response()
    }
}
