//! An attacker's connection: raw bytes, from its own address.

use std::io::{Error, ErrorKind, Result};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{
    UPGRADE, authenticate, chat_section, creation, file, file_section, masked,
    pull_request_section, token,
};
use crate::tally::{Frames, Tally};

/// How many addresses attackers have, from 127.0.0.2 on.
const ADDRESSES: usize = 200;
/// How much of the received data is kept for inspection.
const KEPT: usize = 64 * 1_024;
/// How long a connection may take to open.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address from which an attacker's connection of that number comes.
pub fn source(number: usize) -> Ipv4Addr {
    let number = u8::try_from(number % ADDRESSES).expect("few");
    Ipv4Addr::new(127, 0, 0, 2 + number)
}

/// The role of a connection, once it is open.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Has shown no token.
    Unauthenticated,
    /// Views `big/own`.
    Viewer,
    /// Views `big/own` and has a draft open.
    Drafter,
    /// Is in the room of `big/own`.
    Member,
    /// Watches that project of `mal`.
    Watcher(&'static str),
    /// Streams that project of `mal`.
    Streamer(&'static str),
    /// Streams one of many projects of `mal`.
    OneOfMany(usize),
}

impl Role {
    /// What it sends first.
    pub fn requests(self) -> Vec<Value> {
        match self {
            Self::Unauthenticated => Vec::new(),
            Self::Viewer => vec![authenticate(json!({
                "token": viewer_token(),
                "pullrequest": pull_request_section("eve", "big", "own"),
            }))],
            Self::Drafter => [Self::Viewer.requests(), vec![creation()]].concat(),
            Self::Member => vec![authenticate(json!({
                "token": viewer_token(),
                "chat": chat_section("eve", "big/own"),
            }))],
            Self::Watcher(project) => {
                vec![file(
                    "watch",
                    json!({"username": "mal", "project": project}),
                )]
            }
            Self::Streamer(project) => vec![stream("mal", project)],
            Self::OneOfMany(number) => vec![stream("mal", &format!("p{number}"))],
        }
    }

    /// A text in the last answer to these requests.
    fn mark(self) -> &'static str {
        match self {
            Self::Unauthenticated => "",
            Self::Viewer | Self::Member | Self::Streamer(_) | Self::OneOfMany(_) => {
                r#""type":"authentication""#
            }
            Self::Drafter => r#""type":"pullRequestCreation""#,
            Self::Watcher(_) => r#""type":"fileWatch""#,
        }
    }
}

fn viewer_token() -> String {
    token(json!({"username": "eve", "streamername": "big", "streamname": "own"}))
}

/// The request that makes a connection a streamer of that project.
pub fn stream(name: &str, project: &str) -> Value {
    let claims = json!({"username": name, "streamername": name, "streamname": project});
    authenticate(json!({"token": token(claims), "file": file_section(name, project)}))
}

/// Several requests, each in a frame of its own.
pub fn frames<'r>(requests: impl IntoIterator<Item = &'r Value>) -> Vec<u8> {
    let frames = requests.into_iter().map(|it| masked(0x81, it.to_string()));
    frames.collect::<Vec<_>>().concat()
}

pub struct Connection {
    pub stream: TcpStream,
    /// How far the connection has read into the server's frames.
    pub frames: Frames,
}

impl Connection {
    /// A socket on which nothing has been sent.
    pub async fn socket(from: Ipv4Addr, port: u16) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Unread data should wait at the server, not always at the same place on the way.
        let [.., last] = from.octets();
        socket.set_recv_buffer_size(4_096 * (1 + u32::from(last) % 16))?;
        Self::of(socket, from, port).await
    }

    async fn of(socket: TcpSocket, from: Ipv4Addr, port: u16) -> Result<Self> {
        socket.bind((from, 0).into())?;
        let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
        stream.set_nodelay(true)?;
        let frames = Frames::default();
        Ok(Self { stream, frames })
    }

    /// A WebSocket connection in that role, which reads little at a time.
    pub async fn open(from: Ipv4Addr, port: u16, role: Role) -> Result<Self> {
        let opening = async { Self::socket(from, port).await?.upgraded(role).await };
        timeout(PATIENCE, opening).await?
    }

    /// The same with an ordinary client's buffer.
    pub async fn open_wide(from: Ipv4Addr, port: u16, role: Role) -> Result<Self> {
        let opening = async {
            let connection = Self::of(TcpSocket::new_v4()?, from, port).await?;
            connection.upgraded(role).await
        };
        timeout(PATIENCE, opening).await?
    }

    async fn upgraded(mut self, role: Role) -> Result<Self> {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(Error::new(ErrorKind::ConnectionRefused, "no upgrade"));
        }
        let requests = role.requests();
        if !requests.is_empty() {
            self.ask(&requests, role.mark(), PATIENCE).await?;
        }
        Ok(self)
    }

    /// Sends requests and reads until this text arrives.
    pub async fn ask<'r>(
        &mut self,
        requests: impl IntoIterator<Item = &'r Value>,
        mark: &str,
        patience: Duration,
    ) -> Result<String> {
        self.stream.write_all(&frames(requests)).await?;
        timeout(patience, self.until(mark)).await?
    }

    /// Reads until this text arrives; returns what came last.
    async fn until(&mut self, mark: &str) -> Result<String> {
        let mut last = Vec::with_capacity(2 * KEPT);
        loop {
            let length = last.len();
            let start = length.saturating_sub(mark.len());
            if self.stream.read_buf(&mut last).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let (fresh, seen) = (&last[start..], &mut Tally::default());
            self.frames.feed(&last[length..], seen);
            if fresh.windows(mark.len()).any(|it| it == mark.as_bytes()) {
                return Ok(String::from_utf8_lossy(&last).into_owned());
            }
            if last.len() > KEPT {
                last.drain(..last.len() - mark.len());
            }
        }
    }
}
