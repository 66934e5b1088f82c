//! The real server, a wire to it that can be cut and read, and a running share.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    Lines,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::support::{Unheard, command};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// The server's program; a test of the whole workspace builds it next to this one's.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_twicecast")).with_file_name("file-ws-server");
    assert!(
        program.exists(),
        "build the whole workspace first: cargo build --workspace"
    );
    program
}

/// A server that keeps its port.
pub struct RealServer {
    child: Child,
    pub port: u16,
    pub base: TempDir,
    flags: &'static [&'static str],
}

impl RealServer {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(flags: &'static [&'static str]) -> Self {
        let base = tempfile::tempdir().unwrap();
        let (child, port) = serve(base.path(), 0, flags).await;
        Self {
            child,
            port,
            base,
            flags,
        }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Kills the server, as the system does when memory runs out.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        (self.child, _) = serve(self.base.path(), self.port, self.flags).await;
    }
}

async fn serve(base: &Path, port: u16, flags: &[&str]) -> (Child, u16) {
    let mut child = Command::new(program())
        .args(["--port", &port.to_string(), "--host", "127.0.0.1"])
        .args(["--durability", "rename", "--log-level", "error"])
        .arg("--base-dir")
        .arg(base)
        .args(flags)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().expect("the server says where it is");
        if let Some((_, port)) = line.split_once("ws://127.0.0.1:") {
            return (child, port.parse().unwrap());
        }
    }
}

/// A wire to a server that can be cut, and that records what is sent.
#[derive(Clone)]
pub struct Wire {
    pub port: u16,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    is_cut: bool,
    connections: Vec<AbortHandle>,
    /// What each connection has received from its client.
    sent: Vec<Arc<Mutex<Vec<u8>>>>,
    /// What each connection has received from the server.
    received: Vec<Arc<Mutex<Vec<u8>>>>,
}

impl Wire {
    pub async fn to(server: &RealServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            inside: Arc::default(),
        };
        let (own, target) = (
            wire.clone(),
            SocketAddr::from(([127, 0, 0, 1], server.port)),
        );
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let sent = Arc::<Mutex<Vec<u8>>>::default();
                let received = Arc::<Mutex<Vec<u8>>>::default();
                let kept = (Arc::clone(&sent), Arc::clone(&received));
                let carrying = tokio::spawn(carry(client, target, kept));
                let mut inside = own.inside.lock().unwrap();
                if inside.is_cut {
                    carrying.abort();
                }
                inside.connections.push(carrying.abort_handle());
                inside.sent.push(sent);
                inside.received.push(received);
            }
        });
        wire
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Cuts all connections, and new ones as well until the wire is mended.
    pub fn cut(&self) {
        let mut inside = self.inside.lock().unwrap();
        inside.is_cut = true;
        for connection in inside.connections.drain(..) {
            connection.abort();
        }
    }

    pub fn mend(&self) {
        self.inside.lock().unwrap().is_cut = false;
    }

    /// How many bytes clients have sent.
    pub fn bytes_sent(&self) -> usize {
        let inside = self.inside.lock().unwrap();
        inside
            .sent
            .iter()
            .map(|sent| sent.lock().unwrap().len())
            .sum()
    }

    /// All messages that clients have sent.
    pub fn messages(&self) -> Vec<Value> {
        decoded(&self.inside.lock().unwrap().sent)
    }

    /// All messages that the server has sent.
    pub fn answers(&self) -> Vec<Value> {
        decoded(&self.inside.lock().unwrap().received)
    }
}

fn decoded(connections: &[Arc<Mutex<Vec<u8>>>]) -> Vec<Value> {
    let bytes = connections
        .iter()
        .map(|bytes| bytes.lock().unwrap().clone());
    bytes.flat_map(|bytes| messages(&bytes)).collect()
}

type Kept = Arc<Mutex<Vec<u8>>>;

