//! The command line and the configuration (protocol, section 9).

mod args;
mod checks;
mod config;
mod derived_settings;
mod doctor;
mod exit;
mod greeting;
mod key_choice;
mod layers;
mod loading;
mod logging;
mod manual;
mod named_file;
mod nats_values;
mod operate;
mod run;
mod stop_signals;
mod target;
mod texts;
mod token_request;
mod transfer;
mod values;

#[cfg(test)]
mod tests;

pub use args::{Invocation, Operation, parse};
pub use checks::Loaded;
pub use config::Config;
pub use doctor::{Doctor, doctor, health};
pub use exit::Exit;
pub use greeting::greeting;
pub use layers::ConfigError;
pub use logging::start_logging;
pub use nats_values::{NatsAddress, NatsPrefix};
pub use operate::operate;
pub use run::{block_on, print, run};
pub use stop_signals::StopSignals;
pub use target::{Direction, Target};
pub use texts::{texts, variables};
pub use token_request::TokenRequest;
pub use transfer::transfer;
pub use values::{
    Durability, List, LogFormat, LogLevel, OnStreamerDisconnect, PartBytes, SecretKey, Store, Text,
    Whole,
};
