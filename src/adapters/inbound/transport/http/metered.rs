//! The socket of a plain connection, which tells how much the client takes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::flow::Flow;
use super::listen::MAX_UNSENT_BYTES;
use crate::adapters::inbound::transport::traffic::{Traffic, Wire};

/// How much of what is written may wait in the system unsent before the socket counts as full.
/// Otherwise the system would take megabytes at once, and nobody could tell a slow client from one
/// that has gone.
const UNSENT_BYTES: u32 = 16 * 1_024;

/// A socket that reports to its [`Flow`], and counts what it reads and writes.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TcpStream,
    flow: Arc<Flow>,
    traffic: Arc<Traffic>,
    /// Whether [`UNSENT_BYTES`] is set. Most sockets have little to write and do not need it.
    is_bounded: bool,
}

impl Metered {
    pub fn new(stream: TcpStream, flow: Arc<Flow>, traffic: Arc<Traffic>) -> Self {
        Self {
            stream,
            flow,
            traffic,
            is_bounded: false,
        }
    }

    /// The socket, bounded as it was when it was accepted.
    pub fn into_inner(self) -> TcpStream {
        if self.is_bounded {
            // If this fails, the socket has failed as well.
            let _ = SockRef::from(&self.stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        }
        self.stream
    }

    fn before_write(&mut self, bytes: usize) {
        if !self.is_bounded && bytes > UNSENT_BYTES as usize {
            self.is_bounded = true;
            // If this fails, the socket has failed as well.
            let _ = SockRef::from(&self.stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.traffic.sent.of(Wire::Http).add(bytes);
                self.flow.taken(bytes);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.flow.stalls(),
        }
        written
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        if count > 0 {
            self.traffic.received.of(Wire::Http).add(count);
        }
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.before_write(bytes.len());
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.before_write(pieces.iter().map(|piece| piece.len()).sum());
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flow.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::adapters::inbound::transport::http::listen;
    use crate::adapters::inbound::transport::settings::TransportSettings;

    #[tokio::test]
    async fn after_a_long_answer_a_socket_is_bounded_as_it_was_accepted() {
        let listeners = listen::bind(&listen::Host::Named("127.0.0.1".to_owned()), 0);
        let listener = listeners.expect("a free port").remove(0);
        let address = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(address).await.expect("connected");
        let (socket, _) = listener.accept().await.expect("accepted");
        let bound =
            |socket: &TcpStream| SockRef::from(socket).tcp_notsent_lowat().expect("a bound");
        let before = bound(&socket);
        let flow = Flow::new(&TransportSettings::default());
        let mut metered = Metered::new(socket, flow, Arc::default());
        let answer = vec![0; UNSENT_BYTES as usize + 1];
        metered.write_all(&answer).await.expect("written");
        assert_eq!(bound(&metered.stream), UNSENT_BYTES);
        assert_eq!(bound(&metered.into_inner()), before);
    }
}
