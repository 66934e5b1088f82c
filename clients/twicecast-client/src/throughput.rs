//! A byte stream that counts what it moves, so that a dead server can be told from a slow one. It
//! can be read slowly on purpose, to play a slow viewer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Our own pings do not show that anybody is listening. A write that is longer than a control frame
/// does: the peer's window had room for it.
const CONTROL_FRAME_BYTES_MAX: usize = 125 + 14 + 32;

/// Counts the bytes that show that the other side is alive.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The count so far. If it is the same at two moments, nothing moved between them.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn beat(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A stream whose bytes are counted.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    pulse: Pulse,
    /// The most bytes to read per second.
    limit: Option<u64>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Metered<S> {
    /// Wraps a stream; `limit` is in bytes per second.
    pub fn new(stream: S, limit: Option<u64>) -> Self {
        Self {
            stream,
            pulse: Pulse::default(),
            limit,
            pause: None,
        }
    }

    /// The counter of this stream.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(pause) = self.pause.as_mut() {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let Some(limit) = self.limit else {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            self.pulse.beat(buf.filled().len() - before);
            return Poll::Ready(Ok(()));
        };
        // Reading a twentieth of a second's worth at a time keeps the flow even.
        let bite = usize::try_from(limit / 20)
            .unwrap_or(usize::MAX)
            .clamp(1, buf.remaining().max(1));
        let mut space = vec![0; bite.min(64 * 1024)];
        let mut small = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut small))?;
        let read = small.filled();
        buf.put_slice(read);
        let rest = Duration::from_micros(1_000_000 * read.len() as u64 / limit.max(1));
        let bytes = read.len();
        self.pulse.beat(bytes);
        self.pause = Some(Box::pin(sleep_until(Instant::now() + rest)));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        if written > CONTROL_FRAME_BYTES_MAX {
            self.pulse.beat(written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_is_read_counts_and_a_ping_of_ours_does_not() {
        let (mut far, near) = tokio::io::duplex(4096);
        let mut metered = Metered::new(near, None);
        let pulse = metered.pulse();
        metered.write_all(b"ping").await.unwrap();
        assert_eq!(pulse.count(), 0);
        metered.write_all(&[0; 2000]).await.unwrap();
        assert_eq!(pulse.count(), 2000);
        far.write_all(b"abc").await.unwrap();
        let mut three = [0; 3];
        metered.read_exact(&mut three).await.unwrap();
        assert_eq!(pulse.count(), 2003);
    }

    #[tokio::test]
    async fn a_limited_stream_takes_its_time_and_loses_nothing() {
        let (mut far, near) = tokio::io::duplex(4096);
        let mut metered = Metered::new(near, Some(10_000));
        far.write_all(&[7; 1500]).await.unwrap();
        let begun = Instant::now();
        let mut all = vec![0; 1500];
        metered.read_exact(&mut all).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(90));
        assert!(all.iter().all(|b| *b == 7));
    }
}
