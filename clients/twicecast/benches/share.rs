//! `twicecast share` at full size, with the real server and a real viewer over loopback: the first
//! upload of 50,000 files and 1 GB, what sharing costs while nothing happens, how long a save takes
//! to reach the viewer, a branch switch of 500 files, and coming back after the server was away for
//! 30 s. The client's README holds the results.
//!
//!     cargo build --release --workspace && cargo bench -p twicecast --bench share
//!     cargo bench -p twicecast --bench share -- --small     # in a fiftieth of the size

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecursiveMode, Watcher as _};
use serde_json::Value;
use tempfile::TempDir;

const EACH: usize = 100;
const PATIENCE: Duration = Duration::from_secs(300);

/// A program that ends with this value, and what it says.
struct Running {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(program: &str, words: &[&str], own: &Path) -> Self {
        let path = Path::new(env!("CARGO_BIN_EXE_twicecast")).with_file_name(program);
        assert!(
            path.exists(),
            "build it first: cargo build --release --workspace"
        );
        let mut child = Command::new(path)
            .args(words)
            .env("XDG_CACHE_HOME", own)
            .env("XDG_STATE_HOME", own)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    /// Its next line that is as wanted.
    fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let lines = self.lines.as_mut().expect("it was piped");
        loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).expect("a line") > 0,
                "it has ended"
            );
            if wanted(&line) {
                return line;
            }
        }
    }

    fn until_event(&mut self, name: &str) -> Value {
        let line = self.until(|line| {
            serde_json::from_str::<Value>(line).is_ok_and(|event| event["event"] == name)
        });
        serde_json::from_str(&line).expect("JSON")
    }

    /// Goes on reading what it says, or it would have to wait.
    fn unheard(&mut self) {
        if let Some(lines) = self.lines.take() {
            std::thread::spawn(move || lines.lines().for_each(drop));
        }
    }

    /// A line of its status, in MiB.
    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|size| size.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or(0) / 1_024
    }

    /// The processor time of all its threads.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let times = tasks.into_iter().flatten().flatten().filter_map(|task| {
            let line = fs::read_to_string(task.path().join("schedstat")).ok()?;
            line.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(times.sum())
    }
}

struct World {
    dir: TempDir,
    copy: TempDir,
    base: TempDir,
    own: TempDir,
    port: u16,
}

impl World {
    fn serve(&mut self) -> Running {
        let (port, base) = (
            self.port.to_string(),
            self.base.path().display().to_string(),
        );
        let words = [
            "--port",
            &port,
            "--base-dir",
            &base,
            "--log-level",
            "error",
            "--durability",
            "rename",
        ];
        let mut server = Running::start("file-ws-server", &words, self.own.path());
        let line = server.until(|line| line.contains("ws://127.0.0.1:"));
        let port = line
            .rsplit(':')
            .next()
            .and_then(|port| port.trim().parse().ok());
        self.port = port.expect("a port");
        server
    }

    fn client(&self, command: &str, dir: &Path, more: &[&str]) -> Running {
        let (url, dir) = (
            format!("ws://127.0.0.1:{}", self.port),
            dir.display().to_string(),
        );
        let words = [
            command,
            &dir,
            "--url",
            &url,
            "--streamer",
            "ana",
            "--project",
            "demo",
        ];
        Running::start("twicecast", &[&words, more].concat(), self.own.path())
    }

    /// Writes files as a branch switch does: away with the old one, a new one in its place.
    fn write(&self, files: &[PathBuf], content: &[u8]) {
        for file in files {
            let path = self.dir.path().join(file);
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, content).expect("written");
        }
    }

    /// Waits until the viewer has that content in all of these.
    fn arrived(&self, files: &[PathBuf], content: &[u8]) {
        Self::arrived_in(self.copy.path(), files, content);
    }

    fn arrived_in(place: &Path, files: &[PathBuf], content: &[u8]) {
        let began = Instant::now();
        let is_there =
            |file: &PathBuf| fs::read(place.join(file)).is_ok_and(|read| read == content);
        for file in files {
            while !is_there(file) {
                assert!(
                    began.elapsed() < PATIENCE,
                    "{} did not arrive",
                    file.display()
                );
                sleep(Duration::from_micros(200));
            }
        }
    }
}

/// The least that carrying a save to another folder can cost: a program that is told of it, reads
/// it and writes it there.
struct Floor {
    dir: TempDir,
    copy: TempDir,
    _watcher: notify::RecommendedWatcher,
}

