//! From settings to the configuration, with the rules that concern several keys.

use std::net::IpAddr;
use std::time::Duration;

use super::config::{Config, Listen, LogFormat, SecretKey, Store};
use super::settings::{ConfigError, Settings};

/// The key of a server that nobody has configured.
const DEFAULT_KEY: &str = "secret";

/// The least bytes of a key that may be used for more than trying out (RFC 7518, section 3.2).
const STRONG_KEY_BYTES: usize = 32;

/// What `--print-config` shows in the key's place.
pub(super) const HIDDEN_KEY: &str = "***";

/// A configuration and what its operator should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sentences for the log.
    pub warnings: Vec<String>,
}

pub(super) fn load(settings: &Settings) -> Result<Loaded, ConfigError> {
    let config = Config {
        port: u16::try_from(settings.number("port")).unwrap_or_default(),
        listen: listen(settings)?,
        base_dir: settings.text("baseDir").unwrap_or_default().into(),
        store: match settings.text("store").as_deref() {
            Some("memory") => Store::Memory,
            _ => Store::Filesystem,
        },
        drain: seconds(settings, "drainSeconds"),
        public_read: settings.flag("publicRead"),
        fsync: settings.text("durability").as_deref() == Some("fsync"),
        delete_abandoned_after: (settings.text("onStreamerDisconnect").as_deref()
            == Some("delete"))
        .then(|| seconds(settings, "streamerGraceSeconds")),
        part_bytes: size(settings, "partBytes"),
        max_message_bytes: size(settings, "maxMessageBytes"),
        max_unauthenticated_message_bytes: size(settings, "maxUnauthenticatedMessageBytes"),
        max_file_bytes: settings.number("maxFileBytes"),
        max_project_bytes: settings.number("maxProjectBytes"),
        max_project_files: settings.number("maxProjectFiles"),
        max_open_uploads: size(settings, "maxOpenUploads"),
        max_open_upload_bytes: settings.number("maxOpenUploadBytes"),
        upload_idle: seconds(settings, "uploadIdleSeconds"),
        max_pull_request_bytes: settings.number("maxPullRequestBytes"),
        max_pull_request_files: size(settings, "maxPullRequestFiles"),
        max_open_pull_requests: size(settings, "maxOpenPullRequests"),
        max_title_bytes: size(settings, "maxTitleBytes"),
        max_description_bytes: size(settings, "maxDescriptionBytes"),
        max_chat_bytes: size(settings, "maxChatBytes"),
        chat_history: size(settings, "chatHistory"),
        chat_messages_per_second: small(settings, "chatMessagesPerSecond"),
        chat_burst: small(settings, "chatBurst"),
        max_connections: size(settings, "maxConnections"),
        max_connections_per_address: size(settings, "maxConnectionsPerAddress"),
        max_watches: size(settings, "maxWatches"),
        max_rooms: size(settings, "maxRooms"),
        max_failed_authentications: small(settings, "maxFailedAuthentications"),
        max_queue_bytes: size(settings, "maxQueueBytes"),
        max_total_queue_bytes: size(settings, "maxTotalQueueBytes"),
        handshake_timeout: seconds(settings, "handshakeTimeoutSeconds"),
        message_timeout: seconds(settings, "messageTimeoutSeconds"),
        ping: seconds(settings, "pingSeconds"),
        idle_timeout: seconds(settings, "idleTimeoutSeconds"),
        allowed_origins: settings.list("allowedOrigins"),
        trusted_proxies: proxies(settings)?,
        key: SecretKey::new(settings.text("key").unwrap_or_default()),
        public_key_file: settings.text("publicKeyFile").map(Into::into),
        issuer: settings.text("issuer"),
        audience: settings.text("audience"),
        log_format: match settings.text("logFormat").as_deref() {
            Some("json") => LogFormat::Json,
            _ => LogFormat::Text,
        },
        log_level: settings.text("logLevel").unwrap_or_default(),
    };
    check_pairs(&config)?;
    Ok(Loaded {
        warnings: warnings(&config, settings),
        config,
    })
}

/// Loopback, unless the key is one's own and strong.
fn listen(settings: &Settings) -> Result<Listen, ConfigError> {
    let key = settings.text("key").unwrap_or_default();
    let public_key = settings.text("publicKeyFile").is_some();
    if key == HIDDEN_KEY && !public_key {
        let source = settings.source("key");
        let fault = format!(
            "key is {HIDDEN_KEY} in {source}: that stands for a hidden key; put in the key itself"
        );
        return Err(ConfigError(fault));
    }
    let is_strong = public_key || (key != DEFAULT_KEY && key.len() >= STRONG_KEY_BYTES);
    match settings.text("host") {
        None if is_strong => Ok(Listen::All),
        None => Ok(Listen::Loopback),
        Some(host) if is_strong || is_loopback(&host) => Ok(match host.as_str() {
            "localhost" => Listen::Loopback,
            _ => Listen::Address(host),
        }),
        Some(host) => {
            let source = settings.source("host");
            Err(ConfigError(format!(
                "host is {host:?} in {source}, which others can reach, but key is not one of your \
                 own of at least {STRONG_KEY_BYTES} bytes: set key (for example to the output of \
                 `openssl rand -hex 32`) or leave host out"
            )))
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn proxies(settings: &Settings) -> Result<Vec<IpAddr>, ConfigError> {
    let listed = settings.list("trustedProxies").unwrap_or_default();
    let parse = |text: &String| {
        text.parse().map_err(|_| {
            let source = settings.source("trustedProxies");
            let fault =
                format!("trustedProxies holds {text:?} in {source}, but takes IP addresses");
            ConfigError(fault)
        })
    };
    listed.iter().map(parse).collect()
}

/// Combinations that cannot work.
fn check_pairs(config: &Config) -> Result<(), ConfigError> {
    let part_message = config.part_bytes.div_ceil(3) * 4 + 8_192;
    let rules = [
        (
            config.ping < config.idle_timeout,
            "pingSeconds must be less than idleTimeoutSeconds: a silent client is closed before it is asked",
        ),
        (
            config.max_unauthenticated_message_bytes <= config.max_message_bytes,
            "maxUnauthenticatedMessageBytes must not be greater than maxMessageBytes",
        ),
        (
            part_message <= config.max_queue_bytes,
            "maxQueueBytes must be greater than a part of partBytes in base64 with 8 KiB around it",
        ),
        (
            config.max_queue_bytes <= config.max_total_queue_bytes,
            "maxQueueBytes must not be greater than maxTotalQueueBytes",
        ),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, fault)) => Err(ConfigError((*fault).to_owned())),
    }
}

fn warnings(config: &Config, settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.value("crypto").is_some() {
        warnings.push("the key crypto is the original's and is ignored".to_owned());
    }
    if config.public_key_file.is_none() && config.key.as_bytes() == DEFAULT_KEY.as_bytes() {
        warnings.push(
            "the key is the default one, which everybody knows: good for trying out on this \
             machine, where the server is listening"
                .to_owned(),
        );
    }
    warnings
}

fn seconds(settings: &Settings, name: &str) -> Duration {
    Duration::from_secs(settings.number(name))
}

fn size(settings: &Settings, name: &str) -> usize {
    usize::try_from(settings.number(name)).unwrap_or(usize::MAX)
}

fn small(settings: &Settings, name: &str) -> u32 {
    u32::try_from(settings.number(name)).unwrap_or(u32::MAX)
}
