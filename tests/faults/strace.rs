//! strace, attached to a server.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

/// An attached strace; [`Strace::detach`] ends it.
pub struct Strace {
    child: Child,
    /// Kept open: strace writes to it until it ends.
    _messages: BufReader<ChildStderr>,
    folder: TempDir,
}

impl Strace {
    /// Attaches to all threads of the process, present and future. Counts of calls begin here.
    pub fn attach(pid: u32, args: &[impl AsRef<OsStr>]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("strace")
            .args(["-f", "-y", "-s", "64", "-o"])
            .arg(folder.path().join("log"))
            .args(args)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let mut messages = BufReader::new(child.stderr.take().expect("it was piped"));
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            let read = messages.read_line(&mut line).expect("strace speaks");
            assert!(read > 0, "strace cannot attach (root?)");
        }
        Self {
            child,
            _messages: messages,
            folder,
        }
    }

    /// Detaches; returns what was seen, a call per line, each after its thread's number.
    pub fn detach(mut self) -> String {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-INT", &pid]).status();
        assert!(asked.expect("kill runs").success());
        self.child.wait().expect("strace ends");
        std::fs::read_to_string(self.log()).expect("strace has written")
    }

    /// What has been seen so far.
    pub fn seen(&self) -> String {
        std::fs::read_to_string(self.log()).expect("strace writes")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
