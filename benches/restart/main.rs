//! How long a restart takes with 100,000 files on disk: from the start of the process to the first
//! answer of each kind. `docs/reliability.md` holds the results.
//!
//!     cargo bench --bench restart

#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Server, file, get, http, post, project};

const FOLDERS: usize = 1_000;
const FILES_EACH: usize = 100;
const RESTARTS: usize = 7;
const GOAL: Duration = Duration::from_secs(1);

/// The first request after a restart.
#[derive(Clone, Copy)]
enum First {
    Health,
    Get,
    Status,
    Post,
}

const FIRSTS: [(First, &str); 4] = [
    (First::Health, "`/healthz`"),
    (First::Get, "a viewer's `get` of a file"),
    (First::Status, "`status` (all files counted)"),
    (First::Post, "a streamer's `post` (all files counted)"),
];

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // The files here and the posted one are one more than the default limit allows.
    let mut server = Server::with(&["--max-project-files", "200000"]);
    runtime.block_on(async { drop(server.streamer().await) });
    for folder in 0..FOLDERS {
        let place = server.project().join(folder.to_string());
        std::fs::create_dir(&place).expect("made");
        for name in 0..FILES_EACH {
            std::fs::write(place.join(name.to_string()), name.to_string()).expect("written");
        }
    }
    println!("| first answer after a restart with 100,000 files | median | longest |");
    println!("|---|---|---|");
    let mut is_well = true;
    for (first, what) in FIRSTS {
        let mut times: Vec<_> = (0..RESTARTS)
            .map(|_| {
                let began = Instant::now();
                server.restart();
                runtime.block_on(answer(first, &server));
                began.elapsed()
            })
            .collect();
        times.sort();
        let (median, longest) = (times[RESTARTS / 2], times[RESTARTS - 1]);
        println!(
            "| {what} | {} ms | {} ms |",
            median.as_millis(),
            longest.as_millis()
        );
        is_well &= median <= GOAL;
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn answer(first: First, server: &Server) {
    match first {
        First::Health => assert!(http(server, "/healthz", "").await.contains("200 OK")),
        First::Get => {
            let got = server.connect().await.ok(get("7/7")).await;
            assert_eq!(got["content"], support::base64("7"));
        }
        First::Status => {
            let status = server.connect().await.ok(file("status", project())).await;
            assert!(status["files"].as_u64() >= Some((FOLDERS * FILES_EACH) as u64));
        }
        First::Post => {
            let stored: Value = server.streamer().await.ok(post("new", "new")).await;
            assert_eq!(stored["file"], "new");
        }
    }
}
