//! Clients that send one thing without end, and read the answers.

use std::sync::Arc;

use super::answers::named;
use super::{Running, Stage, batch, for_ever, project};
use crate::connection::Role;
use crate::hold::flood;
use crate::support::{file, masked};

/// How many requests or frames are sent at a time.
const BATCH: usize = 100;
const FRAMES: usize = 10_000;

fn without_end(stage: Stage, bytes: Vec<u8>) -> Running {
    Box::pin(flood(stage, Role::Unauthenticated, for_ever(bytes), true))
}

pub fn authenticate(stage: Stage) -> Running {
    let request = Role::Viewer.requests().remove(0);
    without_end(stage, batch(&request, BATCH))
}

pub fn names(stage: Stage) -> Running {
    without_end(stage, named(1_048_000))
}

pub fn status(stage: Stage) -> Running {
    without_end(stage, batch(&file("status", project("own")), BATCH))
}

pub fn get_file(stage: Stage) -> Running {
    let mut data = project("own");
    data["name"] = "small".into();
    without_end(stage, batch(&file("get", data), BATCH))
}

pub fn continuations(stage: Stage) -> Running {
    let begins: Arc<[u8]> = masked(0x01, b"x").into();
    let goes_on: Arc<[u8]> = masked(0x00, b"").repeat(FRAMES).into();
    let pieces = move |number| Some(Arc::clone(if number == 0 { &begins } else { &goes_on }));
    Box::pin(flood(stage, Role::Unauthenticated, Arc::new(pieces), true))
}

pub fn pongs(stage: Stage) -> Running {
    without_end(stage, masked(0x8A, b"").repeat(FRAMES))
}
