//! The processes: a server and a NATS server on each of three machines.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{Random, Server};

/// How many machines there are.
pub const SERVERS: usize = 3;

/// How long a machine that was killed is away.
const AWAY: Duration = Duration::from_secs(2);

/// How long a machine hangs.
const HUNG: Duration = Duration::from_secs(8);

/// How long a process may take to start.
const START: Duration = Duration::from_secs(30);

/// Which machine fails, and how.
#[derive(Debug, Clone, Copy)]
pub enum Failure {
    /// Its NATS server is killed, and started again.
    KillNats(usize),
    /// Its server is killed, and started again.
    KillServer(usize),
    /// Both are killed, and started again.
    KillBoth(usize),
    /// Its NATS server hangs for a while.
    HangNats(usize),
    /// Its server hangs so long that the others take it for dead.
    HangServer(usize),
    /// Both hang.
    HangBoth(usize),
    /// Its server is told to stop, and started again.
    StopServer(usize),
}

impl Failure {
    /// Each kind in turn, on a random machine.
    pub fn any(round: u64, random: &mut Random) -> Self {
        let machine = usize::try_from(random.below(SERVERS as u64)).expect("fits");
        let kinds = [
            Self::KillNats,
            Self::KillServer,
            Self::KillBoth,
            Self::HangServer,
            Self::HangNats,
            Self::StopServer,
            Self::HangBoth,
        ];
        kinds[usize::try_from(round).expect("fits") % kinds.len()](machine)
    }

    /// Whether it concerns this machine.
    pub fn is_at(self, machine: usize) -> bool {
        let (Self::KillNats(at)
        | Self::KillServer(at)
        | Self::KillBoth(at)
        | Self::HangNats(at)
        | Self::HangServer(at)
        | Self::HangBoth(at)
        | Self::StopServer(at)) = self;
        at == machine
    }
}

/// Three machines.
pub struct Machines {
    place: TempDir,
    nats_ports: Vec<(u16, u16)>,
    ports: Vec<u16>,
    nats: Vec<Child>,
    servers: Vec<Child>,
}

impl Machines {
    /// Starts all, and waits until each server is ready.
    pub fn start() -> Self {
        let free: Vec<_> = (0..3 * SERVERS)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"))
            .collect();
        let port = |at: usize| free[at].local_addr().expect("an address").port();
        let mut all = Self {
            place: tempfile::tempdir().expect("a folder"),
            nats_ports: (0..SERVERS)
                .map(|at| (port(3 * at), port(3 * at + 1)))
                .collect(),
            ports: (0..SERVERS).map(|at| port(3 * at + 2)).collect(),
            nats: Vec::new(),
            servers: Vec::new(),
        };
        drop(free);
        all.nats = (0..SERVERS).map(|at| all.start_nats(at)).collect();
        all.servers = (0..SERVERS).map(|at| all.start_server(at)).collect();
        all
    }

    /// Where the server of a machine is.
    pub fn url(&self, machine: usize) -> String {
        format!("ws://127.0.0.1:{}/", self.ports[machine])
    }

    /// Makes a machine fail and come back; returns when it was back, or `None` if only its NATS
    /// server was killed.
    pub async fn fail(&mut self, failure: Failure) -> Option<Instant> {
        match failure {
            Failure::KillNats(at) => {
                end(&mut self.nats[at]);
                sleep(AWAY).await;
                self.nats[at] = self.start_nats(at);
                None
            }
            Failure::KillServer(at) => {
                end(&mut self.servers[at]);
                sleep(AWAY).await;
                self.servers[at] = self.start_server(at);
                Some(Instant::now())
            }
            Failure::KillBoth(at) => {
                end(&mut self.nats[at]);
                end(&mut self.servers[at]);
                sleep(AWAY).await;
                self.nats[at] = self.start_nats(at);
                self.servers[at] = self.start_server(at);
                Some(Instant::now())
            }
            Failure::HangNats(at) => Some(hang(&[&self.nats[at]]).await),
            Failure::HangServer(at) => Some(hang(&[&self.servers[at]]).await),
            Failure::HangBoth(at) => Some(hang(&[&self.nats[at], &self.servers[at]]).await),
            Failure::StopServer(at) => {
                signal(&self.servers[at], "-TERM");
                let status = self.servers[at].wait().expect("it ends");
                assert!(status.success(), "{status}");
                self.servers[at] = self.start_server(at);
                Some(Instant::now())
            }
        }
    }

    fn start_nats(&self, at: usize) -> Child {
        let folder = self.place.path().join(format!("nats{at}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let routes = urls(self.nats_ports.iter().map(|(_, route)| route));
        let (port, route) = self.nats_ports[at];
        let text = format!(
            "server_name: n{at}\nlisten: 127.0.0.1:{port}\n\
             jetstream {{ store_dir: \"{store}\", sync_interval: always }}\n\
             cluster {{ name: fws, listen: 127.0.0.1:{route}, routes: [{routes}] }}\n\
             ping_interval: \"2s\"\nping_max: 2\nwrite_deadline: \"2s\"\n",
            store = folder.join("data").display(),
        );
        let file = folder.join("nats.conf");
        std::fs::write(&file, text).expect("a file");
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let mut command = Command::new(program);
        command.arg("-c").arg(file);
        start(command, &folder.join("log"))
    }

    /// Starts a server, and waits until it serves. It waits itself for NATS servers that are still
    /// starting.
    fn start_server(&self, at: usize) -> Child {
        let folder = self.place.path().join(format!("server{at}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let nats = urls(self.nats_ports.iter().map(|(port, _)| port));
        let began = Instant::now();
        let mut command = Command::new(Server::program());
        command.current_dir(&folder).env_clear();
        command.args(["--store", "nats", "--nats", &nats, "--base-dir", "base"]);
        command.args(["--port", &self.ports[at].to_string(), "--log-level", "warn"]);
        let mut child = start(command, &folder.join("log"));
        while !is_ready(self.ports[at]) {
            let has_ended = child.try_wait().expect("it can be asked").is_some();
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(
                !has_ended && began.elapsed() < START,
                "server {at} does not start: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        child
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for child in self.servers.iter_mut().chain(&mut self.nats) {
            end(child);
        }
        for at in 0..SERVERS {
            let log = self.place.path().join(format!("server{at}")).join("log");
            let log = std::fs::read_to_string(log).unwrap_or_default();
            if std::thread::panicking() {
                eprintln!("the log of server {at}:\n{log}");
            } else {
                assert!(!log.contains("panicked at"), "server {at} panicked:\n{log}");
            }
        }
    }
}

/// The addresses of NATS servers on these ports.
fn urls<'a>(ports: impl Iterator<Item = &'a u16>) -> String {
    let urls: Vec<_> = ports
        .map(|port| format!("nats://127.0.0.1:{port}"))
        .collect();
    urls.join(",")
}

fn start(mut command: Command, log: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log);
    let log = log.expect("a log");
    let out = log.try_clone().expect("a log");
    command.stdin(Stdio::null()).stdout(out).stderr(log);
    command.spawn().expect("scripts/cluster names nats-server")
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Makes these hang for a while; returns when they go on.
async fn hang(children: &[&Child]) -> Instant {
    for child in children {
        signal(child, "-STOP");
    }
    sleep(HUNG).await;
    for child in children {
        signal(child, "-CONT");
    }
    Instant::now()
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

fn is_ready(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let answer = || -> std::io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(start)
    };
    answer().is_ok_and(|start| &start == b"HTTP/1.1 200")
}
