//! The socket that the two halves of a connection share.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::control_queue::ControlQueue;
use crate::adapters::inbound::transport::admission::AdmissionPermit;
use crate::adapters::inbound::transport::traffic::{Traffic, Wire};

/// How much a closing connection discards at a time.
const DRAIN_BYTES: usize = 16 * 1024;

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
pub(in crate::adapters::inbound::transport) struct SharedSocket {
    pub(super) stream: TcpStream,
    pub(super) control: ControlQueue,
    pub(super) progress: Mutex<WriteProgress>,
    pub(super) traffic: Arc<Traffic>,
    _permit: AdmissionPermit,
}

impl SharedSocket {
    /// A socket that counts what it reads and writes in `traffic`.
    pub(in crate::adapters::inbound::transport) fn new(
        stream: TcpStream,
        permit: AdmissionPermit,
        traffic: Arc<Traffic>,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            control: ControlQueue::default(),
            progress: Mutex::default(),
            traffic,
            _permit: permit,
        })
    }

    /// Reads and discards. The buffer is on the stack, so a closing connection that waits takes no
    /// memory for it.
    pub(super) fn discard(&self) -> io::Result<usize> {
        let mut scratch = [0; DRAIN_BYTES];
        let count = self.stream.try_read(&mut scratch)?;
        self.received(count);
        Ok(count)
    }

    /// Notes that so many bytes have been read.
    pub(super) fn received(&self, count: usize) {
        self.traffic.received.of(Wire::WebSocket).add(count);
    }

    /// Whether the client sends no more, as far as the system has said.
    pub(super) fn has_finished(&self) -> bool {
        let ready = self.stream.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.is_ok_and(Ready::is_read_closed))
    }

    /// Waits for `work` unless the connection fails first, for instance because the client resets
    /// it. What has come can still be read. In a box, because it is rare: most connections are just
    /// being read.
    pub(super) fn unless_failed<'a, T>(
        &'a self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, Option<T>> {
        let working = async {
            tokio::select! {
                biased;
                done = work => Some(done),
                // Whatever the result, the connection is at an end.
                _ = self.stream.ready(Interest::ERROR) => None,
            }
        };
        working.boxed()
    }
}
