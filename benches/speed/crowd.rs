//! Many connections to one process; some of them publish to the others.

use std::sync::Arc;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;

use crate::contender::{Peer, Process};
use crate::floor;
use crate::machine;
use crate::support::{Server, authenticate, chat_section, say, token};
use crate::wire::{Tally, Unit, Wire, frame, text};

/// How fast to publish.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Messages sent in one write.
    pub chunk: u64,
    /// Messages that may be under way.
    pub in_flight: u64,
}

impl Pace {
    pub const ONE: Self = Self::all_of(1);
    pub const SIXTEEN: Self = Self::all_of(16);
    /// As fast as they are accepted.
    pub const FULL: Self = Self {
        chunk: 32,
        in_flight: 64,
    };

    /// This many at once, and the next when everyone has them.
    pub const fn all_of(count: u64) -> Self {
        Self {
            chunk: count,
            in_flight: count,
        }
    }
}

/// Publishers, and everyone who receives what they publish.
pub struct Crowd {
    pid: u32,
    publishers: Vec<Publisher>,
    tally: Arc<Tally>,
    /// Deliveries of one message of each publisher.
    deliveries: u64,
    sent: u64,
    /// Keeps the other connections open.
    _others: Vec<OwnedWriteHalf>,
    _process: Box<dyn Send>,
}

/// Flags for a server whose connections are silent for long, while some send much.
pub const FLAGS: &[&str] = &[
    "--chat-messages-per-second",
    "0",
    "--ping-seconds",
    "3600",
    "--idle-timeout-seconds",
    "86400",
    "--log-level",
    "warn",
];

/// How many rooms, how many listeners in each, and the payload that they receive, in bytes.
#[derive(Clone, Copy)]
pub struct Shape {
    pub rooms: usize,
    pub listeners: usize,
    pub payload: usize,
}

impl Shape {
    /// One room of 100, and 1 KiB.
    pub const ROOM_OF_100: Self = Self {
        rooms: 1,
        listeners: 100,
        payload: 1_024,
    };

    fn deliveries(self) -> u64 {
        (self.rooms * self.listeners) as u64
    }
}

/// A member of a room, already admitted.
pub async fn member(port: u16, name: &str, room: &str) -> Wire {
    let mut wire = Wire::upgraded(port, "/", "").await;
    let token = token(json!({"username": name, "room": room}));
    let data = json!({"token": token, "chat": chat_section(name, room)});
    wire.ask(&authenticate(data), "authentication").await;
    wire
}

impl Crowd {
    /// Members of our server's chat rooms; one in each talks.
    pub async fn ours(server: Server, shape: Shape) -> Self {
        let text_bytes = shape.payload - overhead(&server).await;
        // The numbers of later messages have more digits.
        let tally = Tally::new(Unit::Frame(shape.payload - 8));
        let (mut publishers, mut others) = (Vec::new(), Vec::new());
        for room in 0..shape.rooms {
            let room = format!("room{room:05}");
            let talker = member(server.port, "m00000", &room).await;
            let message = text(&say(&"x".repeat(text_bytes)));
            publishers.push(Publisher::new(talker.counted(&tally), message));
            for number in 1..=shape.listeners {
                let listener = member(server.port, &format!("m{number:05}"), &room).await;
                others.push(listener.counted(&tally));
            }
        }
        let pid = server.pid();
        Self::new(pid, publishers, tally, shape, others, Box::new(server))
    }

    /// A bare loop of `write`.
    pub async fn floor(shape: Shape) -> Self {
        let bytes = shape.payload + 4;
        let listeners = shape.rooms * shape.listeners;
        let process = Process::floor(&["fanout", &bytes.to_string(), &listeners.to_string()]);
        let tally = Tally::new(Unit::Bytes(bytes));
        let mut others = Vec::new();
        for _ in 0..listeners {
            let mut listener = Wire::plain(process.port).await;
            listener.send(&[floor::SUBSCRIBER]).await;
            others.push(listener.counted(&tally));
        }
        let mut talker = Wire::plain(process.port).await;
        talker.send(&[floor::PUBLISHER]).await;
        let talker = Publisher::new(talker.counted(&tally), vec![b'x'; bytes]);
        let pid = process.pid();
        Self::new(pid, vec![talker], tally, shape, others, Box::new(process))
    }

