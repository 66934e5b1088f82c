//! The settings of the transport: its limits, and how it is stopped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipnetwork::IpNetwork;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http::web_pages::WebPages;
use crate::application::locks::lock;
use crate::application::periodic::every;
use crate::application::ports::EngineState;

/// How often the log says how many connections there are, if that has changed.
const COUNT_INTERVAL: Duration = Duration::from_secs(60);

/// The limits of the transport. For a number, zero means no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSettings {
    /// How long a client may take to send a request, the first and every later one.
    pub handshake_timeout: Duration,
    /// The window over which a message must come, and an answer be taken, at 1 KiB/s.
    pub message_timeout: Duration,
    /// Whether a client may take longer for an answer if it takes 1 KiB/s.
    pub waits_for_slow_readers: bool,
    /// After how long a silent client is pinged.
    pub ping: Duration,
    /// After how long a client that sends nothing, or takes nothing, is closed.
    pub idle_timeout: Duration,
    /// The same for a client that [only receives](super::socket::idle_timeout::IdleTimeout).
    pub receivers_idle_timeout: Duration,
    /// The longest message a connection starts with; see [`Reader::set_max_message_bytes`].
    ///
    /// [`Reader::set_max_message_bytes`]: super::socket::reader::Reader::set_max_message_bytes
    pub max_message_bytes: usize,
    /// The most connections.
    pub max_connections: usize,
    /// The most connections of one address; the /64 of an IPv6 address counts as one.
    pub max_connections_per_address: usize,
    /// The most sockets that are not, or not yet, WebSocket connections.
    pub max_pending: usize,
    /// The most of them from one address; the /64 of an IPv6 address counts as one. There is no
    /// such limit for a trusted proxy.
    pub max_pending_per_address: usize,
    /// Which web pages may connect.
    pub web_pages: WebPages,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNetwork>,
    /// How much is usually read at a time; a long message is read in bigger steps.
    pub read_buffer_bytes: usize,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(30),
            waits_for_slow_readers: true,
            ping: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            receivers_idle_timeout: Duration::from_secs(600),
            max_message_bytes: 1024 * 1024,
            max_connections: 20_000,
            max_connections_per_address: 0,
            max_pending: 2_048,
            max_pending_per_address: 256,
            web_pages: WebPages::default(),
            trusted_proxies: Vec::new(),
            read_buffer_bytes: 8 * 1024,
        }
    }
}

/// How the transport is stopped, in two phases, or sends its connections away for a while.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// First phase: upgrades are refused with 503 and connections are asked to end; plain HTTP is
    /// still answered, so that a load balancer can see that the server drains.
    pub draining: CancellationToken,
    /// Second phase: nothing is accepted any more and plain HTTP ends.
    pub stop: CancellationToken,
    /// The connections. Close this and wait for it between the two phases.
    pub connections: TaskTracker,
    /// Cancelled with `draining` or alone. If alone, a new token replaces it once connections are
    /// welcome again.
    serving: Arc<Mutex<CancellationToken>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        let draining = CancellationToken::new();
        Self {
            serving: Arc::new(Mutex::new(draining.child_token())),
            draining,
            stop: CancellationToken::default(),
            connections: TaskTracker::default(),
        }
    }
}

impl Shutdown {
    /// The token that is cancelled when a connection that begins now is asked to end. If it is
    /// cancelled already, no connection may begin.
    pub fn serving(&self) -> CancellationToken {
        lock(&self.serving).clone()
    }

    /// Logs how many connections are open, whenever that has changed.
    pub async fn log_connections(self) {
        let mut reported = 0;
        let report = || {
            let connections = self.connections.len();
            if std::mem::replace(&mut reported, connections) != connections {
                tracing::info!(connections, "the number of connections has changed");
            }
            std::future::ready(())
        };
        every(COUNT_INTERVAL, report).await;
    }

    /// Asks all connections to end whenever the engine is lost, and lets none begin until it is
    /// back. Clients may reach the engine through another server.
    pub async fn mind(self, mut engine: watch::Receiver<EngineState>) {
        let is_lost = |state: &EngineState| *state == EngineState::Lost;
        while engine.wait_for(is_lost).await.is_ok() {
            lock(&self.serving).cancel();
            if engine.wait_for(|state| !is_lost(state)).await.is_ok() {
                *lock(&self.serving) = self.draining.child_token();
            }
        }
    }
}
