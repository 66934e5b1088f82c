//! The settings of the transport: its limits, and how it is stopped.

use std::time::Duration;

use ipnetwork::IpNetwork;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http::web_pages::WebPages;

/// The limits of the transport. A number of zero is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSettings {
    /// How long a client may take to send a request, the first and every later one.
    pub handshake_timeout: Duration,
    /// The window over which a message must come at 1 KiB/s, and an answer be taken.
    pub message_timeout: Duration,
    /// Whether an answer may be taken for longer, at 1 KiB/s.
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

/// How the transport is stopped, in two phases.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// First phase: upgrades are refused with 503 and connections are asked to end; plain HTTP is
    /// still answered, so that a load balancer can see that the server drains.
    pub draining: CancellationToken,
    /// Second phase: nothing is accepted any more and plain HTTP ends.
    pub stop: CancellationToken,
    /// The connections. Close this and wait for it between the two phases.
    pub connections: TaskTracker,
}
