//! The programs measured: our server, the floor and the peers, as processes on the servers' core.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::machine;

/// A process on the servers' core. Dropping this value ends it.
pub struct Process {
    child: Child,
    /// The address on which it listens, if it does.
    pub port: u16,
    output: Option<BufReader<std::process::ChildStdout>>,
    _folder: Option<TempDir>,
}

fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &machine::SERVER_CORE.to_string(), program]);
    command
}

impl Process {
    /// A floor; its first line of output is its port.
    pub fn floor(args: &[&str]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = pinned(&program.display().to_string())
            .arg("floor")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a floor");
        let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a port");
        Self {
            child,
            port: line.trim().parse().expect("a port"),
            output: Some(output),
            _folder: None,
        }
    }

    /// Tells a waiting floor to go on, and waits until it is done.
    pub fn go(&mut self) {
        let input = self.child.stdin.as_mut().expect("it was piped");
        input.write_all(b"go\n").expect("told");
        let output = self.output.as_mut().expect("it was piped");
        output.read_line(&mut String::new()).expect("done");
    }

    /// A peer, if it is installed.
    pub fn peer(peer: Peer) -> Option<Self> {
        let port = free_port();
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = peer.command(port, folder.path())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let process = Self {
            child,
            port,
            output: None,
            _folder: Some(folder),
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Some(process)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A master process ends its workers when told to stop; if it is killed, they stay.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").arg(&pid).status();
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > Duration::from_secs(5) {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}

/// An existing program that sends messages to many over `WebSocket` connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// The package `ws` of npm.
    Ws,
    /// The web server `nginx` with its module `nchan`.
    Nchan,
    /// The program `nats-server`.
    Nats,
}

impl Peer {
    pub const ALL: [Self; 3] = [Self::Ws, Self::Nchan, Self::Nats];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ws => "npm ws",
            Self::Nchan => "nginx + nchan",
            Self::Nats => "nats-server",
        }
    }

    fn command(self, port: u16, folder: &Path) -> Option<Command> {
        match self {
            Self::Ws => {
                let script = peers().join("ws.mjs");
                if !peers().join("node_modules/ws").exists() {
                    return None;
                }
                let mut command = pinned("node");
                command.arg(script).arg(port.to_string());
                Some(command)
            }
            Self::Nchan => {
                let module = PathBuf::from("/usr/lib/nginx/modules/ngx_nchan_module.so");
                if !module.exists() {
                    return None;
                }
                let text = fs::read_to_string(peers().join("nginx.conf")).ok()?;
                let text = text
                    .replace("MODULE", &module.display().to_string())
                    .replace("FOLDER", &folder.display().to_string())
                    .replace("PORT", &port.to_string());
                let path = folder.join("nginx.conf");
                fs::write(&path, text).ok()?;
                let mut command = pinned("nginx");
                command.arg("-p").arg(folder).arg("-c").arg(path);
                Some(command)
            }
            Self::Nats => {
                let text = fs::read_to_string(peers().join("nats.conf")).ok()?;
                let text = text.replace("PORT", &port.to_string());
                let path = folder.join("nats.conf");
                fs::write(&path, text).ok()?;
                let program = ["/usr/bin/nats-server", "/usr/sbin/nats-server"]
                    .into_iter()
                    .find(|path| Path::new(path).exists())?;
                let mut command = pinned(program);
                command.arg("-c").arg(path);
                Some(command)
            }
        }
    }
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/peers")
}
