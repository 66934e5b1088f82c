//! Clients that collect long answers and read none.

use serde_json::json;

use super::{Running, Stage, batch, for_ever, frames, project, times};
use crate::connection::{Connection, Role, source};
use crate::hold::{flood, hold};
use crate::support::{chat, file, say};

/// The number of messages that a room remembers, and their length.
const HISTORY: usize = 100;
const MESSAGE: usize = 4_096;

/// A `get` of a file that does not exist, with a name of this many bytes.
pub fn named(bytes: usize) -> Vec<u8> {
    let mut data = project("own");
    data["name"] = "x".repeat(bytes).into();
    frames([&file("get", data)])
}

pub fn answers(stage: Stage) -> Running {
    Box::pin(hold(
        stage,
        Role::Unauthenticated,
        times(8, named(1_048_000)),
    ))
}

pub fn long_names(stage: Stage) -> Running {
    Box::pin(hold(stage, Role::Viewer, times(4, named(16_776_000))))
}

pub fn history(stage: Stage) -> Running {
    Box::pin(async move {
        let said = said(&stage).await;
        stage.count(|tally| tally.refused += u64::from(said.is_err()));
        let asking = batch(&chat("history", json!({})), 100);
        hold(stage, Role::Member, times(10, asking)).await;
    })
}

pub fn histories(stage: Stage) -> Running {
    read_on(stage, "history")
}

fn read_on(stage: Stage, asked: &'static str) -> Running {
    Box::pin(async move {
        let said = said(&stage).await;
        stage.count(|tally| tally.refused += u64::from(said.is_err()));
        let asking = batch(&chat(asked, json!({})), 10);
        flood(stage, Role::Member, for_ever(asking), true).await;
    })
}

/// Fills the room's history.
async fn said(stage: &Stage) -> std::io::Result<()> {
    let mut speaker = Connection::open_wide(source(0), stage.port, Role::Member).await?;
    // In JSON each of these takes six bytes.
    let message = say(&"\u{1}".repeat(MESSAGE));
    for _ in 0..HISTORY {
        speaker
            .ask([&message], "\"chatMessage\"", super::PATIENCE)
            .await?;
    }
    Ok(())
}
