//! Clients that send invalid requests, or requests that never end.

use std::sync::Arc;

use super::{Running, Stage, for_ever, times};
use crate::connection::{Role, frames};
use crate::hold::flood;
use crate::support::{masked, post_part};

/// How much is written at a time.
const BATCH: usize = 64 * 1_024;
/// Messages and uploads of a connection.
const MESSAGES: usize = 100_000;
const UPLOADS: usize = 10_000;
/// How deep a message is nested.
const DEPTH: usize = 100_000;

pub fn announcement(stage: Stage) -> Running {
    let mut head = vec![0x82, 0xFF];
    head.extend((1_u64 << 40).to_be_bytes());
    head.extend([0; 4]);
    Box::pin(flood(stage, Role::Unauthenticated, for_ever(head), true))
}

pub fn fragments(stage: Stage) -> Running {
    let begins: Arc<[u8]> = masked(0x01, vec![b'x'; BATCH]).into();
    let goes_on: Arc<[u8]> = masked(0x00, vec![b'x'; BATCH]).into();
    let pieces = move |number| Some(Arc::clone(if number == 0 { &begins } else { &goes_on }));
    Box::pin(flood(stage, Role::Unauthenticated, Arc::new(pieces), true))
}

pub fn pings(stage: Stage) -> Running {
    let pings = masked(0x89, [b'x'; 125]).repeat(500);
    Box::pin(flood(stage, Role::Unauthenticated, for_ever(pings), false))
}

pub fn garbage(stage: Stage) -> Running {
    let batch = masked(0x81, br#"{"type":"x"}"#).repeat(1_000);
    let pieces = times(MESSAGES / 1_000, batch);
    Box::pin(flood(stage, Role::Unauthenticated, pieces, true))
}

pub fn unfinished(stage: Stage) -> Running {
    let begun = |number: usize| {
        let part = post_part(&format!("u{number}"), [b'x'; 1_000], 1, 2);
        (number < UPLOADS).then(|| frames([&part]).into())
    };
    let role = Role::Streamer("own");
    Box::pin(flood(stage, role, Arc::new(begun), true))
}

pub fn nesting(stage: Stage) -> Running {
    let deep = format!(r#"{{"type":"file","data":{}"#, "[".repeat(DEPTH));
    let pieces = for_ever(masked(0x81, deep));
    Box::pin(flood(stage, Role::Unauthenticated, pieces, true))
}
