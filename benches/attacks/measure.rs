//! The innocent pair and the figures.

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::attackers::Kind;
use crate::support::{
    Client, Server, chat, chat_section, file, post, project, say, streamer, token, viewer,
};
use serde_json::json;

/// Pairs of an undisturbed and a disturbed stretch.
const PAIRS: usize = 7;
const STRETCH: Duration = Duration::from_secs(1);
/// How long is waited for that everything is released, between two pairs and at the end.
const PAUSE: Duration = Duration::from_secs(3);
const RELEASE: Duration = Duration::from_secs(30);

const MAX_MEMORY: u64 = 256 << 20;
const MAX_RATIO: f64 = 2.0;
const MAX_LEFT: f64 = 1.1;

/// Measures each of `chosen` on a server of its own; returns whether all was within the bounds.
pub async fn run(chosen: &[Vec<Kind>]) -> bool {
    println!(
        "| attackers | update, undisturbed | disturbed | ratio | chat, undisturbed | disturbed | ratio | peak memory | memory before → after | of its own | files before → after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut is_good = true;
    for kinds in chosen {
        is_good &= measure(kinds).await;
    }
    is_good
}

/// A streamer and his viewer, who are in a room too.
struct Pair {
    streamer: Client,
    viewer: Client,
    number: u64,
}

/// Round trips in microseconds.
#[derive(Default)]
struct Trips {
    updates: Vec<f64>,
    chats: Vec<f64>,
}

impl Pair {
    async fn connect(server: &Server) -> Self {
        let mut data = streamer("ana", "demo");
        data["chat"] = chat_section("ana", "ana/demo");
        let mut streamer = server.connect().await;
        streamer.authenticate(data).await;
        let mut data = viewer("bob", "ana", "demo");
        data["chat"] = chat_section("bob", "ana/demo");
        let mut viewer = server.connect().await;
        viewer.authenticate(data).await;
        Self {
            streamer,
            viewer,
            number: 0,
        }
    }

    async fn run(&mut self, time: Duration) -> Trips {
        let mut trips = Trips::default();
        let began = Instant::now();
        let content = "x".repeat(2_000);
        while began.elapsed() < time {
            self.number += 1;
            let start = Instant::now();
            self.streamer
                .send(post("f", format!("{}{content}", self.number)))
                .await;
            self.viewer.expect("fileGet").await;
            self.streamer.expect("filePost").await;
            trips.updates.push(start.elapsed().as_secs_f64() * 1e6);
            let start = Instant::now();
            self.viewer.send(say("hello")).await;
            self.streamer.expect("chatMessage").await;
            self.viewer.expect("chatMessage").await;
            trips.chats.push(start.elapsed().as_secs_f64() * 1e6);
        }
        trips
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Something else that the attackers can ask for.
async fn big_project(server: &Server) {
    let mut client = server.connect().await;
    let claims = json!({"username": "big", "streamername": "big", "streamname": "own"});
    let data = json!({"token": token(claims), "file": {"username": "big", "project": "own"}});
    client.authenticate(data).await;
    let content = vec![b'x'; 100_000];
    for number in 0..100 {
        client.ok(post(&format!("f{number}"), &content)).await;
    }
}

struct Attacker(Child);

impl Attacker {
    fn start(kind: Kind, port: u16) -> Self {
        let program = std::env::current_exe().expect("this program");
        let child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(program)
            .args(["attack", kind.name(), &port.to_string()])
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("an attacker"))
    }

    fn wait_ready(&mut self) {
        let out = self.0.stdout.take().expect("it was piped");
        let line = std::io::BufReader::new(out).lines().next();
        assert!(line.is_some_and(|line| line.is_ok()), "an attacker ended");
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn measure(kinds: &[Kind]) -> bool {
    let server = Server::on_core(0, &["--chat-messages-per-second", "0"]);
    big_project(&server).await;
    let mut pair = Pair::connect(&server).await;
    pair.run(STRETCH).await;
    let before_all = Taken::by(&server);
    let (mut calm, mut stormy) = (Trips::default(), Trips::default());
    let (mut update_ratios, mut chat_ratios) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let mut before = pair.run(STRETCH).await;
        let mut attackers: Vec<_> = kinds
            .iter()
            .map(|&kind| Attacker::start(kind, server.port))
            .collect();
        for attacker in &mut attackers {
            attacker.wait_ready();
        }
        let mut under = pair.run(STRETCH).await;
        drop(attackers);
        update_ratios.push(median(&mut under.updates) / median(&mut before.updates));
        chat_ratios.push(median(&mut under.chats) / median(&mut before.chats));
        calm.updates.append(&mut before.updates);
        calm.chats.append(&mut before.chats);
        stormy.updates.append(&mut under.updates);
        stormy.chats.append(&mut under.chats);
        released(&server, &mut pair, before_all, PAUSE).await;
    }
    let after_all = released(&server, &mut pair, before_all, RELEASE).await;
    pair.viewer.ok(file("status", project())).await;
    pair.viewer.ok(chat("members", json!({}))).await;
    let (update_ratio, chat_ratio) = (median(&mut update_ratios), median(&mut chat_ratios));
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    let names = if kinds.len() > 1 {
        "all together".to_owned()
    } else {
        names.concat()
    };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "| {names} | {:.0} µs | {:.0} µs | {update_ratio:.2} | {:.0} µs | {:.0} µs | {chat_ratio:.2} | {:.1} MiB | {:.1} → {:.1} MiB | {:.1} → {:.1} MiB | {} → {} |",
        median(&mut calm.updates),
        median(&mut stormy.updates),
        median(&mut calm.chats),
        median(&mut stormy.chats),
        mib(server.peak_memory()),
        mib(before_all.memory),
        mib(after_all.memory),
        mib(before_all.own_memory),
        mib(after_all.own_memory),
        before_all.files,
        after_all.files,
    );
    server.peak_memory() < MAX_MEMORY
        && update_ratio <= MAX_RATIO
        && chat_ratio <= MAX_RATIO
        && after_all.is_back_to(before_all)
}

/// What a server has taken of the system.
#[derive(Clone, Copy)]
struct Taken {
    files: usize,
    /// What is resident, in bytes.
    memory: u64,
    /// The same without the pages of the program's file.
    own_memory: u64,
}

impl Taken {
    fn by(server: &Server) -> Self {
        Self {
            files: server.open_files(),
            memory: server.memory(),
            own_memory: server.own_memory(),
        }
    }

    fn is_back_to(self, before: Self) -> bool {
        self.files <= before.files && self.memory as f64 <= before.memory as f64 * MAX_LEFT
    }
}

/// Waits until files and memory are what they were, for a while.
async fn released(server: &Server, pair: &mut Pair, before: Taken, patience: Duration) -> Taken {
    let began = Instant::now();
    loop {
        let now = Taken::by(server);
        if now.is_back_to(before) || began.elapsed() > patience {
            return now;
        }
        pair.run(Duration::from_millis(100)).await;
    }
}
