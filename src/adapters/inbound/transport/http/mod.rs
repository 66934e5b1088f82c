//! From the port to the upgrade: listening, accepting, plain HTTP and the opening handshake.

pub(super) mod accept;
mod address;
mod handshake;
pub mod listen;
pub(super) mod open_files;
pub(super) mod upgrade;
pub mod web_pages;
