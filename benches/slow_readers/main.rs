//! How much viewers who stop reading cost those who read: 500 read in every period, and in every
//! second period 500 others have stopped. `docs/reliability.md` holds the results.
//!
//! The server has one core and all clients the other; the ratio is the median of the pairs.
//!
//!     cargo bench --bench slow_readers

#[path = "../support/pin.rs"]
mod pin;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use support::{Client, Server, post, viewer};
use tokio::sync::mpsc;

const READERS: usize = 500;
const STOPPED: usize = 500;
const PAIRS: usize = 7;
/// How many updates a period has, how many come before it to fill sockets and queues, and the time
/// from one update to the next.
const UPDATES: u64 = 50;
const FILLING: u64 = 60;
const PAUSE: Duration = Duration::from_millis(100);
/// The content of an update, in bytes, and how many files there are.
const BYTES: usize = 8_000;
const FILES: u64 = 5;
const MAX_RATIO: f64 = 1.2;

fn main() -> ExitCode {
    pin::pin_to_core(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if runtime.block_on(measure()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn measure() -> bool {
    let server = Server::on_core(0, &["--durability", "rename"]);
    let mut streamer = server.streamer().await;
    let (told, mut received) = mpsc::unbounded_channel();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = server.viewer("bob").await;
        let told = told.clone();
        readers.push(tokio::spawn(async move {
            while reader.receive().await.is_ok() {
                let _ = told.send(Instant::now());
            }
        }));
    }
    let before = server.memory();
    let (mut calm, mut stormy, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = 0;
    for pair in 0..PAIRS {
        let without = stretch(&mut streamer, &mut received).await;
        let mut stopped = Vec::new();
        for _ in 0..STOPPED {
            let mut client = Client::narrow(&server.url()).await;
            client.authenticate(viewer("eve", "ana", "demo")).await;
            stopped.push(client);
        }
        // Until their sockets and queues are full they are viewers like the others.
        stretch_of(&mut streamer, &mut received, FILLING).await;
        let with = stretch(&mut streamer, &mut received).await;
        peak = peak.max(server.memory());
        println!("pair {pair}: p99 {without:?} without, {with:?} with those who have stopped");
        ratios.push(with.as_secs_f64() / without.as_secs_f64());
        calm.push(without);
        stormy.push(with);
    }
    // The allocator purges freed memory lazily; a little work triggers it.
    for _ in 0..20 {
        stretch_of(&mut streamer, &mut received, 5).await;
    }
    let after = server.memory();
    for values in [&mut calm, &mut stormy] {
        values.sort_unstable();
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[PAIRS / 2];
    let mib = |bytes: u64| bytes >> 20;
    println!(
        "| p99 of {READERS} | with {STOPPED} who have stopped | ratio | memory before | at most | after |"
    );
    println!("|---|---|---|---|---|---|");
    println!(
        "| {:.1?} | {:.1?} | {ratio:.2} | {} MiB | {} MiB | {} MiB |",
        calm[PAIRS / 2],
        stormy[PAIRS / 2],
        mib(before),
        mib(peak),
        mib(after)
    );
    ratio <= MAX_RATIO
}

async fn stretch(
    streamer: &mut Client,
    received: &mut mpsc::UnboundedReceiver<Instant>,
) -> Duration {
    stretch_of(streamer, received, UPDATES).await
}

/// Posts this many updates; returns the 99th percentile of the times until readers had them.
async fn stretch_of(
    streamer: &mut Client,
    received: &mut mpsc::UnboundedReceiver<Instant>,
    updates: u64,
) -> Duration {
    let mut times = Vec::new();
    for number in 0..updates {
        let content = format!("{number:08}").repeat(BYTES / 8);
        let began = Instant::now();
        streamer
            .ok(post(&format!("f{}", number % FILES), content))
            .await;
        for _ in 0..READERS {
            times.push(received.recv().await.expect("a reader") - began);
        }
        tokio::time::sleep(PAUSE.saturating_sub(began.elapsed())).await;
    }
    times.sort_unstable();
    times[times.len() * 99 / 100]
}
