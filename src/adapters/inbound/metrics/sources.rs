//! Where the figures come from.

use std::sync::Arc;

use tokio::sync::watch;

use crate::adapters::delivery::{Hub, WireFrame};
use crate::adapters::inbound::transport::Observer;
use crate::application::counting::Count;
use crate::application::memory::MemoryBudget;
use crate::application::ports::EngineState;
use crate::application::{Application, DiskCounts, EngineCounts};
use crate::domain::Timestamp;

/// The parts of one server that know the figures.
pub struct Sources {
    /// The use cases and their ports.
    pub application: Arc<Application>,
    /// The connections that receive events.
    pub hub: Arc<Hub<WireFrame>>,
    /// The sockets that clients connect to.
    pub sockets: Observer,
    /// What clients make the server hold.
    pub memory: Arc<MemoryBudget>,
    /// What the stores' disk does.
    pub disk: Arc<DiskCounts>,
    /// Whether the engine that keeps the projects answers.
    pub engine: watch::Receiver<EngineState>,
    /// What the stores count of the engine.
    pub engine_counts: Arc<EngineCounts>,
}

/// All that the figures of one server are read from.
pub(super) struct Figures {
    pub(super) sources: Sources,
    /// How many projects there are, as far as is known.
    pub(super) projects: Count,
    /// When the server started.
    pub(super) started: Timestamp,
}

impl Figures {
    /// The figures of a server that starts now; how many projects there are is not known yet.
    pub(super) fn new(sources: Sources) -> Self {
        let app = &sources.application;
        let millis = app.now().as_millis();
        let started = Timestamp::from_millis(millis.saturating_sub(app.uptime().as_millis()));
        Self {
            sources,
            projects: Count::default(),
            started,
        }
    }
}
