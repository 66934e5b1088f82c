//! The writing half of a connection: whole frames, many at a time, straight to the bare socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::time::{Instant, timeout_at};

use super::close::{Close, CloseCode};
use super::link::Link;

/// The most frames that go into one write.
const MAX_SLICES: usize = 64;

/// Why nothing more can be written to this client.
#[derive(Debug, thiserror::Error)]
pub enum WriteEnded {
    /// The client took not one byte for the idle timeout.
    #[error("the client does not take what is sent")]
    NoProgress,
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl From<WriteEnded> for Close {
    fn from(ended: WriteEnded) -> Self {
        match ended {
            WriteEnded::NoProgress => Self::new(CloseCode::TRY_AGAIN, ended.to_string()),
            WriteEnded::Io(_) => Self::Drop,
        }
    }
}

/// The writing half of a connection.
#[derive(Debug)]
pub struct Writer {
    link: Arc<Link>,
    /// What is left of a frame that was begun: nothing else may be written before it.
    begun: Bytes,
    idle_timeout: Duration,
    /// Since when the socket has been full.
    stalled: Option<Instant>,
}

impl Writer {
    pub(super) fn new(link: Arc<Link>, idle_timeout: Duration) -> Self {
        Self {
            link,
            begun: Bytes::new(),
            idle_timeout,
            stalled: None,
        }
    }

    /// Writes `frames`, as [`frame`](super::frame) encodes them, and the pings and pongs that
    /// wait; these go first, at the next boundary between two frames.
    ///
    /// Cancel-safe: a frame leaves `frames` when the socket has taken its first bytes, and the
    /// writer keeps the rest of it.
    ///
    /// # Errors
    /// The client takes nothing any more, or the socket failed.
    pub async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), WriteEnded> {
        loop {
            if self.begun.is_empty() {
                self.begun = self.link.control.take().freeze();
                // Nothing at all is not a frame, and would never count as written.
                while frames.front().is_some_and(Bytes::is_empty) {
                    frames.pop_front();
                }
                if self.begun.is_empty() && frames.is_empty() {
                    return Ok(());
                }
            }
            self.writable().await?;
            match self.try_write(frames) {
                Ok(written) => {
                    self.stalled = None;
                    self.written(written, frames);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert_with(Instant::now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Like [`write`](Self::write), but where there is nothing to write it waits for a ping or
    /// pong and writes that: the one future that a connection's loop needs beside
    /// [`Reader::next`](super::Reader::next). Cancel-safe.
    ///
    /// # Errors
    /// The client takes nothing any more, or the socket failed.
    pub async fn drive(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), WriteEnded> {
        if frames.is_empty() && self.begun.is_empty() {
            self.control_pending().await;
        }
        self.write(frames).await
    }

    /// Waits until a ping or pong waits to be written. Cancel-safe.
    pub async fn control_pending(&self) {
        self.link.control.pending().await;
    }

    /// Whether a frame has been written in part, so that [`write`](Self::write) has work to do
    /// even without new frames.
    pub fn is_mid_frame(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Finishes a frame that was begun, writes `last` and shuts this direction.
    pub(super) async fn finish(&mut self, last: Bytes) -> Result<(), WriteEnded> {
        // The close has a time limit of its own.
        self.stalled = None;
        self.write(&mut VecDeque::from([last])).await?;
        SockRef::from(&self.link.stream).shutdown(Shutdown::Write)?;
        Ok(())
    }

    async fn writable(&mut self) -> Result<(), WriteEnded> {
        let writable = poll_fn(|cx| self.link.stream.poll_write_ready(cx));
        match self.stalled {
            None => Ok(writable.await?),
            Some(since) => timeout_at(since + self.idle_timeout, writable)
                .await
                .map_err(|_| WriteEnded::NoProgress)?
                .map_err(WriteEnded::from),
        }
    }

    fn try_write(&self, frames: &VecDeque<Bytes>) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut used = 0;
        let begun = Some(&self.begun).filter(|begun| !begun.is_empty());
        for (slice, bytes) in slices.iter_mut().zip(begun.into_iter().chain(frames)) {
            *slice = IoSlice::new(bytes);
            used += 1;
        }
        self.link.stream.try_write_vectored(&slices[..used])
    }

    /// Takes off what the socket took.
    fn written(&mut self, mut count: usize, frames: &mut VecDeque<Bytes>) {
        let of_begun = count.min(self.begun.len());
        self.begun.advance(of_begun);
        count -= of_begun;
        if self.begun.is_empty() {
            // Let go of the frame, which others may be waiting to reuse.
            self.begun = Bytes::new();
        }
        while count > 0 {
            let mut frame = frames
                .pop_front()
                .expect("no more was written than was given");
            if frame.len() > count {
                frame.advance(count);
                self.begun = frame;
                return;
            }
            count -= frame.len();
        }
    }
}
