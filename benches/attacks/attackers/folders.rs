//! A streamer who makes many folders and few files.

use super::{Running, Stage, begun, frames, full};
use crate::connection::Role;
use crate::hold::carry_out;
use crate::support::post;

/// How many empty files are posted, each in folders of its own, as deep as a name may be.
const POSTS: usize = 1_000;
const DEPTH: usize = 64;

pub fn folders(stage: Stage) -> Running {
    Box::pin(async move {
        begun();
        let deep = |number| format!("a{number}/{}f", "b/".repeat(DEPTH - 2));
        let posts = (0..POSTS).map(|number| frames([&post(&deep(number), "")]));
        carry_out(&stage, Role::Streamer("folders"), posts).await;
        full();
        stage.stop.cancelled().await;
    })
}
