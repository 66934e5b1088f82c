//! Watchers who have stopped reading while very many names change.

use super::{Running, Stage, begun, frames, full};
use crate::connection::Role;
use crate::hold::{carry_out, drain};
use crate::support::post;

/// How many names change, and how many posts are written at a time.
const NAMES: usize = 40_000;
const BATCH: usize = 500;

pub fn waiting(stage: Stage) -> Running {
    Box::pin(async move {
        let watchers = stage.connect(Role::Watcher("changing")).await;
        begun();
        let posts = (0..NAMES).step_by(BATCH).map(|first| {
            let batch = (first..first + BATCH).map(|number| post(&format!("n{number}"), "x"));
            frames(&batch.collect::<Vec<_>>())
        });
        carry_out(&stage, Role::Streamer("changing"), posts).await;
        full();
        stage.stop.cancelled().await;
        drain(&stage, watchers).await;
    })
}
