//! What all connections share, plain ones and those that were upgraded.

use std::sync::Arc;

use super::probes::Probes;
use crate::adapters::inbound::transport::admission::Admission;
use crate::adapters::inbound::transport::settings::{Shutdown, TransportSettings};
use crate::adapters::inbound::transport::socket::fair_share::FairShare;
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
}
