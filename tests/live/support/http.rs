//! Plain HTTP, as much of it as the tests need.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{PATIENCE, Server};

/// The headers that ask for a WebSocket.
pub const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The answer to a `GET`: its head, and the part of the body that came with it.
pub async fn http(server: &Server, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    exchange(server, &request).await
}

/// The answer to a request.
pub async fn exchange(server: &Server, request: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).await;
    let mut stream = stream.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let reading = tokio::time::timeout(PATIENCE, stream.read(&mut buffer));
        let read = reading
            .await
            .expect("an answer in time")
            .expect("an answer");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "the connection ended: {text}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().expect("a number"))
        });
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return text.into_owned();
        }
    }
}
