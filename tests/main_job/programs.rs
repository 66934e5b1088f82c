//! The real server and the real client, as processes that end with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const IDENTITY: [&str; 6] = ["--key", "secret", "--streamer", "ana", "--project", "demo"];

/// A server on a free port of this machine.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_file-ws-server"))
            .args(["--port", "0"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("it was piped");
        let url = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_whitespace()
                    .find(|word| word.starts_with("ws://"))
                    .map(str::to_owned)
            })
            .expect("it says where it listens");
        Self { child, url }
    }

    /// Stops it as an operator would, and sees to it that it ends well.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill runs");
        assert!(kill.success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The client program, told where the server is.
pub struct Twicecast {
    program: PathBuf,
    url: String,
}

impl Twicecast {
    pub fn of(server: &Server) -> Self {
        Self {
            program: program(),
            url: server.url.clone(),
        }
    }

    fn command(&self, verb: &str, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(verb)
            .arg(folder)
            .args(["--url", &self.url])
            .args(IDENTITY);
        for variable in ["TWICECAST_URL", "TWICECAST_TOKEN", "TWICECAST_KEY"] {
            command.env_remove(variable);
        }
        command
    }

    fn run(mut command: Command) {
        let output = command.output().expect("the client runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?} failed: {said}");
    }

    pub fn push(&self, folder: &Path) {
        let mut push = self.command("push", folder);
        push.args(["--user", "ana"]);
        Self::run(push);
    }

    pub fn mirror_once(&self, folder: &Path) {
        let mut mirror = self.command("mirror", folder);
        mirror.args(["--user", "bob", "--once"]);
        Self::run(mirror);
    }
}

/// A mirror that runs until the test is over.
pub struct Mirror(Child);

impl Mirror {
    pub fn start(client: &Twicecast, folder: &Path, flags: &[&str]) -> Self {
        let mut mirror = client.command("mirror", folder);
        mirror
            .args(["--user", "bob"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(mirror.spawn().expect("the client runs"))
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The client is another package's program: it lies beside the server's, or is built now.
fn program() -> PathBuf {
    let server = Path::new(env!("CARGO_BIN_EXE_file-ws-server"));
    let program = server.with_file_name("twicecast");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "-p", "twicecast"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the client could not be built");
    }
    program
}
