//! The head of a socket's first request, gathered before hyper is given the socket.
//!
//! For a head that has begun hyper keeps 16 KiB. Thousands of clients that never end theirs would
//! take most of what the server has; here each takes what it has sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The longest head, and the most headers in it.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1_024;
pub(super) const MAX_HEADERS: usize = 100;

/// How much is read at a time: more than the head of a browser's handshake.
const STEP_BYTES: usize = 1_024;

/// A socket with what has been read of it, which comes first.
#[derive(Debug)]
pub(super) struct HeadFirst {
    head: Bytes,
    stream: TcpStream,
}

impl HeadFirst {
    /// Reads until the head is whole, or hyper has to judge: nothing that begins so is a request, or
    /// no longer head is allowed. `None` if the client leaves before that. The caller sees to the time.
    ///
    /// # Errors
    /// Those of reading from the socket.
    pub(super) async fn read(stream: TcpStream) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        loop {
            stream.readable().await?;
            let seen = head.len();
            match read_step(&stream, &mut head) {
                Ok(0) => return Ok(None),
                Ok(_) if head.len() >= MAX_HEAD_BYTES || is_for_hyper(&head, seen) => {
                    let head = head.into();
                    return Ok(Some(Self { head, stream }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The socket, and what of its head has not been read here.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.head)
    }
}

/// Not part of the future, in which the buffer would wait as well.
fn read_step(stream: &TcpStream, head: &mut Vec<u8>) -> io::Result<usize> {
    let mut step = [0; STEP_BYTES];
    let read = stream.try_read(&mut step)?;
    head.extend_from_slice(&step[..read]);
    Ok(read)
}

/// Whether the head is whole or wrong. Of a head in many pieces only the first is parsed, lest it
/// cost the square of its length; behind that an empty line is looked for.
fn is_for_hyper(head: &[u8], seen: usize) -> bool {
    if seen == 0 {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let parsed = httparse::Request::new(&mut headers).parse(head);
        !matches!(parsed, Ok(httparse::Status::Partial))
    } else {
        let new = &head[seen.saturating_sub(3)..];
        new.windows(2).any(|end| end == b"\n\n") || new.windows(3).any(|end| end == b"\n\r\n")
    }
}

impl AsyncRead for HeadFirst {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let bytes = self.head.len().min(into.remaining());
        into.put_slice(&self.head[..bytes]);
        self.head.advance(bytes);
        if self.head.is_empty() {
            self.head = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HeadFirst {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::is_for_hyper;

    #[test]
    fn a_head_goes_to_hyper_once_it_is_whole_wherever_it_is_cut() {
        for head in [
            &b"GET / HTTP/1.1\r\na: b\r\n\r\n"[..],
            b"GET / HTTP/1.1\na: b\n\n",
            b"GET / HTTP/1.1\r\na: b\n\r\n",
        ] {
            for cut in 1..head.len() {
                assert!(!is_for_hyper(&head[..cut], 0), "{cut}");
                assert!(is_for_hyper(head, cut), "{cut}");
            }
            assert!(is_for_hyper(head, 0));
        }
    }

    #[test]
    fn what_cannot_become_a_request_goes_to_hyper_at_once() {
        for wrong in [&b"\x16\x03\x01\x02\x00"[..], b"PRI * HTTP/2.0\r\n", b"{}"] {
            assert!(is_for_hyper(wrong, 0), "{wrong:?}");
        }
    }
}