    /// An existing program, if it is installed; one room.
    pub async fn peer(peer: Peer, shape: Shape) -> Option<Self> {
        let process = Process::peer(peer)?;
        let port = process.port;
        let payload = "x".repeat(shape.payload);
        let (unit, message) = match peer {
            Peer::Ws | Peer::Nchan => (Unit::Frame(shape.payload), frame(0x81, payload.as_bytes())),
            Peer::Nats => {
                let delivered = format!("MSG room 1 {}\r\n{payload}\r\n", payload.len());
                let message = format!("PUB room {}\r\n{payload}\r\n", payload.len());
                (
                    Unit::Payload(delivered.len()),
                    frame(0x82, message.as_bytes()),
                )
            }
        };
        let tally = Tally::new(unit);
        let mut others = Vec::new();
        for _ in 0..shape.listeners {
            let mut listener = Wire::upgraded(port, "/", "").await;
            if peer == Peer::Nats {
                nats(&mut listener, "SUB room 1\r\n").await;
            }
            others.push(listener.counted(&tally));
        }
        let path = if peer == Peer::Nchan { "/publish" } else { "/" };
        let mut talker = Wire::upgraded(port, path, "").await;
        if peer == Peer::Nats {
            nats(&mut talker, "").await;
        }
        let talker = Publisher::new(talker.counted(&tally), message);
        let (pid, process) = (process.pid(), Box::new(process));
        Some(Self::new(pid, vec![talker], tally, shape, others, process))
    }

    fn new(
        pid: u32,
        publishers: Vec<Publisher>,
        tally: Arc<Tally>,
        shape: Shape,
        others: Vec<OwnedWriteHalf>,
        process: Box<dyn Send>,
    ) -> Self {
        Self {
            pid,
            publishers,
            tally,
            deliveries: shape.deliveries(),
            sent: 0,
            _others: others,
            _process: process,
        }
    }

    /// Publishes this many messages from each publisher; returns the server's processor time, in
    /// microseconds per delivery.
    pub async fn publish(&mut self, messages: u64, pace: Pace) -> f64 {
        let before = machine::cpu(self.pid);
        let first = self.sent;
        while self.sent < first + messages {
            let free = (self.sent + pace.chunk)
                .saturating_sub(pace.in_flight)
                .max(first);
            self.tally.reach(free * self.deliveries).await;
            for publisher in &mut self.publishers {
                publisher.send(pace.chunk).await;
            }
            self.sent += pace.chunk;
        }
        self.tally.reach(self.sent * self.deliveries).await;
        let taken = machine::cpu(self.pid) - before;
        let deliveries = (self.sent - first) * self.deliveries;
        taken * 1e6 / deliveries as f64
    }
}

struct Publisher {
    write: OwnedWriteHalf,
    message: Vec<u8>,
}

impl Publisher {
    fn new(write: OwnedWriteHalf, message: Vec<u8>) -> Self {
        Self { write, message }
    }

    async fn send(&mut self, count: u64) {
        let count = usize::try_from(count).expect("few");
        let bytes = self.message.repeat(count);
        self.write.write_all(&bytes).await.expect("sent");
    }
}

/// How much longer the payload of a chat message is than its text.
async fn overhead(server: &Server) -> usize {
    let mut listener = member(server.port, "m00001", "room00000").await;
    let mut talker = member(server.port, "m00000", "room00000").await;
    talker.ask(&say("x"), "chatMessage").await;
    listener.until("chatMessage").await.1 - 1
}

/// Greets a nats-server, and waits until it has processed these lines.
async fn nats(wire: &mut Wire, lines: &str) {
    let greeting = format!("CONNECT {{\"verbose\":false}}\r\n{lines}PING\r\n");
    wire.send(&frame(0x82, greeting.as_bytes())).await;
    while !wire.payload().await.ends_with(b"PONG\r\n") {}
}
