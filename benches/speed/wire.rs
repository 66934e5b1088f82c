//! A client that costs as little as possible, and counts what it receives.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::{PATIENCE, UPGRADE};

const READ: usize = 256 * 1_024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// A client's frame with a mask, which the server has to remove.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mut frame = crate::support::masked(first, payload);
    let start = frame.len() - payload.len();
    frame[start - 4..start].copy_from_slice(&MASK);
    for (byte, mask) in frame[start..].iter_mut().zip(MASK.iter().cycle()) {
        *byte ^= mask;
    }
    frame
}

/// A request in a text frame.
pub fn text(request: &Value) -> Vec<u8> {
    frame(0x81, request.to_string().as_bytes())
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    /// A bare connection.
    pub async fn plain(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        let stream = stream.expect("connected");
        stream.set_nodelay(true).expect("set");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// A WebSocket connection to that path, with these additional headers.
    pub async fn upgraded(port: u16, path: &str, headers: &str) -> Self {
        let mut wire = Self::plain(port).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{headers}\r\n");
        wire.send(request.as_bytes()).await;
        loop {
            let end = wire.received.windows(4).position(|end| end == b"\r\n\r\n");
            if let Some(end) = end {
                let head: Vec<_> = wire.received.drain(..end + 4).collect();
                let head = String::from_utf8_lossy(&head).into_owned();
                assert!(head.starts_with("HTTP/1.1 101"), "{head}");
                return wire;
            }
            wire.more().await;
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sent");
    }

    async fn more(&mut self) {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        let read = read.expect("an answer in time").expect("an answer");
        assert!(read > 0, "the server has closed");
    }

    /// The payload of the next frame.
    pub async fn payload(&mut self) -> Vec<u8> {
        loop {
            if let Some((header, length)) = header(&self.received)
                && self.received.len() >= header + length
            {
                let payload = self.received[header..header + length].to_vec();
                self.received.drain(..header + length);
                return payload;
            }
            self.more().await;
        }
    }

    /// The next message of this type; returns the length of its payload too.
    pub async fn until(&mut self, kind: &str) -> (Value, usize) {
        loop {
            let payload = self.payload().await;
            let message: Value = serde_json::from_slice(&payload).expect("JSON");
            if message["type"] == kind {
                return (message, payload.len());
            }
            let text = String::from_utf8_lossy(&payload);
            assert!(!text.contains("Error"), "{text}");
        }
    }

    /// Sends a request; waits for a message of this type and returns its length.
    pub async fn ask(&mut self, request: &Value, kind: &str) -> usize {
        self.send(&text(request)).await;
        self.until(kind).await.1
    }

    /// Frees the memory of the received data.
    pub fn forget(&mut self) {
        self.received = Vec::new();
    }

    /// From now on only counts what arrives; returns the half that sends.
    pub fn counted(self, tally: &Arc<Tally>) -> OwnedWriteHalf {
        let (read, write) = self.stream.into_split();
        let counter = Counter::new(Arc::clone(tally));
        tokio::spawn(count(read, self.received, counter));
        write
    }
}

async fn count(stream: OwnedReadHalf, received: Vec<u8>, mut counter: Counter) {
    counter.feed(&received);
    drop(received);
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        let goes_on = BUFFER.with_borrow_mut(|buffer| match stream.try_read(buffer) {
            Ok(0) => false,
            Ok(read) => {
                counter.feed(&buffer[..read]);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        if !goes_on {
            return;
        }
    }
}

/// The lengths of a frame's header and payload, once the header is there.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let length = |from: usize, to: usize| {
        let bytes = bytes.get(from..to)?;
        let value = bytes
            .iter()
            .fold(0, |value, &byte| value << 8 | usize::from(byte));
        Some((to, value))
    };
    match bytes.get(1)? & 0x7F {
        126 => length(2, 4),
        127 => length(2, 10),
        short => Some((2, usize::from(short))),
    }
}

/// What all counters have received together.
pub struct Tally {
    unit: Unit,
    count: AtomicU64,
    target: AtomicU64,
    reached: Notify,
}

/// What counts as one.
#[derive(Clone, Copy)]
pub enum Unit {
    /// A frame with a payload of at least that length; other frames, which announce who comes and
    /// goes, are shorter.
    Frame(usize),
    /// A message that reports success; any other ends the run.
    Answer,
    /// This many bytes of payload, whatever frames they come in.
    Payload(usize),
    /// This many raw bytes.
    Bytes(usize),
}

impl Tally {
    pub fn new(unit: Unit) -> Arc<Self> {
        Arc::new(Self {
            unit,
            count: AtomicU64::new(0),
            target: AtomicU64::new(u64::MAX),
            reached: Notify::new(),
        })
    }

    fn scale(&self) -> u64 {
        match self.unit {
            Unit::Frame(_) | Unit::Answer => 1,
            Unit::Payload(bytes) | Unit::Bytes(bytes) => bytes as u64,
        }
    }

    fn add(&self, count: u64) {
        let before = self.count.fetch_add(count, Ordering::Relaxed);
        if before + count >= self.target.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    /// Waits until this many have arrived since the beginning.
    pub async fn reach(&self, target: u64) {
        let target = target * self.scale();
        self.target.store(target, Ordering::Relaxed);
        while self.count.load(Ordering::Relaxed) < target {
            let waited = timeout(PATIENCE, self.reached.notified()).await;
            let count = self.count.load(Ordering::Relaxed);
            assert!(waited.is_ok(), "{count} of {target} after 30 s");
        }
    }
}

/// Finds the frames in the data of one connection.
struct Counter {
    tally: Arc<Tally>,
    /// The beginning of a header.
    begun: Vec<u8>,
    /// How much of a payload is left.
    left: usize,
    /// What its frame counts for when it is whole.
    worth: u64,
    /// Its beginning, if that matters.
    answer: Vec<u8>,
}

/// The beginning of every answer that reports success.
const GOOD: &[u8] = br#"{"code":200,"#;

impl Counter {
    fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            begun: Vec::new(),
            left: 0,
            worth: 0,
            answer: Vec::new(),
        }
    }

    fn look_at(&mut self, payload: &[u8]) {
        if let Unit::Answer = self.tally.unit {
            let missing = GOOD.len() - self.answer.len();
            self.answer.extend(payload.iter().take(missing));
            assert!(GOOD.starts_with(&self.answer), "{:?}", self.answer);
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        if let Unit::Bytes(_) = self.tally.unit {
            return self.tally.add(bytes.len() as u64);
        }
        let mut count = 0;
        while !bytes.is_empty() {
            if self.left == 0 {
                // Byte by byte: a header has at most ten bytes.
                self.begun.push(bytes[0]);
                bytes = &bytes[1..];
                let Some((_, length)) = header(&self.begun) else {
                    continue;
                };
                self.begun.clear();
                self.left = length;
                self.worth = match self.tally.unit {
                    Unit::Frame(wanted) => u64::from(length >= wanted),
                    Unit::Answer => 1,
                    Unit::Payload(_) => length as u64,
                    Unit::Bytes(_) => 0,
                };
            }
            let taken = self.left.min(bytes.len());
            self.look_at(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.left -= taken;
            if self.left == 0 {
                self.answer.clear();
                count += std::mem::take(&mut self.worth);
            }
        }
        if count > 0 {
            self.tally.add(count);
        }
    }
}
