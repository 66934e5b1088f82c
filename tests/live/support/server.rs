//! The real program, in its own folder.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::others::{Others, nats_flags};
use super::{Client, chat_section, file, project, streamer, token, viewer};
use serde_json::json;
use tempfile::TempDir;

/// The variable that names another program to start instead of the one just built, to compare the
/// two.
const OTHER: &str = "SERVER_UNDER_TEST";

/// A running server. Dropping this value ends it. `scripts/live-on-nats` makes it several servers
/// that share NATS: each connection then goes to the next of them. End, restart and log concern all
/// of them, the rest concerns the first.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The program, after whatever runs it, and its flags.
    line: Vec<String>,
    folder: TempDir,
    others: Others,
}

/// A program in `folder`, independent of the environment of the tests.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear();
    command
}

/// The program's output when it runs in `folder` until it ends.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    let output = command(&Server::program(), folder)
        .args(args)
        .stdin(Stdio::null())
        .output();
    output.expect("the program runs")
}

/// The program's output when it refuses to start.
pub fn refused_start(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert!(!output.status.success(), "started with {args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Server {
    /// The program that is tested or measured.
    pub fn program() -> String {
        std::env::var(OTHER).unwrap_or_else(|_| env!("CARGO_BIN_EXE_file-ws-server").to_owned())
    }

    /// With the default configuration, but on a free port.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these flags, written as on a command line.
    pub fn with(flags: &[&str]) -> Self {
        let shared = nats_flags();
        let all: Vec<_> = flags
            .iter()
            .copied()
            .chain(shared.iter().map(String::as_str))
            .collect();
        let mut server = Self::alone_with(&all);
        if !shared.is_empty() {
            server.others = Others::start(&server.line, server.folder.path());
        }
        server
    }

    /// Always a single server: for tests of its folder, of its process, or of what a server knows
    /// at once and others only soon.
    pub fn alone() -> Self {
        Self::alone_with(&[])
    }

    /// The same with these flags.
    pub fn alone_with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, flags.iter().map(|&flag| flag.to_owned()).collect())
    }

    /// With these flags, on one core of the machine.
    pub fn on_core(core: usize, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pinned = [
            "/usr/bin/taskset",
            "-c",
            &core.to_string(),
            &Self::program(),
        ]
        .map(str::to_owned);
        let flags = flags.iter().map(|&flag| flag.to_owned());
        Self::of_line(folder, pinned.into_iter().chain(flags).collect())
    }

    /// With these flags in a folder that already holds something.
    pub fn start_in(folder: TempDir, flags: Vec<String>) -> Self {
        let program = Self::program();
        Self::of_line(folder, std::iter::once(program).chain(flags).collect())
    }

    /// Started by that command line, which ends with the program and its flags.
    pub fn of_line(folder: TempDir, line: Vec<String>) -> Self {
        let (child, port) = spawn(&line, folder.path());
        Self {
            child,
            port,
            line,
            folder,
            others: Others::default(),
        }
    }

    /// Kills it and restarts it.
    pub fn restart(&mut self) {
        self.kill();
        (self.child, self.port) = spawn(&self.line, self.folder.path());
        self.others.restart(&self.line);
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop.
    pub fn signal(&self) {
        self.send_signal("-TERM");
    }

    /// Sends it this signal, written as for `kill`.
    pub fn send_signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args([signal, &pid]).status();
        assert!(asked.expect("kill runs").success());
    }

    /// Waits until it has ended by itself; returns whether it exited with success.
    pub fn ended(&mut self) -> bool {
        self.child.wait().expect("it ends").success()
    }

    /// Tells it to stop; returns whether it exited with success.
    pub fn stop(&mut self) -> bool {
        self.signal();
        self.ended()
    }

    /// Ends it at once, by SIGKILL.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.others.kill();
    }

    /// The folder in which it was started.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged; if there are several servers, what all of them have logged.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("server.log"));
        log.unwrap_or_default() + &self.others.logs()
    }

    /// `baseDir`.
    pub fn base(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    /// Where the files of ana's project `demo` are.
    pub fn project(&self) -> PathBuf {
        self.base().join("ana/demo")
    }

    /// The port of the metrics, as the log tells it.
    pub fn metrics_port(&self) -> u16 {
        let log = std::fs::read_to_string(self.folder().join("server.log")).expect("a log");
        let (_, rest) = log.split_once("metrics=[").expect("the log tells it");
        let (address, _) = rest.split_once([',', ']']).expect("an address");
        let (_, port) = address.rsplit_once(':').expect("a port");
        port.parse().expect("a number")
    }

    /// The port of the server whose turn it is.
    pub fn next_port(&self) -> u16 {
        self.others.next_port(self.port)
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.next_port())
    }

    /// The processor time that it has taken, in all threads together.
    pub fn cpu_time(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = threads.expect("it runs").flatten();
        let nanos = threads.filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// The memory it takes, in bytes.
    pub fn memory(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The same without the pages of the program's file, which the system loads when they are first
    /// run and can drop at any time.
    pub fn own_memory(&self) -> u64 {
        self.status_bytes("RssAnon:")
    }

    /// The most memory it has ever taken, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let size = line.expect("its size").trim().trim_end_matches(" kB");
        size.parse::<u64>().expect("a number") * 1_024
    }

    /// How many files and sockets it has open.
    pub fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(path).expect("it runs").count()
    }

    /// A connection that has not authenticated.
    pub async fn connect(&self) -> Client {
        Client::connect(&self.url()).await
    }

    /// A connection of ana, who streams `demo`.
    pub async fn streamer(&self) -> Client {
        let mut client = self.connect().await;
        client.authenticate(streamer("ana", "demo")).await;
        for port in self.others.ports() {
            // The other servers hear of it a little later, and would tell their viewers only then.
            let mut there = Client::connect(&format!("ws://127.0.0.1:{port}/")).await;
            there
                .authenticate(json!({"token": streamer("ana", "demo")["token"]}))
                .await;
            while there.ok(file("status", project())).await["streamer"] != true {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        client
    }

    /// A connection of a viewer of ana's `demo`.
    pub async fn viewer(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.authenticate(viewer(name, "ana", "demo")).await;
        client
    }

    /// A connection of a member of a room.
    pub async fn member(&self, name: &str, room: &str) -> Client {
        let mut client = self.connect().await;
        let token = token(json!({"username": name, "room": room}));
        let data = json!({"token": token, "chat": chat_section(name, room)});
        client.authenticate(data).await;
        client
    }
}

pub(super) fn spawn(line: &[String], folder: &Path) -> (Child, u16) {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("server.log"))
        .expect("a log");
    let mut child = command(&line[0], folder)
        .args(&line[1..])
        .args(["--port", "0", "--base-dir", "base"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the server starts");
    let greeting = BufReader::new(child.stdout.take().expect("it was piped"));
    let port = greeting.lines().map_while(Result::ok).find_map(|line| {
        let address = line.trim().strip_prefix("on     ws://")?.to_owned();
        address.rsplit_once(':')?.1.parse().ok()
    });
    let Some(port) = port else {
        let log = std::fs::read_to_string(folder.join("server.log"));
        panic!("the server did not start: {}", log.unwrap_or_default());
    };
    (child, port)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{log}");
        } else {
            assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
        }
    }
}
