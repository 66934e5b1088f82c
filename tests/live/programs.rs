//! The real client, as a process that ends with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::Server;

const IDENTITY: [&str; 6] = ["--key", "secret", "--streamer", "ana", "--project", "demo"];

/// The client program, told where the server is.
pub struct Twicecast {
    program: PathBuf,
    url: String,
}

impl Twicecast {
    pub fn of(server: &Server) -> Self {
        Self {
            program: program(),
            url: server.url(),
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

    pub fn share_once(&self, folder: &Path) {
        let mut share = self.command("share", folder);
        // The tree holds this project's own sources, and they contain a test key.
        share.args(["--user", "ana", "--once", "--yes", "--allow", "*"]);
        Self::run(share);
    }

    pub fn mirror_once(&self, folder: &Path) {
        let mut mirror = self.command("mirror", folder);
        mirror.args(["--user", "bob", "--once"]);
        Self::run(mirror);
    }
}

/// A mirror that runs until this value is dropped.
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

/// The client is a program of another package. If it is not beside the server's, it is built now.
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
