//! The command line and the configuration (protocol, section 9).

mod args;
mod config;
mod keys;
mod load;
mod settings;

#[cfg(test)]
mod tests;

pub use args::{Exit, Invocation, TokenRequest, parse};
pub use config::{Config, Listen, LogFormat, SecretKey, Store};
pub use load::Loaded;
pub use settings::ConfigError;
