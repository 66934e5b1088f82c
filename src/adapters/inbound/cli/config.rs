//! The configuration, checked and typed.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A secret; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    pub(super) fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// On this machine alone.
    Loopback,
    /// On all addresses, IPv6 and IPv4.
    All,
    /// On one address, or whatever a host name means.
    Address(String),
}

/// `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Under `baseDir`.
    Filesystem,
    /// Nowhere but in memory.
    Memory,
}

/// `logFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object per line.
    Json,
}

/// The whole configuration; each field is the key of the same name (`docs/configuration.md` has
/// their units and bounds).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each field is the configuration key of the same name"
)]
pub struct Config {
    pub port: u16,
    pub listen: Listen,
    pub base_dir: PathBuf,
    pub store: Store,
    pub drain: Duration,
    pub public_read: bool,
    /// Whether `durability` is `"fsync"`.
    pub fsync: bool,
    /// `streamerGraceSeconds` where `onStreamerDisconnect` is `"delete"`.
    pub delete_abandoned_after: Option<Duration>,
    pub part_bytes: usize,
    pub max_message_bytes: usize,
    pub max_unauthenticated_message_bytes: usize,
    pub max_file_bytes: u64,
    pub max_project_bytes: u64,
    pub max_project_files: u64,
    pub max_open_uploads: usize,
    pub max_open_upload_bytes: u64,
    pub upload_idle: Duration,
    pub max_pull_request_bytes: u64,
    pub max_pull_request_files: usize,
    pub max_open_pull_requests: usize,
    pub max_title_bytes: usize,
    pub max_description_bytes: usize,
    pub max_chat_bytes: usize,
    pub chat_history: usize,
    pub chat_messages_per_second: u32,
    pub chat_burst: u32,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub max_watches: usize,
    pub max_rooms: usize,
    pub max_failed_authentications: u32,
    pub max_queue_bytes: usize,
    pub max_total_queue_bytes: usize,
    pub handshake_timeout: Duration,
    pub message_timeout: Duration,
    pub ping: Duration,
    pub idle_timeout: Duration,
    pub allowed_origins: Option<Vec<String>>,
    pub trusted_proxies: Vec<IpAddr>,
    pub key: SecretKey,
    pub public_key_file: Option<PathBuf>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub log_format: LogFormat,
    pub log_level: String,
}
