//! Posts without end: to very many receivers, and from very many streamers.

use super::{Running, Stage, for_ever, frames};
use crate::connection::Role;
use crate::hold::{flood, flood_each};
use crate::support::post;

pub fn crowd(stage: Stage) -> Running {
    Box::pin(async move {
        // They read nothing, so that this process has time to post.
        let _receivers = stage.connect(Role::Watcher("crowded")).await;
        let posts = for_ever(frames([&post("f", "x")]).repeat(100));
        flood(stage.with_one(), Role::Streamer("crowded"), posts, true).await;
    })
}

pub fn streamers(stage: Stage) -> Running {
    let posts = for_ever(frames([&post("f", "x")]).repeat(100));
    Box::pin(flood_each(stage, Role::OneOfMany, posts, true))
}
