//! Three servers on three NATS servers: one machine at a time has its processes killed, hung or
//! stopped while a streamer writes and viewers watch. `scripts/cluster` runs it.
//!
//! Each content carries a number. Every acknowledged change must be on all servers afterwards, and
//! no viewer may see a file go back. After each failure, the test measures how long it takes until
//! a change is acknowledged again and has reached every viewer.

mod machines;
#[path = "../live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;
mod viewer;
mod writer;

use std::time::{Duration, Instant};

use machines::{Failure, Machines, SERVERS};
use support::Random;
use viewer::Viewer;
use writer::Writer;

/// How many files are written in turn.
pub const FILES: usize = 20;

/// How long it may take after a failure until every viewer has what was acknowledged since.
const LONGEST: Duration = Duration::from_secs(20);

/// How long it may take after 195 of 200 failures.
const LONG: Duration = Duration::from_secs(10);

/// How long everything runs well before the next failure.
const CALM: Duration = Duration::from_secs(3);

fn number_of(variable: &str, otherwise: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(otherwise, |value| value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_whichever_machine_fails() {
    let failures = number_of("CLUSTER_FAILURES", 3);
    let mut random = Random::new(number_of("CLUSTER_SEED", 1), 0);
    let mut machines = Machines::start();
    let urls: Vec<_> = (0..SERVERS).map(|server| machines.url(server)).collect();
    let writer = Writer::start(urls.clone());
    writer.until_acknowledged(Instant::now(), LONGEST).await;
    let viewers: Vec<_> = urls.into_iter().map(Viewer::start).collect();
    let mut took = Vec::new();
    for round in 0..failures {
        tokio::time::sleep(CALM).await;
        let failure = Failure::any(round, &mut random);
        let began = Instant::now();
        // The machine comes back while everybody waits.
        let (is_back, (acknowledged, expected)) = tokio::join!(machines.fail(failure), async {
            let acknowledged = writer.until_acknowledged(began, LONGEST).await;
            let expected = writer.acknowledged();
            for (viewer, _) in viewers
                .iter()
                .zip(0..)
                .filter(|(_, at)| !failure.is_at(*at))
            {
                viewer.until_has(&expected, began, LONGEST).await;
            }
            (acknowledged, expected)
        });
        // The wait of viewers at the failed machine counts from its return.
        for (viewer, _) in viewers.iter().zip(0..).filter(|(_, at)| failure.is_at(*at)) {
            let from = is_back.unwrap_or(began);
            viewer.until_has(&expected, from, LONGEST).await;
        }
        let all = viewers.iter().map(Viewer::last_wait).max();
        let all = all.unwrap_or_default().max(acknowledged);
        eprintln!(
            "{round}: {failure:?}: acknowledged after {:.1} s, everywhere after {:.1} s",
            acknowledged.as_secs_f64(),
            all.as_secs_f64()
        );
        took.push(all);
    }
    let expected = writer.stop().await;
    for viewer in &viewers {
        viewer.until_has(&expected, Instant::now(), LONGEST).await;
    }
    let ends: Vec<_> = viewers.iter().map(Viewer::fresh_look).collect();
    let ends = futures_util::future::join_all(ends).await;
    for end in &ends {
        assert_eq!(end, &ends[0], "all servers have the same");
        for (file, (there, acknowledged)) in end.iter().zip(&expected).enumerate() {
            assert!(
                there >= acknowledged,
                "file {file} has {there}, lost {acknowledged}"
            );
        }
    }
    took.sort();
    let late = took.iter().filter(|took| **took > LONG).count();
    let acknowledged = writer.count();
    eprintln!(
        "{failures} failures, {acknowledged} changes acknowledged, 0 lost; everywhere after {:.1} \
         s at most, {:.1} s in the median, over {} s in {late}",
        took.last().copied().unwrap_or_default().as_secs_f64(),
        took.get(took.len() / 2)
            .copied()
            .unwrap_or_default()
            .as_secs_f64(),
        LONG.as_secs(),
    );
    assert!(
        late * 40 <= took.len() || late <= 1,
        "{late} of {failures} took too long"
    );
}
