//! From the port to the upgrade: listening, accepting, plain HTTP and the opening handshake.

pub(super) mod accept;
pub(super) mod address;
mod flow;
pub(super) mod handshake;
pub mod listen;
mod metered;
pub(super) mod plain;
pub(super) mod probes;
mod shared;
pub(super) mod upgrade;
pub mod web_pages;
