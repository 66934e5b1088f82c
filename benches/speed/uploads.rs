//! The cost of receiving files.

use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Size;
use crate::contender::Process;
use crate::crowd::FLAGS;
use crate::figure::{Goal, Rounds, Row};
use crate::machine;
use crate::support::{Server, base64, file, post, post_part};
use crate::updates::streaming;
use crate::wire::{Tally, Unit, Wire, frame, text};

/// Requests that a client has under way.
const WINDOW: usize = 64;

/// A server with this durability.
fn server(durability: &str) -> Server {
    let flags = [FLAGS, &["--durability", durability]].concat();
    Server::on_core(machine::SERVER_CORE, &flags)
}

/// A server without syncs whose files are in a file system in memory.
pub fn in_memory_server(flags: &[&str]) -> Server {
    let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let core = machine::SERVER_CORE.to_string();
    let program = Server::program();
    let pinned = ["/usr/bin/taskset", "-c", &core, &program];
    let renamed = ["--durability", "rename"];
    let line = pinned.iter().chain(flags).chain(&renamed);
    Server::of_line(folder, line.map(|&word| word.to_owned()).collect())
}

/// What an upload took: processor time of the server, and time, in seconds.
struct Taken {
    cpu: f64,
    time: f64,
}

/// Sends requests, of which every `per_file`th is answered.
async fn upload(server: &Server, requests: &[Vec<u8>], per_file: usize) -> Taken {
    let streamer = streaming(server.port).await;
    let tally = Tally::new(Unit::Answer);
    let mut write = streamer.counted(&tally);
    let before = machine::cpu(server.pid());
    let began = Instant::now();
    let window = WINDOW * per_file;
    for (number, chunk) in requests.chunks(window).enumerate() {
        // One window is under way while the next one is sent.
        let answered = number.saturating_sub(1) * WINDOW;
        tally.reach(answered as u64).await;
        let bytes = chunk.concat();
        tokio::io::AsyncWriteExt::write_all(&mut write, &bytes)
            .await
            .expect("sent");
    }
    tally.reach((requests.len() / per_file) as u64).await;
    Taken {
        cpu: machine::cpu(server.pid()) - before,
        time: began.elapsed().as_secs_f64(),
    }
}

/// Files of 4 KB, acknowledged when renamed; compared with create, write and rename.
pub async fn small_renamed(size: Size) -> Row {
    let mut rounds = Rounds::default();
    let mut kept = Vec::new();
    for _ in 0..size.rounds() {
        let (ours, floor) = small(size, "rename", 1, &mut kept).await;
        let files = size.of(2_000) as f64;
        rounds.ours.push(ours.cpu * 1e6 / files);
        rounds.floor.push(floor.cpu * 1e6 / files);
    }
    let name = "upload of 4 KB files, \"rename\"; floor create + write + rename";
    rounds.row("upload-rename", name, "µs per file", Goal::Ratio(1.3))
}

/// Files of 4 KB, acknowledged when on the disk; compared with eight writers who sync.
pub async fn small_synced(size: Size) -> Row {
    let mut rounds = Rounds::default();
    let mut kept = Vec::new();
    for _ in 0..size.rounds() {
        let (ours, floor) = small(size, "fsync", 8, &mut kept).await;
        let files = size.of(2_000) as f64;
        rounds.ours.push(files / ours.time);
        rounds.floor.push(files / floor.time);
    }
    let name = "upload of 4 KB files, \"fsync\"; floor 8 writers";
    rounds.row(
        "upload-fsync",
        name,
        "files per second",
        Goal::LeastRatio(0.8),
    )
}

/// What to delete only after all measurements: for minutes, ext4 looks at each freed inode before
/// it takes another, which costs more than everything else.
type Kept = (Server, TempDir);

async fn small(
    size: Size,
    durability: &str,
    writers: usize,
    kept: &mut Vec<Kept>,
) -> (Taken, Taken) {
    const BYTES: usize = 4_000;
    let files = size.of(2_000);
    let folder = tempfile::tempdir().expect("a folder");
    let mut floor = Process::floor(&[
        "files",
        &folder.path().display().to_string(),
        &files.to_string(),
        &BYTES.to_string(),
        &writers.to_string(),
        durability,
    ]);
    let before = machine::cpu(floor.pid());
    let began = Instant::now();
    let least = tokio::task::spawn_blocking(move || {
        floor.go();
        Taken {
            cpu: machine::cpu(floor.pid()) - before,
            time: began.elapsed().as_secs_f64(),
        }
    });
    let least = least.await.expect("the floor");
    let server = server(durability);
    let requests: Vec<_> = (0..files)
        .map(|number| text(&post(&format!("f{number}"), vec![b'x'; BYTES])))
        .collect();
    let ours = upload(&server, &requests, 1).await;
    kept.push((server, folder));
    (ours, least)
}

/// 100 files of 200 KB in parts; milliseconds of processor time per MB. In a file system in
/// memory, because the measurements with whole files cover the disk.
pub async fn parts(size: Size, part: usize, goal: Goal) -> Row {
    const BYTES: usize = 200_000;
    let is_desktop = part < 1_000;
    let per_file = BYTES.div_ceil(part);
    let files = size.of(100);
    let content = vec![b'x'; BYTES];
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        let server = in_memory_server(FLAGS);
        let mut requests = Vec::new();
        for number in 0..files {
            let name = format!("f{number}");
            for (index, piece) in content.chunks(part).enumerate() {
                requests.push(if is_desktop {
                    desktop_part(&name, piece, index + 1, per_file)
                } else {
                    text(&post_part(&name, piece, index as u64 + 1, per_file as u64))
                });
            }
        }
        let taken = upload(&server, &requests, per_file).await;
        let megabytes = (files * BYTES as u64) as f64 / 1e6;
        rounds.ours.push(taken.cpu * 1e3 / megabytes);
    }
    let name = if is_desktop {
        "upload of 200 KB files, in memory, parts of 500 characters".to_owned()
    } else {
        format!(
            "upload of 200 KB files, in memory, parts of {} KB",
            part / 1_000
        )
    };
    let id = if is_desktop {
        "upload-500"
    } else {
        "upload-64k"
    };
    rounds.row(id, &name, "ms per MB", goal)
}

/// As the desktop client sends it: indented JSON in a binary message.
fn desktop_part(name: &str, piece: &[u8], part: usize, of: usize) -> Vec<u8> {
    let data = json!({"name": name, "content": base64(piece), "part": part, "maxPart": of});
    let request: Value = file("post", data);
    let request = serde_json::to_vec_pretty(&request).expect("JSON");
    frame(0x82, &request)
}

/// One file in very many parts; microseconds of processor time per part.
pub async fn many_parts(parts: usize) -> f64 {
    let server = in_memory_server(FLAGS);
    let requests: Vec<_> = (1..=parts)
        .map(|part| text(&post_part("f", [b'x'; 30], part as u64, parts as u64)))
        .collect();
    let streamer: Wire = streaming(server.port).await;
    let tally = Tally::new(Unit::Answer);
    let mut write = streamer.counted(&tally);
    let before = machine::cpu(server.pid());
    for chunk in requests.chunks(1_000) {
        let bytes = chunk.concat();
        tokio::io::AsyncWriteExt::write_all(&mut write, &bytes)
            .await
            .expect("sent");
    }
    tally.reach(1).await;
    (machine::cpu(server.pid()) - before) * 1e6 / parts as f64
}
