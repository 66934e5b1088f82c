//! Accept loop, upgrade, framing and limits of the WebSocket transport (RFC 6455).
//!
//! The module knows bytes, messages and time limits, and nothing of what the messages say:
//!
//! - [`listen`] binds the port, [`serve`] accepts on it and serves warp filters,
//! - [`upgrade`] is the filter that turns a request into a connection,
//! - a [`ConnectionHandler`] then gets the [`Connection`]: a [`Reader`] of whole messages and a
//!   [`Writer`] of whole frames, both on the bare socket,
//! - and says with a [`Close`] how it ends; the transport sees to that, also when the handler
//!   panics.
//!
//! Why warp's own server and WebSocket are not used: the server has no timeout for a half-sent
//! head and does not know its upgraded connections at shutdown, and the WebSocket allocates
//! 128 KiB per connection.

mod accept;
mod address;
mod admission;
mod breach;
mod close;
mod connection;
mod control;
mod decoder;
mod ended;
mod fair_share;
pub mod frame;
mod handshake;
mod header;
mod held;
mod idle_frames;
mod incoming;
mod link;
pub mod listen;
mod mask;
mod open_files;
mod pace;
mod reader;
mod settings;
mod upgrade;
mod writer;

#[cfg(test)]
mod socket_tests;

pub use accept::{peer_address, serve};
pub use breach::Breach;
pub use close::{CLOSE_TIMEOUT, Close, CloseCode};
pub use connection::{Connection, ConnectionHandler, Peer};
pub use decoder::Decoder;
pub use ended::Ended;
pub use fair_share::Priority;
pub use held::Held;
pub use incoming::Incoming;
pub use open_files::raise_open_files;
pub use reader::{Message, PeerClose, Reader};
pub use settings::{Shutdown, TransportSettings};
pub use upgrade::{Transport, upgrade};
pub use writer::{OutFrame, Outlet, WriteEnded, Writer, Written};
