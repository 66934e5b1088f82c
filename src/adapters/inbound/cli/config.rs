//! The configuration: one field per key. A field's doc comment is the help of its flag and its row
//! in `docs/configuration.md`; clap derives the flag and the default, serde the key in the file.

use std::convert::Infallible;
use std::sync::LazyLock;

use clap::{ArgAction, Parser};
use ipnetwork::IpNetwork;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::nats_values::{NatsAddress, NatsPrefix};
use super::values::{
    Compatibility, Durability, FolderDeletion, Guests, List, LogFormat, LogLevel,
    OnStreamerDisconnect, PartBytes, SecretKey, Store, Text, Whole,
};
use crate::adapters::inbound::transport::Origin;

const SERVER: &str = "Server";
const NATS: &str = "NATS";
const FILES: &str = "Files";
const LIMITS: &str = "Limits of files and uploads";
const REVIEW: &str = "Pull requests and chat";
const CONNECTIONS: &str = "Connections";
const TOKENS: &str = "Tokens";
const LOG: &str = "Log";

/// The whole configuration.
///
/// To add a key, add a field here, use it (most keys in `derived_settings.rs`; rules for several
/// keys in `checks.rs`), and add its row to `docs/configuration.md`.
#[derive(Debug, Clone, PartialEq, Parser, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[group(skip)]
pub struct Config {
    /// The port to listen on, from 0 to 65535; 0 takes a free one
    #[arg(long, help_heading = SERVER, value_name = "NUMBER", default_value = "3005")]
    pub port: Whole<0, 65_535>,
    /// The address to listen on; by default loopback, or all addresses once the key is your own
    #[arg(long, help_heading = SERVER, value_name = "HOST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Text>,
    /// The folder that holds the projects; created if missing
    #[arg(long, help_heading = SERVER, value_name = "PATH", default_value = "./")]
    pub base_dir: Text,
    /// Where projects are kept: `filesystem`, `memory`, which is empty again after a restart, or
    /// `nats`, which several servers can share
    #[arg(long, help_heading = SERVER, value_name = "STORE", default_value = "filesystem")]
    pub store: Store,
    /// With the store `nats`: the addresses of its servers
    #[arg(long, help_heading = NATS, value_name = "LIST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats: Option<List<NatsAddress>>,
    /// With the store `nats`: the file that says who the server is there
    #[arg(long, help_heading = NATS, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_credentials_file: Option<Text>,
    /// With the store `nats`: how many of its servers keep everything, from 1 to 5
    #[arg(long, help_heading = NATS, value_name = "NUMBER", default_value = "3")]
    pub nats_replicas: Whole<1, 5>,
    /// With the store `nats`: what all names there begin with, so that others can use it, too:
    /// 1 to 32 small letters and digits
    #[arg(long, help_heading = NATS, value_name = "TEXT", default_value = "fws")]
    pub nats_prefix: NatsPrefix,
    /// With the store `nats`: after how many seconds without an answer clients are sent to another
    /// server, from 3 to 3600
    #[arg(long, help_heading = NATS, value_name = "SECONDS", default_value = "30")]
    pub cluster_timeout_seconds: Whole<3, 3_600>,
    /// With `original`, other defaults, for clients that rely on the habits of the original server:
    /// the files of a project go as soon as its streamer is not there
    #[arg(long, help_heading = SERVER, value_name = "WITH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<Compatibility>,
    /// How long a stopping server may take to finish its work, in seconds, from 0 to 3600
    #[arg(long, help_heading = SERVER, value_name = "SECONDS", default_value = "10")]
    pub drain_seconds: Whole<0, 3_600>,
    /// The port of the metrics for Prometheus, from 0 to 65535; 0 takes a free one; by default
    /// there are none
    #[arg(long, help_heading = SERVER, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_port: Option<Whole<0, 65_535>>,
    /// The address on which the metrics are served; by default loopback
    #[arg(long, help_heading = SERVER, value_name = "HOST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_host: Option<Text>,
    /// Accepted for compatibility with the original server, and ignored
    #[arg(long, help_heading = SERVER, value_name = "TEXT", hide = true)]
    #[arg(value_parser = |_: &str| Ok::<_, Infallible>(IgnoredAny))]
    #[serde(skip_serializing)]
    pub(super) crypto: Option<IgnoredAny>,
    /// Whether reading needs no token
    #[arg(long, help_heading = FILES, value_name = "BOOL", default_value = "true")]
    #[arg(action = ArgAction::Set)]
    pub public_read: bool,
    /// Whether everyone who may read a project may hear the chat in its room without a token for it
    #[arg(long, help_heading = FILES, value_name = "BOOL", default_value = "false")]
    #[arg(action = ArgAction::Set)]
    pub public_chat: bool,
    /// What an acknowledged file survives: with `fsync` a crash of the machine; with `rename`,
    /// which is faster, one of the process
    #[arg(long, help_heading = FILES, value_name = "HOW", default_value = "fsync")]
    pub durability: Durability,
    /// Whether a project's files stay (`keep`) or go (`delete`) when its streamer stays away
    #[arg(long, help_heading = FILES, value_name = "HOW", default_value = "keep")]
    pub on_streamer_disconnect: OnStreamerDisconnect,
    /// How long the streamer may be away before `delete` takes effect, in seconds
    #[arg(long, help_heading = FILES, value_name = "SECONDS", default_value = "30")]
    pub streamer_grace_seconds: Whole<0>,
    /// Whether a streamer's deletion of a folder deletes its files (`delete`) or nothing (`ignore`)
    #[arg(long, help_heading = FILES, value_name = "HOW", default_value = "delete")]
    pub folder_deletion: FolderDeletion,
    /// Content per part of a file that is sent, in bytes, a multiple of 3 from 3 to 3145728
    #[arg(long, help_heading = FILES, value_name = "BYTES", default_value = "196608")]
    pub part_bytes: PartBytes,
    /// The longest message, in bytes, from 1024 to 1073741824
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "16777216")]
    pub max_message_bytes: Whole<1_024, 1_073_741_824>,
    /// The longest message before a connection has authenticated, in bytes, from 1024 to 1073741824
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "1048576")]
    pub max_unauthenticated_message_bytes: Whole<1_024, 1_073_741_824>,
    /// The largest file, in bytes
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "67108864")]
    pub max_file_bytes: Whole<0>,
    /// The most that one project may hold, in bytes
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "1073741824")]
    pub max_project_bytes: Whole<0>,
    /// The most files in one project
    #[arg(long, help_heading = LIMITS, value_name = "NUMBER", default_value = "100000")]
    pub max_project_files: Whole<0>,
    /// The most folders in one project
    #[arg(long, help_heading = LIMITS, value_name = "NUMBER", default_value = "100000")]
    pub max_project_folders: Whole<0>,
    /// The most that the names of one project's files and folders may take together, in bytes
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "16777216")]
    pub max_project_name_bytes: Whole<0>,
    /// The most unfinished uploads of one connection
    #[arg(long, help_heading = LIMITS, value_name = "NUMBER", default_value = "256")]
    pub max_open_uploads: Whole<0>,
    /// The most that the unfinished uploads of one connection may hold, in bytes
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", default_value = "67108864")]
    pub max_open_upload_bytes: Whole<0>,
    /// How long an unfinished upload is kept without a new part, in seconds, at least 1
    #[arg(long, help_heading = LIMITS, value_name = "SECONDS", default_value = "300")]
    pub upload_idle_seconds: Whole<1>,
    /// The most that one pull request may hold, in bytes
    #[arg(long, help_heading = REVIEW, value_name = "BYTES", default_value = "67108864")]
    pub max_pull_request_bytes: Whole<0>,
    /// The most files that one pull request may name, at least 1
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "1000")]
    pub max_pull_request_files: Whole<1>,
    /// The most open pull requests of one user in one project
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "20")]
    pub max_open_pull_requests: Whole<0>,
    /// The longest title of a pull request, in bytes, at least 1
    #[arg(long, help_heading = REVIEW, value_name = "BYTES", default_value = "256")]
    pub max_title_bytes: Whole<1>,
    /// The longest description of a pull request, in bytes
    #[arg(long, help_heading = REVIEW, value_name = "BYTES", default_value = "16384")]
    pub max_description_bytes: Whole<0>,
    /// The longest chat message, in bytes, at least 1
    #[arg(long, help_heading = REVIEW, value_name = "BYTES", default_value = "4096")]
    pub max_chat_bytes: Whole<1>,
    /// How many messages a room remembers, from 0 to 100000; fewer where memory is short
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "100")]
    pub chat_history: Whole<0, 100_000>,
    /// How many messages per second a user may send to one room on average, and how many decisions
    /// a moderator may make, from 0 to 1000000; 0: no limit
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "5")]
    pub chat_messages_per_second: Whole<0, 1_000_000>,
    /// How many messages a user may send, or how many decisions a moderator may make, at once after
    /// a pause, from 1 to 1000000
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "20")]
    pub chat_burst: Whole<1, 1_000_000>,
    /// What people without an account may do: nothing (`off`), chat under a name of their choice
    /// (`chat`), or open pull requests, too (`propose`)
    #[arg(long, help_heading = REVIEW, value_name = "WHAT", default_value = "off")]
    pub guests: Guests,
    /// The most names of guests that may be taken in one project, from 1 to 10000
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "1000")]
    pub max_guests: Whole<1, 10_000>,
    /// The most names of guests that one address (a /64 of IPv6 counts as one) takes within an
    /// hour; 0: no limit
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "40")]
    pub max_guests_per_address: Whole<0>,
    /// The most people who may be muted or banned in one project at a time, the last quarter of
    /// them by its streamer alone, from 1 to 10000
    #[arg(long, help_heading = REVIEW, value_name = "NUMBER", default_value = "1000")]
    pub max_moderated: Whole<1, 10_000>,
    /// The most connections; 0: no limit
    #[arg(long, help_heading = CONNECTIONS, value_name = "NUMBER", default_value = "20000")]
    pub max_connections: Whole<0>,
    /// The most connections of one address (a /64 of IPv6 counts as one); 0: no limit
    #[arg(long, help_heading = CONNECTIONS, value_name = "NUMBER", default_value = "0")]
    pub max_connections_per_address: Whole<0>,
    /// The most projects that one connection may watch; 0: no limit
    #[arg(long, help_heading = CONNECTIONS, value_name = "NUMBER", default_value = "16")]
    pub max_watches: Whole<0>,
    /// The most chat rooms; 0: no limit
    #[arg(long, help_heading = CONNECTIONS, value_name = "NUMBER", default_value = "100000")]
    pub max_rooms: Whole<0>,
    /// After how many failed authentications a connection is closed, from 1 to 1000000
    #[arg(long, help_heading = CONNECTIONS, value_name = "NUMBER", default_value = "10")]
    pub max_failed_authentications: Whole<1, 1_000_000>,
    /// The most that may wait to be sent to one connection, in bytes, at least 4096
    #[arg(long, help_heading = CONNECTIONS, value_name = "BYTES", default_value = "4194304")]
    pub max_queue_bytes: Whole<4_096>,
    /// The most memory that clients may make the server hold, chat rooms and projects in use
    /// included, in bytes, at least 4096; what receivers share counts once
    #[arg(long, help_heading = CONNECTIONS, value_name = "BYTES", default_value = "100663296")]
    pub(super) max_memory_bytes: Whole<4_096>,
    /// The old name of `maxMemoryBytes`; applies if it is larger
    #[arg(long, help_heading = CONNECTIONS, value_name = "BYTES", hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_total_queue_bytes: Option<Whole<4_096>>,
    /// How long a client may take to send a request over HTTP, or be idle between two, in seconds,
    /// from 1 to 3600
    #[arg(long, help_heading = CONNECTIONS, value_name = "SECONDS", default_value = "10")]
    pub handshake_timeout_seconds: Whole<1, 3_600>,
    /// How long a message may arrive, or an answer over HTTP be taken, at less than 1 KiB per
    /// second, in seconds, from 1 to 3600
    #[arg(long, help_heading = CONNECTIONS, value_name = "SECONDS", default_value = "30")]
    pub message_timeout_seconds: Whole<1, 3_600>,
    /// How long a client may be silent before it is pinged, in seconds, from 1 to 3600
    #[arg(long, help_heading = CONNECTIONS, value_name = "SECONDS", default_value = "20")]
    pub ping_seconds: Whole<1, 3_600>,
    /// How long a client may be silent or stuck before it is closed, in seconds, from 1 to 86400
    #[arg(long, help_heading = CONNECTIONS, value_name = "SECONDS", default_value = "60")]
    pub idle_timeout_seconds: Whole<1, 86_400>,
    /// The same as `idleTimeoutSeconds` where it is longer, for a client that views, watches or
    /// chats and does not stream, in seconds, from 1 to 86400
    #[arg(long, help_heading = CONNECTIONS, value_name = "SECONDS", default_value = "600")]
    pub unresponsive_seconds: Whole<1, 86_400>,
    /// The address at which others reach this server, such as `https://code.example.org/`
    #[arg(long, help_heading = CONNECTIONS, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Origin>,
    /// The origins whose web pages may connect; by default those of this machine while the server
    /// listens on loopback, otherwise all
    #[arg(long, help_heading = CONNECTIONS, value_name = "LIST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<List<Origin>>,
    /// The IP addresses and networks of proxies whose `X-Forwarded-For` is trusted
    #[arg(long, help_heading = CONNECTIONS, value_name = "LIST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<List<IpNetwork>>,
    /// The secret that signs tokens (HS256); use at least 32 bytes of your own for anything but
    /// trying out
    #[arg(long, help_heading = TOKENS, value_name = "TEXT", default_value = "secret")]
    pub key: SecretKey,
    /// A file that holds the secret, used instead of `key`
    #[arg(long, help_heading = TOKENS, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<Text>,
    /// A PEM file with the public key of RS256, ES256 or `EdDSA` tokens, used instead of `key`
    #[arg(long, help_heading = TOKENS, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<Text>,
    /// The `iss` that tokens must carry; by default any
    #[arg(long, help_heading = TOKENS, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text>,
    /// The `aud` that tokens must carry; by default any
    #[arg(long, help_heading = TOKENS, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Text>,
    /// How the log is written to standard error: `text` or `json`
    #[arg(long, help_heading = LOG, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// How much is logged: `error`, `warn`, `info`, `debug` or `trace`
    #[arg(long, help_heading = LOG, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

impl Default for Config {
    /// The defaults as the flags state them.
    fn default() -> Self {
        static DEFAULTS: LazyLock<Config> = LazyLock::new(|| Config::parse_from([""]));
        DEFAULTS.clone()
    }
}
