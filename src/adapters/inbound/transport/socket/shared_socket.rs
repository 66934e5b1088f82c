//! The socket that the two halves of a connection share.

use std::sync::Mutex;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::control_queue::ControlQueue;
use crate::adapters::inbound::transport::admission::AdmissionPermit;

/// How far writing has come.
#[derive(Debug, Default)]
pub(super) struct WriteProgress {
    /// The rest of a frame that has been written in part; it must be written before anything else.
    pub(super) begun: Bytes,
    /// Since when the socket has been full.
    pub(super) stalled: Option<Instant>,
}

/// The socket, the control frames to write, and the permit, which is released with the socket.
#[derive(Debug)]
pub(super) struct SharedSocket {
    pub(super) stream: TcpStream,
    pub(super) control: ControlQueue,
    pub(super) progress: Mutex<WriteProgress>,
    pub(super) _permit: AdmissionPermit,
}
