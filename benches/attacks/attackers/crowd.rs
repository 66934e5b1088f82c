//! A topic with very many receivers that is posted to without end.

use super::{Running, Stage, for_ever, frames};
use crate::connection::Role;
use crate::hold::{flood, read};
use crate::support::post;

pub fn crowd(stage: Stage) -> Running {
    Box::pin(async move {
        let receivers = stage.connect(Role::Watcher("crowded")).await;
        for mut receiver in receivers {
            let stage = stage.clone();
            tokio::spawn(async move { read(&mut receiver.stream, receiver.frames, &stage).await });
        }
        let one = stage.with_one();
        let posts = for_ever(frames([&post("f", "x")]));
        flood(one, Role::Streamer("crowded"), posts, true).await;
    })
}
