//! The command line and the configuration (protocol, section 9).

mod args;
mod config;
mod greeting;
mod keys;
mod load;
mod logging;
mod parts;
mod settings;
mod stop_signals;
mod texts;

#[cfg(test)]
mod tests;

pub use args::{Exit, Invocation, TokenRequest, parse};
pub use config::{Config, Listen, LogFormat, SecretKey, Store};
pub use greeting::greeting;
pub use load::Loaded;
pub use logging::start_logging;
pub use settings::ConfigError;
pub use stop_signals::StopSignals;
pub use texts::{texts, variables};
