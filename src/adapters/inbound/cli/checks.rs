//! The rules that concern several keys, and what the operator should know.

use std::net::IpAddr;

use super::config::Config;
use super::layers::{ConfigError, Layers};
use super::values::HIDDEN_KEY;

/// The key of a server that nobody has configured.
pub(super) const DEFAULT_KEY: &[u8] = b"secret";

/// The shortest key that protects anything (RFC 7518, section 3.2), in bytes.
const STRONG_KEY_BYTES: usize = 32;

/// A configuration and what its operator should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sentences for the log.
    pub warnings: Vec<String>,
}

/// Checks the rules that concern several keys.
///
/// # Errors
/// The first rule that is broken.
pub(super) fn load(layers: Layers) -> Result<Loaded, ConfigError> {
    check_key_and_host(&layers)?;
    let config = layers.config;
    check_pairs(&config).map_err(ConfigError)?;
    let warnings = warnings(&config);
    Ok(Loaded { config, warnings })
}

/// Whether the key is the operator's own and long enough to let others connect.
pub(super) fn has_strong_key(config: &Config) -> bool {
    let key = config.key.as_bytes();
    config.public_key_file.is_some() || (key != DEFAULT_KEY && key.len() >= STRONG_KEY_BYTES)
}

fn check_key_and_host(layers: &Layers) -> Result<(), ConfigError> {
    let config = &layers.config;
    if config.public_key_file.is_none() && config.key.as_bytes() == HIDDEN_KEY.as_bytes() {
        let source = layers.source("key");
        return Err(ConfigError(format!(
            "key is {HIDDEN_KEY} in {source}: that stands for a hidden key; put in the key itself"
        )));
    }
    match &config.host {
        Some(host) if !has_strong_key(config) && !is_loopback(host.as_str()) => {
            let (host, source) = (host.as_str(), layers.source("host"));
            Err(ConfigError(format!(
                "host is {host:?} in {source}, which others can reach, but key is not one of your \
                 own of at least {STRONG_KEY_BYTES} bytes: set key (for example to the output of \
                 `openssl rand -hex 32`) or leave host out"
            )))
        }
        _ => Ok(()),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn check_pairs(config: &Config) -> Result<(), String> {
    let number = |name: &str, value: u64| format!("{name} (which is {value})");
    let message = config.max_message_bytes.get();
    let queue = config.max_queue_bytes.get();
    let memory = config.max_memory_bytes() as u64;
    let four_times = |name: &str, value: u64| {
        let memory = number("maxMemoryBytes", memory);
        format!(
            "{memory} must be at least four times {}",
            number(name, value)
        )
    };
    let (ping, idle) = (config.ping_seconds.get(), config.idle_timeout_seconds.get());
    let stranger = config.max_unauthenticated_message_bytes.get();
    // A part in base64, and the message around it.
    let part_message = config.part_bytes.size().div_ceil(3) * 4 + 8_192;
    let rules = [
        (
            ping < idle,
            format!(
                "{} must be less than {}: a silent client is closed before it is asked",
                number("pingSeconds", ping),
                number("idleTimeoutSeconds", idle)
            ),
        ),
        (
            stranger <= message,
            format!(
                "{} must not be greater than {}",
                number("maxUnauthenticatedMessageBytes", stranger),
                number("maxMessageBytes", message)
            ),
        ),
        (
            part_message as u64 <= queue,
            format!(
                "{} must hold a part of partBytes in base64 with 8 KiB around it, {part_message} bytes",
                number("maxQueueBytes", queue)
            ),
        ),
        (
            memory / 4 >= message,
            four_times("maxMessageBytes", message),
        ),
        (memory / 4 >= queue, four_times("maxQueueBytes", queue)),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, fault)) => Err(fault),
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
            config.public_key_file.is_none() && config.key.as_bytes() == DEFAULT_KEY,
            "the key is the default one, which everybody knows: good for trying out on this \
             machine, where the server is listening",
        ),
    ];
    let due = rules.into_iter().filter(|(is_due, _)| *is_due);
    due.map(|(_, warning)| warning.to_owned()).collect()
}
