//! A plain HTTP client that sees every byte.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{PATIENCE, Server};

/// An answer, up to where the connection ended.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body has come to the end that its head announces.
    pub is_whole: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a text")
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A connection that has sent a request.
pub struct Plain {
    pub stream: TcpStream,
    pub received: Vec<u8>,
}

impl Plain {
    pub async fn send(server: &Server, request: &str) -> Self {
        Self::of(TcpSocket::new_v4().expect("a socket"), server, request).await
    }

    /// With a buffer as small as possible, so that unread data soon waits at the server.
    pub async fn narrow(server: &Server, request: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("set");
        Self::of(socket, server, request).await
    }

    async fn of(socket: TcpSocket, server: &Server, request: &str) -> Self {
        let address = ([127, 0, 0, 1], server.port).into();
        let mut stream = socket.connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Waits for the head of the answer.
    pub async fn head(&mut self) {
        while !self.received.windows(4).any(|four| four == b"\r\n\r\n") {
            assert!(self.more().await > 0, "an answer and not the end");
        }
    }

    /// Waits for some of the body.
    pub async fn begun(&mut self) {
        while self.received.len() < 8_192 {
            assert!(self.more().await > 0, "a body and not the end");
        }
    }

    /// Reads more; returns 0 at the end, even if that is a reset.
    pub async fn more(&mut self) -> usize {
        let reading = self.stream.read_buf(&mut self.received);
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.expect("more, or the end").unwrap_or(0)
    }

    /// The answer, once the connection has ended.
    pub async fn answer(mut self, is_head: bool) -> Answer {
        while self.more().await > 0 {}
        let end = self
            .received
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        let body = self.received.split_off(end.expect("a head") + 4);
        let head = String::from_utf8(self.received).expect("text");
        let status = head.split(' ').nth(1).expect("a status").parse();
        let (body, is_whole) = if is_head {
            let is_empty = body.is_empty();
            (body, is_empty)
        } else if header(&head, "transfer-encoding") == Some("chunked") {
            unchunked(&body)
        } else {
            let length = header(&head, "content-length").map(str::parse);
            let length = length.transpose().expect("a number");
            let is_whole = length.is_none_or(|length: usize| length == body.len());
            (body, is_whole)
        };
        Answer {
            status: status.expect("a number"),
            head,
            body,
            is_whole,
        }
    }
}

/// The content of chunks, and whether the last one is there.
fn unchunked(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = str::from_utf8(&body[..end]).expect("a length");
        let length = usize::from_str_radix(length, 16).expect("a length");
        body = &body[end + 2..];
        if length == 0 {
            return (content, true);
        }
        if body.len() < length + 2 {
            break;
        }
        content.extend_from_slice(&body[..length]);
        body = &body[length + 2..];
    }
    (content, false)
}

/// The answer to a request of this method; `headers` are whole lines.
pub async fn ask(server: &Server, method: &str, path: &str, headers: &str) -> Answer {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    let request = format!("{head}{headers}\r\n");
    let sent = Plain::send(server, &request).await;
    sent.answer(method == "HEAD").await
}

pub async fn get(server: &Server, path: &str, headers: &str) -> Answer {
    ask(server, "GET", path, headers).await
}

/// The answer to a form.
pub async fn submit(server: &Server, path: &str, form: &str) -> Answer {
    let headers = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        form.len()
    );
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    let sent = Plain::send(server, &format!("{head}{headers}\r\n{form}")).await;
    sent.answer(false).await
}
