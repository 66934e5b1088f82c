//! A whole project to many at once.

use crate::Size;
use crate::contender::Process;
use crate::crowd::FLAGS;
use crate::figure::{Goal, Rounds, Row};
use crate::floor::SUBSCRIBER;
use crate::machine;
use crate::support::{Server, get_all, post};
use crate::updates::{send, streaming, viewing};
use crate::wire::{Tally, Unit, Wire};

/// Viewers who all request a project of this many files at the same time; milliseconds of processor
/// time per MB that a viewer receives.
pub async fn project(size: Size, files: usize, bytes: usize, viewers: usize, goal: Goal) -> Row {
    let mut rounds = Rounds::default();
    let megabytes = (files * bytes * viewers) as f64 / 1e6;
    for _ in 0..size.rounds() {
        let server = Server::on_core(machine::SERVER_CORE, FLAGS);
        let mut streamer = streaming(server.port).await;
        for number in 0..files {
            streamer
                .ask(&post(&format!("f{number}"), vec![b'x'; bytes]), "filePost")
                .await;
        }
        let tally = Tally::new(Unit::Frame(bytes));
        let mut all = Vec::new();
        for number in 0..viewers {
            let viewer = viewing(server.port, &format!("v{number}")).await;
            all.push(viewer.counted(&tally));
        }
        // Once to warm up.
        let mut cost = 0.0;
        for round in 1..=2 {
            let before = machine::cpu(server.pid());
            for viewer in &mut all {
                send(viewer, &get_all()).await;
            }
            tally.reach((round * files * viewers) as u64).await;
            cost = (machine::cpu(server.pid()) - before) * 1e3 / megabytes;
        }
        rounds.ours.push(cost);
        rounds
            .floor
            .push(floor(&server, viewers, files * bytes).await);
    }
    let id = format!("fetch-{files}x{}k", bytes / 1_000);
    let kilobytes = bytes / 1_000;
    let name = format!("fetch of {files} × {kilobytes} KB by {viewers} viewers at once");
    rounds.row(&id, &name, "ms per MB", goal)
}

/// The same files read, encoded and written to everyone in turn.
async fn floor(server: &Server, viewers: usize, bytes: usize) -> f64 {
    let process = Process::floor(&["fetch", &server.project().display().to_string()]);
    let tally = Tally::new(Unit::Bytes(bytes * 4 / 3));
    let mut cost = 0.0;
    for round in 1..=2 {
        let before = machine::cpu(process.pid());
        let mut all = Vec::new();
        for _ in 0..viewers {
            let mut viewer = Wire::plain(process.port).await;
            viewer.send(&[SUBSCRIBER]).await;
            all.push(viewer.counted(&tally));
        }
        tally.reach((round * viewers) as u64).await;
        let megabytes = (bytes * viewers) as f64 / 1e6;
        cost = (machine::cpu(process.pid()) - before) * 1e3 / megabytes;
    }
    cost
}
