//! What the two halves of a connection share.

use std::sync::Mutex;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::control_queue::ControlQueue;
use crate::adapters::inbound::transport::admission::AdmissionPermit;

/// How far writing has come.
#[derive(Debug, Default)]
pub(super) struct WriteProgress {
    /// What is left of a frame that was begun: nothing else may be written before it.
    pub(super) begun: Bytes,
    /// Since when the socket has been full.
    pub(super) stalled: Option<Instant>,
}

/// The socket, the control frames that wait to be written, and the connection's place among the
/// connections, which is given up with the socket.
#[derive(Debug)]
pub(super) struct SharedSocket {
    pub(super) stream: TcpStream,
    pub(super) control: ControlQueue,
    pub(super) progress: Mutex<WriteProgress>,
    pub(super) _permit: AdmissionPermit,
}