async fn carry(mut client: TcpStream, target: SocketAddr, (sent, received): (Kept, Kept)) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        () = pass(&mut from_client, &mut to_server, &sent) => {}
        () = pass(&mut from_server, &mut to_client, &received) => {}
    }
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    kept: &Mutex<Vec<u8>>,
) {
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap().extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// The payloads of the complete frames that follow an upgrade request or its answer.
fn messages(bytes: &[u8]) -> Vec<Value> {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Vec::new();
    };
    let mut rest = &bytes[head + 4..];
    let mut all = Vec::new();
    while rest.len() >= 2 {
        let (opcode, short) = (rest[0] & 0xF, usize::from(rest[1] & 0x7F));
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_masked = rest[1] & 0x80 != 0;
        let header = 2 + extended + if is_masked { 4 } else { 0 };
        if rest.len() < header {
            break;
        }
        let long = rest[2..2 + extended]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let length = if extended == 0 { short } else { long };
        if rest.len() < header + length {
            break;
        }
        let mask = if is_masked {
            &rest[header - 4..header]
        } else {
            &[0; 4][..]
        };
        let payload = rest[header..header + length]
            .iter()
            .zip(mask.iter().cycle());
        let payload: Vec<u8> = payload.map(|(byte, mask)| byte ^ mask).collect();
        if opcode <= 2 {
            all.push(serde_json::from_slice(&payload).expect("a message is JSON"));
        }
        rest = &rest[header + length..];
    }
    all
}

/// A running share, event by event.
pub struct Share {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Share {
    pub fn start(url: &str, dir: &Path, more: &[&str]) -> Self {
        let dir = dir.to_str().unwrap();
        let words = ["share", dir, "--json", "--url", url, "--user", "ana"];
        Self::of(&[&words, &["--project", "demo", "--key", "secret"][..], more].concat())
    }

    /// Starts a share with a server in the same process.
    pub fn local(dir: &Path, more: &[&str]) -> Self {
        let dir = dir.to_str().unwrap();
        let words = ["share", dir, "--json", "--local", "--user", "ana"];
        Self::of(&[&words, &["--project", "demo"][..], more].concat())
    }

    /// The shortest command, on a system that does not tell the user's name.
    pub fn of_nobody(dir: &Path) -> Self {
        let mut command = command(&["share", dir.to_str().unwrap(), "--json", "--local"]);
        for name in ["USER", "LOGNAME", "USERNAME"] {
            command.env_remove(name);
        }
        Self::spawn(command)
    }

    /// Starts a share of a user with that home folder.
    pub fn at_home(url: &str, dir: &Path, home: &Path) -> Self {
        let dir = dir.to_str().unwrap();
        let words = ["share", dir, "--json", "--url", url, "--user", "ana"];
        let words = [&words, &["--project", "demo", "--key", "secret"][..]].concat();
        let mut command = command(&words);
        command.env("HOME", home).env_remove("XDG_CONFIG_HOME");
        Self::spawn(command)
    }

    fn of(words: &[&str]) -> Self {
        Self::spawn(command(words))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, events }
    }

    /// Waits for an event of that name.
    pub async fn until(&mut self, name: &str) -> Value {
        self.until_that(name, |_| true).await
    }

    /// Waits for an event of that name for which `wanted` is true.
    pub async fn until_that(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = timeout(PATIENCE, self.events.next_line()).await;
            let line = line
                .unwrap_or_else(|_| panic!("no event {name:?}"))
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("the share ended before {name:?}"));
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name && wanted(&event) {
                return event;
            }
        }
    }

    /// Keeps reading the output, because the share would otherwise have to wait.
    pub fn unheard(self) -> Unheard {
        Unheard::new(self.child, self.events)
    }

    /// Stops the share as Ctrl-C does, and returns its exit code.
    pub async fn stop(self) -> i32 {
        self.unheard().stop().await
    }
}

/// Waits until `wanted` is true, by polling.
pub async fn eventually(what: &str, wanted: impl Fn() -> bool) {
    let patience = async {
        while !wanted() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(2 * PATIENCE, patience).await.is_ok(), "{what}");
}
