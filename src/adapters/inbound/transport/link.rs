//! What the two halves of a connection share.

use std::sync::Mutex;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::admission::Permit;
use super::control::Control;

/// How far writing has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What is left of a frame that was begun: nothing else may be written before it.
    pub(super) begun: Bytes,
    /// Since when the socket has been full.
    pub(super) stalled: Option<Instant>,
}

/// The socket, the control frames that wait to be written, and the connection's place among the
/// connections, which is given up with the socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: TcpStream,
    pub(super) control: Control,
    pub(super) progress: Mutex<Progress>,
    pub(super) _permit: Permit,
}
