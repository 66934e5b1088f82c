//! The command as a process.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::FakeServer;

/// The output of a finished command.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The folder where commands keep their own files in these tests.
fn own_folder() -> &'static tempfile::TempDir {
    static FOLDER: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap())
}

pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twicecast"));
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in [
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "HOME",
    ] {
        command.env(name, own_folder().path());
    }
    for name in ["TWICECAST_URL", "TWICECAST_TOKEN", "TWICECAST_KEY"] {
        command.env_remove(name);
    }
    command
}

/// Runs `twicecast` to its end.
pub async fn twicecast(words: &[&str]) -> Said {
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), command(words).output());
    let output = output.await.expect("it ends by itself").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Waits until the process has ended, and returns its exit code.
pub async fn exit_code(child: &mut Child) -> i32 {
    let end = tokio::time::timeout(std::time::Duration::from_secs(60), child.wait());
    end.await.expect("it ends").unwrap().code().unwrap()
}

/// Shares a folder once, whatever that deletes.
pub async fn share_once(server: &FakeServer, dir: &Path) -> Said {
    twicecast(&[
        "share",
        dir.to_str().unwrap(),
        "--once",
        "--yes",
        "--url",
        &server.url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ])
    .await
}

pub async fn mirror_once(server: &FakeServer, dir: &Path, more: &[&str]) -> Said {
    let words = [
        "mirror",
        dir.to_str().unwrap(),
        "--once",
        "--url",
        &server.url,
        "--streamer",
        "ana",
        "--project",
        "demo",
    ];
    twicecast(&[&words, more].concat()).await
}

/// A running mirror, line by line.
pub struct Live {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Live {
    pub fn start(server: &FakeServer, dir: &Path, more: &[&str]) -> Self {
        Self::of(&server.url, dir, more)
    }

    pub fn of(url: &str, dir: &Path, more: &[&str]) -> Self {
        let words = [
            "mirror",
            dir.to_str().unwrap(),
            "--url",
            url,
            "--streamer",
            "ana",
            "--project",
            "demo",
        ];
        let mut child = command(&[&words, more].concat())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for a line with that beginning.
    pub async fn until(&mut self, beginning: &str) -> String {
        loop {
            let next =
                tokio::time::timeout(std::time::Duration::from_secs(20), self.lines.next_line());
            let line = next
                .await
                .unwrap_or_else(|_| panic!("no line {beginning:?}"))
                .unwrap();
            let line =
                line.unwrap_or_else(|| panic!("the mirror ended before it said {beginning:?}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Keeps reading the output, because the mirror would otherwise have to wait.
    pub fn unheard(self) -> Unheard {
        Unheard::new(self.child, self.lines)
    }

    /// Stops the mirror as Ctrl-C does, and returns its exit code.
    pub async fn stop(self) -> i32 {
        self.unheard().stop().await
    }
}

/// A mirror or share whose output is ignored.
pub struct Unheard {
    child: Child,
    _reading: tokio::task::JoinHandle<()>,
}

impl Unheard {
    pub fn new(child: Child, mut lines: Lines<BufReader<ChildStdout>>) -> Self {
        let reading =
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            child,
            _reading: reading,
        }
    }

    /// Kills the process, as the system does when memory runs out.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Stops the process as Ctrl-C does, and returns its exit code.
    pub async fn stop(mut self) -> i32 {
        let id =
            rustix::process::Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        exit_code(&mut self.child).await
    }
}

/// A token of that user for `ana/demo`, signed with `secret`.
pub async fn token_of(user: &str) -> String {
    let words = ["token", "--key", "secret", "--user", user];
    let whose = ["--streamer", "ana", "--project", "demo"];
    let said = twicecast(&[&words[..], &whose].concat()).await;
    said.out.trim().to_owned()
}
