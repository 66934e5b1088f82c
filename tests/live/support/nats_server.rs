//! A NATS server for tests, which may be killed.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// A server on a free port, with a folder of its own. Ends when it is dropped, or with the tests.
pub struct NatsServer {
    port: u16,
    place: tempfile::TempDir,
    running: Child,
    /// Ends the server with the tests, which do not drop static values.
    watch: Child,
}

impl NatsServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let place = tempfile::tempdir().expect("a temporary folder");
        let (running, watch) = run(port, &place);
        Self {
            port,
            place,
            running,
            watch,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it without a warning, and starts it again on what it has written.
    pub fn kill_and_start(&mut self) {
        self.end();
        (self.running, self.watch) = run(self.port, &self.place);
    }

    /// Stops it as a machine that hangs: connections stay, and nothing answers.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`hang`](Self::hang).
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.running.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    fn end(&mut self) {
        for child in [&mut self.running, &mut self.watch] {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(port: u16, place: &tempfile::TempDir) -> (Child, Child) {
    let program = env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
    let mut command = Command::new(program);
    command
        .args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"])
        .arg(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let running = command
        .spawn()
        .expect("these tests need nats-server: ./test installs it, or set NATS_SERVER");
    let watch = end_with_us(&running);
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nats-server does not start");
        thread::sleep(Duration::from_millis(20));
    }
    (running, watch)
}

/// A shell that waits for the end of the tests.
fn end_with_us(running: &Child) -> Child {
    let (tests, server) = (std::process::id(), running.id());
    let watch =
        format!("while kill -0 {tests} && kill -0 {server}; do sleep 1; done; kill {server}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &watch]).stdin(Stdio::null());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a shell")
}
