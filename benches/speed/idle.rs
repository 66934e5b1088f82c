//! The memory of a connection that does nothing.

use std::time::Duration;

use serde_json::json;

use crate::crowd::FLAGS;
use crate::figure::{Goal, Rounds, Row};
use crate::machine;
use crate::support::{Server, chat_section, token, viewer};
use crate::updates::{connected, streaming};

/// Viewers of a project, who are also in its room; KiB of memory for each.
pub async fn connections(count: usize) -> Row {
    let server = Server::on_core(machine::SERVER_CORE, FLAGS);
    let _streamer = streaming(server.port).await;
    let join = async |number: usize| {
        let name = format!("viewer{number}");
        // A room for every hundred, because each arrival is announced to everyone there.
        let room = format!("room{}", number / 100);
        let mut data = viewer(&name, "ana", "demo");
        let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
            "room": room});
        data["token"] = token(claims).into();
        data["chat"] = chat_section(&name, &room);
        let mut wire = connected(server.port, data).await;
        wire.forget();
        wire
    };
    let mut all = Vec::new();
    for number in 0..100 {
        all.push(join(number).await);
    }
    let before = settled(&server).await;
    for number in 100..100 + count {
        all.push(join(number).await);
    }
    let after = settled(&server).await;
    let mut rounds = Rounds::default();
    let each = after.saturating_sub(before) as f64 / count as f64 / 1_024.0;
    rounds.ours.push(each);
    let id = format!("idle-{count}");
    let name = format!("memory of an idle connection among {count}");
    rounds.row(&id, &name, "KiB", Goal::Figure(8.0))
}

/// The memory once it no longer shrinks.
async fn settled(server: &Server) -> u64 {
    let mut last = machine::own_memory(server.pid());
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = machine::own_memory(server.pid());
        if now >= last {
            return now;
        }
        last = now;
    }
}
