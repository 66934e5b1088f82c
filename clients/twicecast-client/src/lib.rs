//! A client of a file-ws-server, for a bot, an editor's plug-in or a command.
//!
//! Nothing that a server sends is trusted: names are checked ([`names::FileName`]), texts print
//! escaped ([`Untrusted`]), and whatever is kept in memory has a bound.

pub mod assembly;
pub mod backoff;
pub mod connection;
mod error;
pub mod listing;
pub mod names;
pub mod protocol;
mod throughput;
pub mod untrusted;

pub use error::Error;
pub use untrusted::Untrusted;
