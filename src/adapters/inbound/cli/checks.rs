//! Checks the rules that concern several keys, and warns about what the operator should know.

use std::fmt;
use std::net::IpAddr;

use super::config::Config;
use super::layers::{ConfigError, Layers, Source};
use super::values::{HIDDEN_KEY, Store};

/// The key of a server that nobody has configured.
pub(super) const DEFAULT_KEY: &[u8] = b"secret";

/// The warning about the default key.
pub(super) const DEFAULT_KEY_WARNING: &str = "the key is the default one, which everybody knows: \
    good for trying out on this machine, where the server is listening";

/// The shortest key that protects anything (RFC 7518, section 3.2), in bytes.
pub(super) const STRONG_KEY_BYTES: usize = 32;

/// A configuration and what its operator should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sentences for the log.
    pub warnings: Vec<String>,
    /// Where the key came from.
    pub(super) key_source: Source,
}

/// Checks the other rules that concern several keys.
///
/// # Errors
/// The first rule that is broken.
pub(super) fn load(layers: Layers) -> Result<Loaded, ConfigError> {
    let key_source = layers.source("key");
    let Layers { config, notes, .. } = layers;
    check_pairs(&config)?;
    let warnings = [notes, warnings(&config)].concat();
    Ok(Loaded {
        config,
        warnings,
        key_source,
    })
}

/// Whether the key is the operator's own and long enough to let others connect.
pub(super) fn has_strong_key(config: &Config) -> bool {
    let key = config.key.as_bytes();
    config.public_key_file.is_some() || (key != DEFAULT_KEY && key.len() >= STRONG_KEY_BYTES)
}

/// Checks that a server that others can reach has a strong key.
///
/// # Errors
/// The key is not strong, or it is the placeholder of a hidden one.
pub(super) fn check_key_and_host(layers: &Layers) -> Result<(), ConfigError> {
    let config = &layers.config;
    if config.public_key_file.is_none() && config.key.as_bytes() == HIDDEN_KEY.as_bytes() {
        let source = layers.source("key");
        return Err(ConfigError(format!(
            "key is {HIDDEN_KEY} in {source}: that stands for a hidden key; put in the key itself"
        )));
    }
    match config.host.as_deref() {
        Some(host) if !has_strong_key(config) && !is_loopback(host) => {
            let source = layers.source("host");
            Err(ConfigError(format!(
                "host is {host:?} in {source}, which others can reach, but key is not one of your \
                 own of at least {STRONG_KEY_BYTES} bytes: set key (for example to the output of \
                 `openssl rand -hex 32`) or leave host out"
            )))
        }
        _ => Ok(()),
    }
}

/// Whether `host` can be reached from this machine alone.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn check_pairs(config: &Config) -> Result<(), ConfigError> {
    let ping = Key("pingSeconds", config.ping_seconds.get());
    let idle = Key("idleTimeoutSeconds", config.idle_timeout_seconds.get());
    let message = Key("maxMessageBytes", config.max_message_bytes.get());
    let unauthenticated = config.max_unauthenticated_message_bytes.get();
    let unauthenticated = Key("maxUnauthenticatedMessageBytes", unauthenticated);
    let queue = Key("maxQueueBytes", config.max_queue_bytes.get());
    let memory = Key("maxMemoryBytes", config.max_memory_bytes() as u64);
    // A part in base64, and the message around it.
    let part = config.part_bytes.get().div_ceil(3) * 4 + 8_192;
    let four_times = |key| format!("{memory} must be at least four times {key}");
    let fault = if config.store == Store::Nats && config.nats_servers().is_empty() {
        "store is nats, so nats must name at least one of its servers".to_owned()
    } else if config.nats_replicas.get().is_multiple_of(2) {
        "natsReplicas must be 1, 3 or 5: with an even number, one more may fail no more".to_owned()
    } else if ping.1 >= idle.1 {
        format!("{ping} must be less than {idle}: a silent client is closed before it is asked")
    } else if unauthenticated.1 > message.1 {
        format!("{unauthenticated} must not be greater than {message}")
    } else if part > queue.1 {
        format!(
            "{queue} must hold a part of partBytes in base64 with 8 KiB around it, {part} bytes"
        )
    } else if memory.1 / 4 < message.1 {
        four_times(message)
    } else if memory.1 / 4 < queue.1 {
        four_times(queue)
    } else if config
        .public_url
        .as_ref()
        .is_some_and(|url| !url.is_of_http())
    {
        "publicUrl must begin with http:// or https://".to_owned()
    } else {
        return Ok(());
    };
    Err(ConfigError(fault))
}

struct Key(&'static str, u64);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (which is {})", self.0, self.1)
    }
}

fn warnings(config: &Config) -> Vec<String> {
    let rules = [
        (
            config.crypto.is_some(),
            "the key crypto belongs to the original server and is ignored",
        ),
        (
            config.max_total_queue_bytes.is_some(),
            "maxTotalQueueBytes is now called maxMemoryBytes; the old key counts only where it is \
             larger",
        ),
        (
            config.metrics_host.is_some() && config.metrics_port.is_none(),
            "metricsHost has no meaning without metricsPort: there are no metrics",
        ),
        (
            config.store == Store::Nats,
            "the store nats is young: docs/how-to/nats.md says what its servers do not share",
        ),
        (
            config.public_key_file.is_none() && config.key.as_bytes() == DEFAULT_KEY,
            DEFAULT_KEY_WARNING,
        ),
    ];
    let due = rules.into_iter().filter(|(is_due, _)| *is_due);
    due.map(|(_, warning)| warning.to_owned()).collect()
}
