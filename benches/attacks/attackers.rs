//! Attackers: each does one thing that no client should, and goes on until it is killed.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::support::{UPGRADE, authenticate, base64, masked, token};

/// How many handshakes are left half open.
const HALF_OPEN: usize = 5_000;
/// How many messages, uploads or gets are sent on one connection.
const MESSAGES: usize = 100_000;
const UPLOADS: usize = 10_000;
const GETS: usize = 10_000;
/// How deep a message is nested.
const DEPTH: usize = 100_000;
/// How much is written at a time.
const BATCH: usize = 64 * 1_024;

/// A kind of attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Announces a frame of 2^40 bytes, again and again.
    Announcement,
    /// Sends a fragmented message without end.
    Fragments,
    /// Leaves 5,000 handshakes half open, a byte a second.
    Handshakes,
    /// Sends pings without end and reads no pong.
    Pings,
    /// Sends 100,000 messages that mean nothing, again and again.
    Garbage,
    /// Begins 10,000 uploads and finishes none, again and again.
    Uploads,
    /// Sends messages nested 100,000 deep.
    Nesting,
    /// Asks 10,000 times for a whole project and reads nothing.
    Gets,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Announcement,
        Self::Fragments,
        Self::Handshakes,
        Self::Pings,
        Self::Garbage,
        Self::Uploads,
        Self::Nesting,
        Self::Gets,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Announcement => "announcement",
            Self::Fragments => "fragments",
            Self::Handshakes => "handshakes",
            Self::Pings => "pings",
            Self::Garbage => "garbage",
            Self::Uploads => "uploads",
            Self::Nesting => "nesting",
            Self::Gets => "gets",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Attacks for ever. Says when the attack is under way.
pub async fn attack(kind: Kind, port: u16) {
    let mut is_told = false;
    loop {
        // Whatever ends a connection, the next one goes on.
        let _ = match kind {
            Kind::Announcement => announce(port).await,
            Kind::Fragments => fragments(port).await,
            Kind::Handshakes => half_open(port, &mut is_told).await,
            Kind::Pings => flood(port, [], &masked(0x89, [b'x'; 125]).repeat(500)).await,
            Kind::Garbage => garbage(port).await,
            Kind::Uploads => uploads(port).await,
            Kind::Nesting => nesting(port).await,
            Kind::Gets => gets(port, &mut is_told).await,
        };
        say_ready(&mut is_told);
    }
}

fn say_ready(is_told: &mut bool) {
    if !std::mem::replace(is_told, true) {
        println!("ready");
        let _ = std::io::stdout().flush();
    }
}

async fn connect(port: u16) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(stream)
}

async fn connect_streamer(port: u16) -> std::io::Result<TcpStream> {
    let mut stream = connect(port).await?;
    let claims = json!({"username": "mal", "streamername": "mal", "streamname": "own"});
    let data = json!({"token": token(claims), "file": {"username": "mal", "project": "own"}});
    let message = authenticate(data).to_string();
    stream.write_all(&masked(0x81, message.as_bytes())).await?;
    Ok(stream)
}

async fn announce(port: u16) -> std::io::Result<()> {
    let mut stream = connect(port).await?;
    let mut head = vec![0x82, 0xFF];
    head.extend((1_u64 << 40).to_be_bytes());
    head.extend([0; 4]);
    stream.write_all(&head).await?;
    read_on(&mut stream).await;
    sleep(Duration::from_millis(10)).await;
    Ok(())
}

/// Sends `first` and then the same again and again, for a second, reading nothing.
async fn flood<'a>(
    port: u16,
    first: impl IntoIterator<Item = &'a [u8]>,
    again: &[u8],
) -> std::io::Result<()> {
    let mut stream = connect(port).await?;
    for bytes in first {
        stream.write_all(bytes).await?;
    }
    let on_and_on = async {
        loop {
            stream.write_all(again).await?;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), on_and_on)
        .await
        .unwrap_or(Ok(()))
}

async fn fragments(port: u16) -> std::io::Result<()> {
    let content = vec![b'x'; BATCH];
    flood(port, [&masked(0x01, &content)[..]], &masked(0x00, &content)).await
}

async fn half_open(port: u16, is_told: &mut bool) -> std::io::Result<()> {
    let mut sockets = Vec::new();
    for number in 0..HALF_OPEN {
        let mut stream = connect_from_elsewhere(number, port).await?;
        // Those that are too many are told so, and may be closed before this is written.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nX: ").await;
        sockets.push(stream);
    }
    say_ready(is_told);
    loop {
        sleep(Duration::from_secs(1)).await;
        for (number, socket) in sockets.iter_mut().enumerate() {
            if socket.try_write(b"x").is_err() || matches!(socket.try_read(&mut [0; 256]), Ok(0)) {
                *socket = connect_from_elsewhere(number, port).await?;
            }
        }
    }
}

/// Connects from one of seven addresses: as many as cannot fill all places of pending sockets.
async fn connect_from_elsewhere(number: usize, port: u16) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(number % 7).expect("below 7") + 2;
    socket.bind(([127, 0, 0, last], 0).into())?;
    socket.connect(([127, 0, 0, 1], port).into()).await
}

async fn garbage(port: u16) -> std::io::Result<()> {
    let batch = masked(0x81, br#"{"type":"x"}"#).repeat(1_000);
    send_and_read(connect(port).await?, MESSAGES / 1_000, |_| batch.clone()).await
}

async fn uploads(port: u16) -> std::io::Result<()> {
    let content = base64([b'x'; 1_000]);
    let begun = |number: usize| {
        let data =
            json!({"name": format!("u{number}"), "content": content, "part": 1, "maxPart": 2});
        let message = json!({"type": "file", "subtype": "post", "data": data});
        masked(0x81, message.to_string().as_bytes())
    };
    send_and_read(connect_streamer(port).await?, UPLOADS, begun).await
}

async fn nesting(port: u16) -> std::io::Result<()> {
    let deep = format!(r#"{{"type":"file","data":{}"#, "[".repeat(DEPTH));
    let message = masked(0x81, deep.as_bytes());
    send_and_read(connect(port).await?, 1_000, |_| message.clone()).await
}

async fn gets(port: u16, is_told: &mut bool) -> std::io::Result<()> {
    let mut stream = connect(port).await?;
    let get =
        json!({"type": "file", "subtype": "get", "data": {"username": "big", "project": "own"}});
    let batch = masked(0x81, get.to_string().as_bytes()).repeat(100);
    for _ in 0..GETS / 100 {
        // The server stops to read at some time, and then nothing more goes in.
        let writing = tokio::time::timeout(Duration::from_millis(200), stream.write_all(&batch));
        if writing.await.is_err() {
            break;
        }
    }
    say_ready(is_told);
    sleep(Duration::from_secs(600)).await;
    Ok(())
}

/// Sends `count` pieces as fast as the server takes them, and reads what it answers.
async fn send_and_read(
    mut stream: TcpStream,
    count: usize,
    piece: impl Fn(usize) -> Vec<u8>,
) -> std::io::Result<()> {
    let (mut answers, mut writer) = stream.split();
    let reading = async {
        let mut scratch = vec![0; BATCH];
        while answers.read(&mut scratch).await? > 0 {}
        Ok(())
    };
    let writing = async {
        for number in 0..count {
            writer.write_all(&piece(number)).await?;
        }
        Ok(())
    };
    tokio::select! { ended = reading => ended, ended = writing => ended }
}

async fn read_on(stream: &mut TcpStream) {
    let mut scratch = [0; 256];
    while matches!(stream.read(&mut scratch).await, Ok(1..)) {}
}
