//! A server with an echoing handler, and a client that can send any bytes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply as _};

use crate::adapters::inbound::transport::listen::{self, Host};
use crate::adapters::inbound::transport::{
    Close, CloseCode, Connection, ConnectionHandler, Message, PlainConnection, Shutdown, Transport,
    TransportSettings, frame, serve, upgrade,
};
use crate::application::memory::MemoryBudget;

/// Longer than anything here takes: a test that waits for it has found a bug.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Echoes; a few texts are commands.
#[derive(Debug, Clone)]
pub(super) struct Echo;

impl ConnectionHandler for Echo {
    async fn serve(&self, connection: &mut Connection) -> Close {
        let Connection {
            reader,
            writer,
            shutdown,
            client,
            ..
        } = connection;
        let mut frames = VecDeque::new();
        loop {
            tokio::select! {
                message = reader.next() => match message {
                    Ok(Message::Text(text)) => match &text[..] {
                        b"panic" => panic!("as asked"),
                        b"bye" => return Close::new(CloseCode::NORMAL, "as asked"),
                        b"who" => {
                            let address = client.to_string();
                            frames.push_back(frame::text(address.as_bytes()));
                        }
                        b"flood" => {
                            let flood = frame::binary(&vec![7; 1 << 20]);
                            frames.extend(std::iter::repeat_n(flood, 64));
                        }
                        _ => frames.push_back(frame::text(&text)),
                    },
                    Ok(Message::Binary(payload)) => frames.push_back(frame::binary(&payload)),
                    Err(error) => {
                        let _ = writer.write(&mut frames).await;
                        return error.into();
                    }
                },
                written = writer.drive(&mut frames) => if let Err(error) = written {
                    return error.into();
                },
                () = shutdown.cancelled() => {
                    return Close::new(CloseCode::GOING_AWAY, "the server shuts down");
                }
            }
        }
    }
}

/// Counts among the connections at `/kept`, and sends without end at `/endless`.
fn counted() -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let entering = warp::path::full()
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<PlainConnection>());
    entering.and_then(
        |path: FullPath, headers: HeaderMap, connection: PlainConnection| async move {
            if !["/kept", "/endless"].contains(&path.as_str()) {
                return Err(warp::reject::not_found());
            }
            if let Some(full) = connection.enter(&headers) {
                return Ok(full);
            }
            let zeros = || Ok::<_, Infallible>(vec![0; 64 * 1_024]);
            Ok(match path.as_str() {
                "/kept" => Response::new("kept".into()),
                _ => warp::reply::stream(stream::repeat_with(zeros)).into_response(),
            })
        },
    )
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) shutdown: Shutdown,
    pub(super) serving: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(settings: TransportSettings) -> Self {
        Self::with_memory(settings, MemoryBudget::new(1 << 30))
    }

    pub(super) fn with_memory(settings: TransportSettings, memory: Arc<MemoryBudget>) -> Self {
        let listeners = listen::bind(&Host::Named("127.0.0.1".into()), 0).expect("a free port");
        let address = listeners[0].local_addr().expect("bound");
        let shutdown = Shutdown::default();
        let transport = Transport::new(settings, memory, shutdown.clone(), Echo);
        let page = warp::path::end()
            .and(warp::get())
            .map(|| warp::reply::Response::new("a page".to_owned().into()));
        let filter = upgrade(&transport).or(page).unify().or(counted()).unify();
        let serving = tokio::spawn(async move { serve(listeners, filter, &transport).await });
        Self {
            address,
            shutdown,
            serving,
        }
    }

    pub(super) async fn raw(&self) -> Client {
        self.raw_from([127, 0, 0, 1]).await
    }

    /// A socket that comes from this loopback address.
    pub(super) async fn raw_from(&self, address: [u8; 4]) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((address, 0).into()).expect("all of 127/8");
        let connecting = socket.connect(self.address);
        let stream = connecting.await.expect("the server listens");
        Client {
            stream,
            received: Vec::new(),
        }
    }

    /// A client that is connected, with more bytes sent in the same segment as its request.
    pub(super) async fn connect_with(&self, more: &[u8]) -> Client {
        let mut client = self.raw().await;
        client.send(&[HANDSHAKE.as_bytes(), more].concat()).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(!head.to_ascii_lowercase().contains("extensions"), "{head}");
        client
    }

    pub(super) async fn connect(&self) -> Client {
        self.connect_with(b"").await
    }

    /// The status that a request is answered with.
    pub(super) async fn status(&self, request: &str) -> String {
        let mut client = self.raw().await;
        client.send(request.as_bytes()).await;
        client.head().await
    }

    /// Waits until there are `count` connections.
    pub(super) async fn has_connections(&self, count: usize) {
        let reached = async {
            while self.shutdown.connections.len() != count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, reached)
            .await
            .expect("the connections are counted");
    }
}

pub(super) const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(super) struct Client {
    pub(super) stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .expect("taken")
            .expect("sent");
    }

    /// The head of an HTTP answer.
    pub(super) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                let head = self.received.drain(..end + 4).collect();
                return String::from_utf8(head).expect("text");
            }
            assert!(self.more().await, "an answer and not the end");
        }
    }

    /// The answer to a `GET` on this connection: its head and its body, which has a length.
    pub(super) async fn get(&mut self, path: &str, headers: &str) -> (String, Vec<u8>) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        self.send(request.as_bytes()).await;
        let head = self.head().await;
        let mut lengths = head
            .lines()
            .filter_map(|line| line.strip_prefix("content-length: "));
        let length = lengths.next().expect("a length").parse().expect("a number");
        while self.received.len() < length {
            assert!(self.more().await, "a body and not the end");
        }
        (head, self.received.drain(..length).collect())
    }

    /// The next frame: its first byte and its payload; `None` at the end. Passes over the pings
    /// with a payload, which come whenever the server has not read for a while.
    pub(super) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, start, end)) = frame_bounds(&self.received) {
                let bytes: Vec<u8> = self.received.drain(..end).collect();
                let payload = &bytes[start..];
                if first == 0x89 && !payload.is_empty() {
                    continue;
                }
                return Some((first, payload.to_vec()));
            }
            if !self.more().await {
                assert!(self.received.is_empty(), "the end comes between two frames");
                return None;
            }
        }
    }

    /// Expects a close with this code, and then the end of the stream.
    pub(super) async fn expect_close(&mut self, code: u16) {
        let (first, payload) = self.frame().await.expect("a close frame");
        assert_eq!(first, 0x88, "a close frame and not {payload:?}");
        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
        assert_eq!(payload.get(..2), Some(&code.to_be_bytes()[..]), "{reason}");
        self.expect_end().await;
    }

    pub(super) async fn expect_end(&mut self) {
        assert_eq!(self.frame().await, None);
    }

    /// Reads more; `false` at the end of the stream.
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.received);
        timeout(PATIENCE, read)
            .await
            .expect("something comes")
            .expect("no reset")
            > 0
    }
}

/// The first byte of the first frame and the bounds of its payload, if it is all there.
fn frame_bounds(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (start, length) = match second {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, short.into()),
    };
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((first, start, end))
}

/// A client frame, masked with zeros.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame::binary(payload).to_vec();
    bytes[0] = first;
    bytes[1] |= 0x80;
    let header = bytes.len() - payload.len();
    bytes.splice(header..header, [0; 4]);
    bytes
}