impl Floor {
    fn start() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let (dir, copy) = (folder(), folder());
        let to = copy.path().join("file");
        let carry = move |event: notify::Result<Event>| {
            let event = event.expect("an event");
            if event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write)) {
                let content = fs::read(&event.paths[0]).expect("read");
                fs::write(&to, content).expect("written");
            }
        };
        let mut watcher = notify::recommended_watcher(carry).expect("a watcher");
        let watching = watcher.watch(dir.path(), RecursiveMode::NonRecursive);
        watching.expect("watched");
        Self {
            dir,
            copy,
            _watcher: watcher,
        }
    }

    fn save(&self, content: &[u8]) -> Duration {
        let began = Instant::now();
        fs::write(self.dir.path().join("file"), content).expect("written");
        World::arrived_in(self.copy.path(), &[PathBuf::from("file")], content);
        began.elapsed()
    }
}

fn names(count: usize) -> Vec<PathBuf> {
    let name = |number: usize| PathBuf::from(format!("d{}/f{number}", number / EACH));
    (0..count).map(name).collect()
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Saves one file after the other, each beside the floor's.
fn saves(world: &World, all: &[PathBuf]) {
    let (mut times, mut floors, floor) = (Vec::new(), Vec::new(), Floor::start());
    for number in 0..200 {
        let (file, content) = (
            &all[number * 7 % all.len()..][..1],
            format!("save {number}"),
        );
        let began = Instant::now();
        fs::write(world.dir.path().join(&file[0]), &content).expect("written");
        world.arrived(file, content.as_bytes());
        times.push(began.elapsed());
        floors.push(floor.save(content.as_bytes()));
        sleep(Duration::from_millis(100));
    }
    for (what, times) in [
        ("from a save to the viewer's disk", &mut times),
        ("the floor: inotify, read and write", &mut floors),
    ] {
        let (median, p99) = (percentile(times, 50), percentile(times, 99));
        println!(
            "| {what}, p50 / p99 | {:.1} / {:.1} ms |",
            median.as_secs_f64() * 1_000.0,
            p99.as_secs_f64() * 1_000.0
        );
    }
}

fn main() {
    let small = std::env::args().any(|arg| arg == "--small");
    let (count, bytes) = if small {
        (1_000, 20_000)
    } else {
        (50_000, 20_000)
    };
    let folder = || tempfile::tempdir().expect("a folder");
    let mut world = World {
        dir: folder(),
        copy: folder(),
        base: folder(),
        own: folder(),
        port: 0,
    };
    let all = names(count);
    world.write(&all, &vec![b'x'; bytes]);
    let mut server = world.serve();
    println!("| what | figure |\n|---|---|");

    let began = Instant::now();
    let key = ["--key", "secret", "--user", "ana", "--json", "--yes"];
    let mut share = world.client("share", world.dir.path(), &key);
    share.until_event("synced");
    let megabytes = count * bytes / 1_000_000;
    println!(
        "| first upload of {count} files, {megabytes} MB | {:.1} s |",
        began.elapsed().as_secs_f64()
    );
    println!(
        "| the client's memory at most, all of that included | {} MiB |",
        share.memory("VmHWM:")
    );
    share.unheard();

    let began = Instant::now();
    let mut mirror = world.client("mirror", world.copy.path(), &[]);
    mirror.until(|line| line.starts_with("complete"));
    println!(
        "| a viewer's first copy | {:.1} s |",
        began.elapsed().as_secs_f64()
    );
    mirror.unheard();

    let (before, idle) = (share.cpu(), Duration::from_secs(if small { 5 } else { 30 }));
    sleep(idle);
    let used = share.cpu().saturating_sub(before).as_secs_f64() / idle.as_secs_f64();
    println!(
        "| processor time of sharing while nothing happens | {:.3} % of a core |",
        used * 100.0
    );

    saves(&world, &all);

    let (mut times, burst) = (Vec::new(), &all[..count.min(500)]);
    for number in 0..20 {
        let content = format!("branch {number}").repeat(500);
        world.write(burst, content.as_bytes());
        let began = Instant::now();
        world.arrived(burst, content.as_bytes());
        times.push(began.elapsed());
        // Files that change more often than once in a second are sent ever less often.
        sleep(Duration::from_millis(1_500));
    }
    let (median, p95) = (percentile(&mut times, 50), percentile(&mut times, 95));
    println!(
        "| from the end of a branch switch of {} files to the viewer's disk, p50 / p95 | {} / {} \
         ms |",
        burst.len(),
        median.as_millis(),
        p95.as_millis()
    );

    drop(server);
    world.write(burst, b"while it was away");
    let away = if small { 3 } else { 30 };
    sleep(Duration::from_secs(away));
    let began = Instant::now();
    server = world.serve();
    let project = world.base.path().join("ana/demo");
    World::arrived_in(&project, burst, b"while it was away");
    let caught_up = began.elapsed().as_secs_f64();
    world.arrived(burst, b"while it was away");
    let seen = began.elapsed().as_secs_f64();
    println!(
        "| after the server was away for {away} s: {} changed files are there / with the viewer | \
         {caught_up:.1} / {seen:.1} s |",
        burst.len(),
    );
    drop((share, mirror, server));
}
