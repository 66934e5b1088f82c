//! A file is posted, and every viewer receives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;

use crate::Size;
use crate::crowd::{Crowd, FLAGS, Pace, Shape};
use crate::figure::{Goal, Rounds, Row};
use crate::machine;
use crate::support::{Server, authenticate, post, streamer, viewer};
use crate::wire::{Tally, Unit, Wire, text};

/// Files that are posted in turn.
const FILES: u64 = 8;

/// A streamer of our server and their viewers.
pub struct Stream {
    pub server: Server,
    streamer: Wire,
    _viewers: Vec<OwnedWriteHalf>,
    tally: Arc<Tally>,
    posts: Vec<Vec<u8>>,
    viewers: u64,
    sent: u64,
    /// The payload of an update, in bytes.
    pub payload: usize,
}

/// Authenticates a connection with this data.
pub async fn connected(port: u16, data: serde_json::Value) -> Wire {
    let mut wire = Wire::upgraded(port, "/", "").await;
    wire.ask(&authenticate(data), "authentication").await;
    wire
}

/// A viewer of ana's project.
pub async fn viewing(port: u16, name: &str) -> Wire {
    connected(port, viewer(name, "ana", "demo")).await
}

/// Ana.
pub async fn streaming(port: u16) -> Wire {
    connected(port, streamer("ana", "demo")).await
}

impl Stream {
    pub async fn new(server: Server, viewers: u64, content: usize) -> Self {
        let mut streamer = streaming(server.port).await;
        let posts: Vec<_> = (0..FILES)
            .map(|number| post(&format!("src/f{number}"), vec![b'x'; content]))
            .collect();
        let mut probe = viewing(server.port, "probe").await;
        streamer.ask(&posts[0], "filePost").await;
        let payload = probe.until("fileGet").await.1;
        drop(probe);
        let tally = Tally::new(Unit::Frame(payload));
        let mut all = Vec::new();
        for number in 0..viewers {
            let viewer = viewing(server.port, &format!("v{number}")).await;
            all.push(viewer.counted(&tally));
        }
        Self {
            server,
            streamer,
            _viewers: all,
            tally,
            posts: posts.iter().map(text).collect(),
            viewers,
            sent: 0,
            payload,
        }
    }

    /// Posts a file; waits until it is acknowledged and every viewer has it.
    pub async fn update(&mut self) {
        let post = &self.posts[usize::try_from(self.sent % FILES).expect("few")];
        self.streamer.send(post).await;
        self.sent += 1;
        self.streamer.until("filePost").await;
        self.tally.reach(self.sent * self.viewers).await;
    }

    /// The server's processor time for this many updates, in microseconds per delivery.
    async fn cost(&mut self, updates: u64) -> f64 {
        let before = machine::cpu(self.server.pid());
        for _ in 0..updates {
            self.update().await;
        }
        let taken = machine::cpu(self.server.pid()) - before;
        taken * 1e6 / (updates * self.viewers) as f64
    }
}

/// How a file is stored before it is announced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// As by default.
    Synced,
    /// As the original does.
    Renamed,
}

impl Stored {
    fn server(self) -> Server {
        let durability: &[&str] = match self {
            Self::Synced => &[],
            Self::Renamed => &["--durability", "rename"],
        };
        Server::on_core(machine::SERVER_CORE, &[FLAGS, durability].concat())
    }

    fn id(self, id: &str) -> String {
        match self {
            Self::Synced => format!("{id}-fsync"),
            Self::Renamed => id.to_owned(),
        }
    }

    fn name(self, name: &str) -> String {
        match self {
            Self::Synced => format!("{name}, \"fsync\""),
            Self::Renamed => format!("{name}, \"rename\""),
        }
    }
}

/// Updates one at a time, everything included: received, stored, sent to all.
pub async fn live(size: Size, viewers: u64, content: usize, stored: Stored, goal: Goal) -> Row {
    let updates = size.of(40_000 / viewers);
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        let mut stream = Stream::new(stored.server(), viewers, content).await;
        let shape = Shape {
            rooms: 1,
            listeners: usize::try_from(viewers).expect("few"),
            payload: stream.payload,
        };
        stream.cost(updates / 8).await;
        rounds.ours.push(stream.cost(updates).await);
        drop(stream);
        let mut floor = Crowd::floor(shape).await;
        floor.publish(updates / 8, Pace::ONE).await;
        rounds.floor.push(floor.publish(updates, Pace::ONE).await);
    }
    let kilobytes = content / 1_000;
    let id = format!("live-{kilobytes}k-{viewers}");
    let name = format!("live update of {kilobytes} KB to {viewers} viewers");
    rounds.row(
        &stored.id(&id),
        &stored.name(&name),
        "µs per delivery",
        goal,
    )
}

/// How long it takes until a viewer has a posted file, at 20 updates per second.
pub async fn latency(size: Size, stored: Stored) -> Row {
    const VIEWERS: usize = 50;
    const PERIOD: Duration = Duration::from_millis(50);
    let updates = size.of(200);
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        let mut stream = Stream::new(stored.server(), VIEWERS as u64, 2_000).await;
        let shape = Shape {
            rooms: 1,
            listeners: VIEWERS,
            payload: stream.payload,
        };
        let mut floor = Crowd::floor(shape).await;
        stream.update().await;
        floor.publish(1, Pace::ONE).await;
        let (mut ours, mut least) = (Vec::new(), Vec::new());
        // In turn, so that a disturbance of the machine affects both.
        for _ in 0..updates {
            let began = Instant::now();
            stream.update().await;
            ours.push(began.elapsed());
            tokio::time::sleep(PERIOD.saturating_sub(began.elapsed()) / 2).await;
            let began = Instant::now();
            floor.publish(1, Pace::ONE).await;
            least.push(began.elapsed());
            tokio::time::sleep(PERIOD.saturating_sub(began.elapsed()) / 2).await;
        }
        rounds.ours.push(p99(&mut ours));
        rounds.floor.push(p99(&mut least));
    }
    let name = "2 KB to the last of 50 viewers, 20 per second, p99";
    let (id, name) = (stored.id("latency"), stored.name(name));
    rounds.row(&id, &name, "ms", Goal::Ratio(2.0))
}

fn p99(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() * 99 / 100].as_secs_f64() * 1e3
}

/// Sends a request as a text frame.
pub async fn send(write: &mut OwnedWriteHalf, request: &serde_json::Value) {
    write.write_all(&text(request)).await.expect("sent");
}
