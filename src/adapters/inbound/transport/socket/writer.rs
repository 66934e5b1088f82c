//! The writing half of a connection: whole frames, many at a time, to the bare socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::close::Close;
use super::idle_timeout::IdleTimeout;
use super::shared_socket::{SharedSocket, WriteProgress};
use crate::adapters::inbound::transport::frame::close_code::CloseCode;
use crate::adapters::inbound::transport::traffic::Wire;
use crate::application::locks::lock;

/// The most frames that go into one write.
const MAX_SLICES: usize = 64;

/// How many bytes of a frame go into one write, and about how many into one turn: copying megabytes
/// takes so long that others would notice.
const MAX_BYTES: usize = 128 * 1_024;

/// Why nothing more can be written to a client.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The client took no byte for the idle timeout.
    #[error("the client does not take what is sent")]
    NoProgress,
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl From<WriteError> for Close {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NoProgress => Self::new(CloseCode::TRY_AGAIN, error.to_string()),
            WriteError::Io(_) => Self::Drop,
        }
    }
}

/// A whole frame, as [`frame`](crate::adapters::inbound::transport::frame) encodes it.
pub trait OutFrame: AsRef<[u8]> + Send + 'static {}

impl<F: AsRef<[u8]> + Send + 'static> OutFrame for F {}

/// The outcome of an attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Everything was written.
    All,
    /// As much as one turn allows.
    Turn,
    /// The socket is full.
    Full,
}

/// Writes to a connection what its socket takes without waiting, from any task.
#[derive(Debug, Clone)]
pub struct SocketWriter(Arc<SharedSocket>);

impl SocketWriter {
    /// Whether the client sends no more, as far as the system has said. What it has sent may still
    /// wait to be read.
    pub fn has_finished(&self) -> bool {
        self.0.has_finished()
    }

    /// Writes `frames`, and the pings and pongs that wait, until nothing is left, the socket is
    /// full or the turn is used up. Pings and pongs go first, at the next boundary between two
    /// frames. Never waits.
    ///
    /// A frame leaves `frames` when the socket has taken its first bytes; the connection keeps the
    /// rest of it and writes that before anything else.
    ///
    /// # Errors
    /// The socket failed.
    pub fn try_write<F: OutFrame>(&self, frames: &mut VecDeque<F>) -> io::Result<Written> {
        let mut written = 0;
        let ended = self.write_on(frames, &mut written);
        if written > 0 {
            self.0.traffic.sent.of(Wire::WebSocket).add(written);
        }
        ended
    }

