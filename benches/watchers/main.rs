//! What a save costs the server and the network while a thousand pages are open. None, ten or all
//! of them look at the saved file, and the others are only told of the change.
//! `docs/performance.md` holds the results.
//!
//! The server has one core and all clients the other. The processor's time is the server's own, in
//! user and kernel mode.
//!
//!     cargo bench --bench watchers

#[path = "../support/pin.rs"]
mod pin;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Client, Server, file, post};
use tokio::sync::mpsc;

const PAGES: usize = 1_000;
/// The content of a save, in bytes.
const BYTES: usize = 5_000;
const SAVES: usize = 100;
const ROUNDS: usize = 5;

fn main() {
    pin::pin_to_core(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "| pages that have the file open | CPU of the server per save | bytes sent per save |"
    );
    println!("|---|---|---|");
    for open in [0, 10, PAGES] {
        runtime.block_on(measure(open));
    }
}

/// What a page asks for: the contents of what it has open, and who is there.
fn watch(open: &str) -> Value {
    let data = json!({"username": "ana", "project": "demo", "content": [open], "presence": true});
    file("watch", data)
}

async fn measure(open: usize) {
    let server = Server::on_core(0, &["--durability", "rename"]);
    let mut streamer = server.streamer().await;
    let (told, mut received) = mpsc::unbounded_channel();
    for number in 0..PAGES {
        let mut page = Client::connect(&server.url()).await;
        let name = if number < open {
            "/saved.rs"
        } else {
            "/other.rs"
        };
        page.ok(watch(name)).await;
        let told = told.clone();
        tokio::spawn(async move {
            while let Ok(bytes) = page.receive().await {
                let _ = told.send(bytes);
            }
        });
    }
    // Until the pages have been told how many viewers there are.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    while received.try_recv().is_ok() {}
    let mut rounds = Vec::new();
    let mut bytes = 0;
    for round in 0..ROUNDS {
        let before = server.cpu_time();
        bytes = 0;
        for save in 0..SAVES {
            let content = format!("{:08}", round * SAVES + save).repeat(BYTES / 8);
            streamer.ok(post("saved.rs", content)).await;
            for _ in 0..PAGES {
                bytes += received.recv().await.expect("a page");
            }
        }
        let spent = server.cpu_time().saturating_sub(before);
        rounds.push(spent / u32::try_from(SAVES).unwrap_or(u32::MAX));
    }
    rounds.sort_unstable();
    let cpu = rounds[ROUNDS / 2];
    let kilobytes = bytes / SAVES / 1_000;
    println!(
        "| {open} of {PAGES} | {:.1} ms | {kilobytes} kB |",
        cpu.as_secs_f64() * 1e3
    );
}
