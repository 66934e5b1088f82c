//! What an operator chooses.

use std::path::PathBuf;
use std::time::Duration;

/// Which engine to use, and how.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// The addresses of its servers.
    pub servers: Vec<String>,
    /// Whose word it takes; in the address otherwise.
    pub credentials_file: Option<PathBuf>,
    /// How many servers keep everything.
    pub replicas: usize,
    /// What all names there begin with.
    pub prefix: String,
    /// How long it may be silent until clients are sent away.
    pub patience: Duration,
}
