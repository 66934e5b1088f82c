//! Projects of very many files: the cost of one file must not depend on how many others there are.

use std::fs;

use crate::Size;
use crate::crowd::FLAGS;
use crate::figure::{Goal, Rounds, Row};
use crate::machine;
use crate::support::file;
use crate::support::{Server, get_all, list_all, project};
use crate::updates::{send, streaming, viewing};
use crate::uploads::in_memory_server;
use crate::wire::{Tally, Unit};

/// Files in a folder.
const EACH: usize = 100;
/// Bytes in a file.
const BYTES: usize = 200;
/// Files in one `fileList`.
const PAGE: usize = 1_000;

/// What is measured of the whole project.
#[derive(Clone, Copy)]
pub enum Whole {
    /// Counting it, when the server has just started.
    Start,
    /// Its list, with the hash of each file.
    List,
    /// All its files.
    Get,
    /// The peak memory of all that.
    Memory,
}

/// The cost for each of this many files, relative to a tenth as many.
pub async fn growth(size: Size, whole: Whole) -> Row {
    const FILES: usize = 100_000;
    let files = usize::try_from(size.of(FILES as u64)).expect("few");
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        rounds.ours.push(one(whole, files).await);
        rounds.floor.push(one(whole, files / 10).await);
    }
    let (id, what, unit) = match whole {
        Whole::Start => ("growth-start", "start and count", "µs per file"),
        Whole::List => ("growth-list", "`list` of", "µs per file"),
        Whole::Get => ("growth-get", "`get` of", "µs per file"),
        Whole::Memory => ("growth-memory", "start, `list` and `get` of", "MiB at most"),
    };
    let name = format!("{what} a project of {files} files; floor of {}", files / 10);
    let goal = match whole {
        Whole::Memory => Goal::Ratio(1.5),
        _ => Goal::Ratio(1.1),
    };
    rounds.row(id, &name, unit, goal)
}

async fn one(whole: Whole, files: usize) -> f64 {
    let mut server = in_memory_server(FLAGS);
    drop(streaming(server.port).await);
    fill(&server, files);
    server.restart();
    if let Whole::Start = whole {
        count(&server).await;
        return machine::cpu(server.pid()) * 1e6 / files as f64;
    }
    if let Whole::Memory = whole {
        count(&server).await;
        ask(&server, Whole::List, files).await;
        ask(&server, Whole::Get, files).await;
        return server.peak_memory() as f64 / f64::from(1 << 20);
    }
    // Once to warm up.
    ask(&server, whole, files).await;
    let before = machine::cpu(server.pid());
    ask(&server, whole, files).await;
    (machine::cpu(server.pid()) - before) * 1e6 / files as f64
}

fn fill(server: &Server, files: usize) {
    for number in 0..files {
        let folder = server.project().join((number / EACH).to_string());
        if number % EACH == 0 {
            fs::create_dir(&folder).expect("made");
        }
        fs::write(folder.join(number.to_string()), [b'x'; BYTES]).expect("written");
    }
}

/// Makes the server count the files.
async fn count(server: &Server) {
    let mut viewer = viewing(server.port, "counts").await;
    viewer.ask(&file("status", project()), "fileStatus").await;
}

async fn ask(server: &Server, whole: Whole, files: usize) {
    let (request, frames) = match whole {
        Whole::List => (list_all(), files.div_ceil(PAGE)),
        _ => (get_all(), files),
    };
    let tally = Tally::new(Unit::Frame(BYTES));
    let mut viewer = viewing(server.port, "bob").await.counted(&tally);
    send(&mut viewer, &request).await;
    tally.reach(frames as u64).await;
}
