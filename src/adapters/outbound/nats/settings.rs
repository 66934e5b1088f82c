//! What an operator chooses.

use std::path::PathBuf;
use std::time::Duration;

/// Which engine to use, and how.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// The addresses of its servers.
    pub servers: Vec<String>,
    /// The file that says who this server is there; without it, the address says so.
    pub credentials_file: Option<PathBuf>,
    /// How many servers keep everything.
    pub replicas: usize,
    /// What the names of all streams and subjects there begin with.
    pub prefix: String,
    /// How long the engine may be silent before clients are sent away.
    pub patience: Duration,
}

impl NatsSettings {
    /// Whether all addresses ask for an encrypted connection.
    pub(crate) fn is_tls(&self) -> bool {
        self.servers
            .iter()
            .all(|server| server.starts_with("tls://"))
    }
}
