//! What all connections of a server share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::adapters::delivery::{Hub, SendQueueLimits, WireFrame};
use crate::adapters::inbound::websocket::connection::ending::Ending;
use crate::application::Application;
use crate::application::ports::EngineState;

/// What every connection works with.
pub struct Service {
    /// The use cases.
    pub application: Arc<Application>,
    /// Where connections are registered.
    pub hub: Arc<Hub<WireFrame>>,
    /// `maxQueueBytes` and the window for files.
    pub queue: SendQueueLimits,
    /// `partBytes`.
    pub part_bytes: usize,
    /// `maxMessageBytes`.
    pub max_message_bytes: usize,
    /// `maxUnauthenticatedMessageBytes`.
    pub max_unauthenticated_message_bytes: usize,
    /// `drainSeconds`.
    pub drain: Duration,
    /// Whether the engine answers. It tells why connections are asked to end.
    pub engine: watch::Receiver<EngineState>,
}

impl Service {
    /// How a connection ends when the server asks it to.
    pub(super) fn stopped(&self) -> Ending {
        match *self.engine.borrow() {
            EngineState::Lost => Ending::away(),
            EngineState::Ready | EngineState::Silent => Ending::shutdown(self.drain),
        }
    }
}
