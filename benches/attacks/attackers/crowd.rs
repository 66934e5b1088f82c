//! A topic with very many receivers and an endless stream of posts.

use super::{Running, Stage, for_ever, frames};
use crate::connection::Role;
use crate::hold::flood;
use crate::support::post;

pub fn crowd(stage: Stage) -> Running {
    Box::pin(async move {
        // They read nothing, so that this process has time to post.
        let _receivers = stage.connect(Role::Watcher("crowded")).await;
        let posts = for_ever(frames([&post("f", "x")]).repeat(100));
        flood(stage.with_one(), Role::Streamer("crowded"), posts, true).await;
    })
}
