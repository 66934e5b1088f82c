//! Random histories of several connections against a model: every answer, every push and the disk
//! at the end are what the contract says.
//!
//!     MODEL_HISTORIES=10000 MODEL_SEED=1 cargo test --release --test model -- --nocapture
//!
//! A history that differs is printed with its seed and number; `MODEL_ONLY=<number>` plays it
//! alone.

mod arena;
mod ask;
mod coming_back;
mod concurrent;
mod faults;
mod game;
mod generator;
mod matching;
mod model;
mod sequential;
#[path = "../live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other tests use the rest")]
mod support;

use std::ops::Range;
use std::str::FromStr;
use std::time::Instant;

use arena::Arena;
use futures_util::{StreamExt as _, stream};
use game::Difference;

/// How many histories are played at once.
const AT_ONCE: usize = 8;

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().ok().expect("a number"))
}

/// The seed and which of its histories are to be played: as many as requested, or `usual`.
fn wanted(usual: u64) -> (u64, Range<u64>) {
    let seed = variable("MODEL_SEED").unwrap_or(1);
    let histories = match variable("MODEL_ONLY") {
        Some(only) => only..only + 1,
        None => 0..variable("MODEL_HISTORIES").unwrap_or(usual),
    };
    (seed, histories)
}

/// A history that differed from the model: its number, the difference, what was done.
struct Failure(u64, Difference, Vec<String>);

/// Plays the histories of one kind, several at once; a difference ends the test.
macro_rules! play_all {
    ($kind:literal, $usual:literal, $arenas:expr, $play:path) => {{
        let (seed, histories) = wanted($usual);
        let arenas = $arenas;
        let started = Instant::now();
        let count = histories.end - histories.start;
        let mut games = stream::iter(histories)
            .map(|number| $play(&arenas, seed, number))
            .buffered(AT_ONCE);
        let mut requests = 0;
        while let Some(game) = games.next().await {
            match game {
                Ok(asked) => requests += asked,
                Err(Failure(number, difference, log)) => panic!(
                    "seed {seed}, {} history {number}:\n{}\n{difference}",
                    $kind,
                    log.join("\n")
                ),
            }
        }
        drop(games);
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "seed {seed}: {count} {} histories, {requests} requests, no difference, {seconds:.1} s",
            $kind
        );
        arenas.into_iter().for_each(Arena::stop);
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_at_a_time_every_answer_and_every_tree_is_the_models() {
    play_all!("sequential", 150, Arena::all(), sequential::play);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_at_once_one_order_of_events_explains_what_everybody_has_seen() {
    play_all!("concurrent", 50, Arena::concurrent(), concurrent::play);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamer_who_comes_back_is_told_of_each_pull_request_once() {
    for arena in Arena::all() {
        let (result, log) = coming_back::play(&arena).await;
        if let Err(difference) = result {
            panic!("{}\n{difference}", log.join("\n"));
        }
        arena.stop();
    }
}
