//! A client that can send any bytes and reads frames as they arrive.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{PATIENCE, Server, UPGRADE};

pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A client's frame; its mask of zeros changes nothing.
pub fn masked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
        length @ 126..65_536 => {
            frame.push(0xFE);
            frame.extend(u16::try_from(length).expect("short").to_be_bytes());
        }
        length => {
            frame.push(0xFF);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A text message in one frame.
pub fn text_frame(message: &Value) -> Vec<u8> {
    masked(0x81, message.to_string())
}

impl Raw {
    /// A socket on which nothing has been sent.
    pub async fn socket(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.next_port())).await;
        Self::on(stream.expect("connected"))
    }

    fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("set");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// A WebSocket connection.
    pub async fn connect(server: &Server) -> Self {
        let mut raw = Self::socket(server).await;
        let head = raw.upgrade("", b"").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        raw
    }

    /// A WebSocket connection for which unread data soon waits at the server.
    pub async fn narrow(server: &Server) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("set");
        let address = format!("127.0.0.1:{}", server.next_port());
        let stream = socket.connect(address.parse().expect("an address")).await;
        let mut raw = Self::on(stream.expect("connected"));
        let head = raw.upgrade("", b"").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        raw
    }

    /// Asks for an upgrade with more headers and, in the same segment, more bytes; returns the head
    /// of the answer.
    pub async fn upgrade(&mut self, headers: &str, more: &[u8]) -> String {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{headers}\r\n");
        self.send([request.as_bytes(), more].concat()).await;
        loop {
            let end = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.received.drain(..end + 4).collect();
                return String::from_utf8(head).expect("text");
            }
            assert!(self.more().await, "an answer and not the end");
        }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("sent");
    }

    /// Sends, if the server still accepts it.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        let sending = self.stream.write_all(bytes.as_ref());
        tokio::time::timeout(PATIENCE, sending)
            .await
            .expect("the server reads")
    }

    /// Sends until the server has accepted nothing for that time; returns how much it accepted.
    pub async fn send_until_stuck(&mut self, bytes: &[u8], time: Duration) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            let writing = self.stream.write(&bytes[sent..]);
            match tokio::time::timeout(time, writing).await {
                Ok(written) => sent += written.expect("sent"),
                Err(_) => break,
            }
        }
        sent
    }

    /// Sends all of it, and takes this many messages at the same time.
    pub async fn send_and_take(&mut self, bytes: &[u8], count: usize) -> Vec<Value> {
        let (mut reader, mut writer) = self.stream.split();
        let received = &mut self.received;
        let reading = async {
            let mut messages = Vec::new();
            while messages.len() < count {
                if let Some((first, start, end)) = bounds(received) {
                    if first == 0x81 {
                        let message = serde_json::from_slice(&received[start..end]);
                        messages.push(message.expect("JSON"));
                    }
                    received.drain(..end);
                } else {
                    let read = reader.read_buf(received).await.expect("more");
                    assert!(read > 0, "the connection ended");
                }
            }
            messages
        };
        let both = async { tokio::join!(reading, writer.write_all(bytes)) };
        let (messages, sent) = tokio::time::timeout(PATIENCE, both).await.expect("in time");
        sent.expect("sent");
        messages
    }

    /// Reads more; returns whether there was any.
    async fn more(&mut self) -> bool {
        let reading = self.stream.read_buf(&mut self.received);
        let read = tokio::time::timeout(PATIENCE, reading);
        // A reset is an end too.
        read.await.expect("something in time").unwrap_or(0) > 0
    }

    /// The next frame: its first byte and its payload; `None` at the end.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, start, end)) = bounds(&self.received) {
                let bytes: Vec<u8> = self.received.drain(..end).collect();
                return Some((first, bytes[start..].to_vec()));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.frame().await.expect("a message and not the end") {
                (0x81, payload) => return serde_json::from_slice(&payload).expect("JSON"),
                (0x89 | 0x8A, _) => {}
                (first, payload) => panic!("{first:x}: {payload:?}"),
            }
        }
    }

    /// Waits for the server's close, whatever comes before, and for the end; returns its code.
    pub async fn closed(&mut self) -> u16 {
        let code = loop {
            let (first, payload) = self.frame().await.expect("a close frame before the end");
            if first == 0x88 {
                break u16::from_be_bytes([payload[0], payload[1]]);
            }
        };
        assert_eq!(self.frame().await, None, "nothing comes behind a close");
        code
    }

    /// Everything up to the end, read as text.
    pub async fn rest(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned()
    }

    /// Ends the sending side, which tells the server that nothing more comes.
    pub async fn finish(&mut self) {
        // The server may have hung up already.
        let _ = self.stream.shutdown().await;
    }

    /// Leaves without a close, like a process that is killed with unread bytes.
    pub fn reset(self) {
        self.stream.set_zero_linger().expect("set");
    }
}

/// The first byte of the first frame and the bounds of its payload, if it is all there.
fn bounds(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (start, length) = match second {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            (4, u16::from_be_bytes(length).into())
        }
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, short.into()),
    };
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((first, start, end))
}
