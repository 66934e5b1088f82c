//! The WebSocket transport (RFC 6455): accepting, upgrading, framing, and the limits of it all.
//!
//! The module knows bytes, messages and time limits, but not what the messages say:
//!
//! - [`listen`] binds the port, [`serve`] accepts on it and serves warp filters,
//! - [`upgrade`] is the filter that turns a request into a connection,
//! - a [`ConnectionHandler`] then gets the [`Connection`]: a [`Reader`] of whole messages and a
//!   [`Writer`] of whole frames, both on the bare socket,
//! - and returns a [`Close`] that says how the connection ends; the transport carries it out, even
//!   if the handler panics.

mod admission;
pub mod frame;
mod http;
mod settings;
mod socket;
mod traffic;

#[cfg(test)]
mod tests;

pub use self::http::accept::serve;
pub use self::http::handshake::{HandshakeError, asks_for_websocket};
pub use self::http::listen;
pub use self::http::plain::PlainConnection;
pub use self::http::probes::{PROBE, ProbeSeen, Probes};
pub use self::http::upgrade::{Observer, Transport, upgrade};
pub use self::http::web_pages::{Origin, WebPages};
pub use admission::counted_address;
pub use frame::close_code::CloseCode;
pub use frame::decoder::Decoder;
pub use frame::incoming::Incoming;
pub use frame::protocol_error::ProtocolError;
pub use settings::{Shutdown, TransportSettings};
pub use socket::close::Close;
pub use socket::closing::CLOSE_TIMEOUT;
pub use socket::connection::{Connection, ConnectionHandler};
pub use socket::idle_timeout::IdleTimeout;
pub use socket::message::{Message, PeerClose};
pub use socket::read_error::ReadError;
pub use socket::reader::Reader;
pub use socket::writer::{OutFrame, SocketWriter, WriteError, Writer, Written};
pub use traffic::{Ended, Sockets, StatusClass, Traffic, Wire};
