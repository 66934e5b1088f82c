//! The protocol over WebSocket: its messages, and the loop of a connection.

pub mod connection;
#[doc(hidden)]
pub mod fuzzing;
pub mod protocol;

pub use connection::serve::ProtocolHandler;
pub use connection::service::Service;
pub use protocol::encode::event_encoder;