    fn write_on<F: OutFrame>(
        &self,
        frames: &mut VecDeque<F>,
        written: &mut usize,
    ) -> io::Result<Written> {
        let mut progress = lock(&self.0.progress);
        loop {
            if progress.begun.is_empty() {
                progress.begun = self.0.control.take().freeze();
                // An empty frame would never count as written.
                while frames
                    .front()
                    .is_some_and(|frame| frame.as_ref().is_empty())
                {
                    frames.pop_front();
                }
                if progress.begun.is_empty() && frames.is_empty() {
                    return Ok(Written::All);
                }
            }
            match self.write_once(&progress.begun, frames) {
                Ok(count) => {
                    progress.stalled = None;
                    progress.written(count, frames);
                    *written += count;
                    if *written >= MAX_BYTES && !progress.begun.is_empty() {
                        return Ok(Written::Turn);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    progress.stalled.get_or_insert_with(Instant::now);
                    return Ok(Written::Full);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write_once<F: OutFrame>(&self, begun: &[u8], frames: &VecDeque<F>) -> io::Result<usize> {
        let stream = &self.0.stream;
        match frames.front() {
            Some(frame) if begun.is_empty() && frames.len() == 1 => {
                return stream.try_write(start(frame.as_ref()));
            }
            None => return stream.try_write(start(begun)),
            Some(_) => {}
        }
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut used = 0;
        let begun = Some(begun).filter(|begun| !begun.is_empty());
        let frames = frames.iter().map(AsRef::as_ref);
        for (slice, bytes) in slices.iter_mut().zip(begun.into_iter().chain(frames)) {
            *slice = IoSlice::new(start(bytes));
            used += 1;
            if bytes.len() > MAX_BYTES {
                break;
            }
        }
        stream.try_write_vectored(&slices[..used])
    }
}

/// As much of a frame as one write may take.
fn start(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_BYTES)]
}

impl WriteProgress {
    /// Removes the bytes that the socket took.
    fn written<F: OutFrame>(&mut self, mut count: usize, frames: &mut VecDeque<F>) {
        let of_begun = count.min(self.begun.len());
        self.begun.advance(of_begun);
        count -= of_begun;
        if self.begun.is_empty() {
            // Frees the frame, whose memory is shared.
            self.begun = Bytes::new();
        }
        while count > 0 {
            let frame = frames
                .pop_front()
                .expect("no more was written than was given");
            let length = frame.as_ref().len();
            if length > count {
                self.begun = Bytes::from_owner(frame);
                self.begun.advance(count);
                return;
            }
            count -= length;
        }
    }
}

/// The writing half of a connection, for the one task that waits for its socket.
#[derive(Debug)]
pub struct Writer {
    socket: SocketWriter,
    idle_timeout: IdleTimeout,
}

impl Writer {
    pub(super) fn new(socket: Arc<SharedSocket>, idle_timeout: IdleTimeout) -> Self {
        Self {
            socket: SocketWriter(socket),
            idle_timeout,
        }
    }

    /// A handle to write from other tasks, as long as the socket takes it.
    pub fn socket_writer(&self) -> SocketWriter {
        self.socket.clone()
    }

    /// Whether a frame has been written in part.
    pub fn is_mid_frame(&self) -> bool {
        !lock(&self.socket.0.progress).begun.is_empty()
    }

    /// Writes `frames` as [`SocketWriter::try_write`] does, and waits while the socket is full.
    ///
    /// Cancel-safe: a frame leaves `frames` when the socket has taken its first bytes, and the
    /// connection keeps the rest of it.
    ///
    /// # Errors
    /// The client has stopped reading, or the socket failed.
    pub async fn write<F: OutFrame>(&mut self, frames: &mut VecDeque<F>) -> Result<(), WriteError> {
        loop {
            match self.socket.try_write(frames)? {
                Written::All => return Ok(()),
                Written::Turn => yield_now().await,
                Written::Full => self.writable().await?,
            }
        }
    }

    /// Like [`write`](Self::write), but waits for a ping or pong if there is nothing to write, and
    /// writes that: the one future that a connection's loop needs besides
    /// [`Reader::next`](super::reader::Reader::next). Cancel-safe.
    ///
    /// # Errors
    /// The client has stopped reading, or the socket failed.
    pub async fn drive<F: OutFrame>(&mut self, frames: &mut VecDeque<F>) -> Result<(), WriteError> {
        // The rest of a frame is something to write, too.
        if frames.is_empty() && !self.is_mid_frame() {
            self.control_pending().await;
        }
        self.write(frames).await
    }

    /// Waits until there is a ping or pong to write. Cancel-safe.
    pub async fn control_pending(&self) {
        self.socket.0.control.pending().await;
    }

    /// Waits until a socket that was full takes more. Cancel-safe.
    ///
    /// # Errors
    /// The client has stopped reading, or the socket failed.
    pub async fn writable(&self) -> Result<(), WriteError> {
        let socket = &self.socket.0;
        let mut writable = pin!(poll_fn(|cx| socket.stream.poll_write_ready(cx)));
        loop {
            let Some(since) = lock(&socket.progress).stalled else {
                return Ok(writable.await?);
            };
            let until = since + self.idle_timeout.get();
            match timeout_at(until, &mut writable).await {
                Ok(ready) => return Ok(ready?),
                // Another task may have written in the meantime.
                Err(_) if lock(&socket.progress).stalled == Some(since) => {
                    return Err(WriteError::NoProgress);
                }
                Err(_) => {}
            }
        }
    }

    /// Finishes a frame that was begun, writes `last` and shuts this direction.
    pub(super) async fn finish(&mut self, last: Bytes) -> Result<(), WriteError> {
        // The close has a time limit of its own.
        lock(&self.socket.0.progress).stalled = None;
        self.write(&mut VecDeque::from([last])).await?;
        SockRef::from(&self.socket.0.stream).shutdown(Shutdown::Write)?;
        Ok(())
    }
}
