//! A terminal of the test's own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::support::command;

/// A terminal so wide that no line is wrapped, and what runs in it.
pub struct Terminal {
    child: Child,
    keys: File,
    written: mpsc::UnboundedReceiver<Vec<u8>>,
    screen: String,
    /// The first bytes of an incomplete character.
    begun: Vec<u8>,
    /// Kept open, so that its mode can be read after the command has ended.
    line: OwnedFd,
}

impl Terminal {
    /// Runs a command in a terminal that does not control it.
    pub fn run(command: Command) -> Self {
        Self::run_with(command, "")
    }

    /// As [`Terminal::run`], with `typed` entered before the command starts.
    pub fn run_with(mut command: Command, typed: &str) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let path = PathBuf::from(ptsname(&keys, Vec::new()).unwrap().into_string().unwrap());
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let line = OwnedFd::from(open());
        let size = Winsize {
            ws_row: 20,
            ws_col: 300,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&line, size).unwrap();
        let mut keys = File::from(keys);
        keys.write_all(typed.as_bytes()).unwrap();
        let child = command
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .unwrap();
        let mut screen = keys.try_clone().unwrap();
        let (sender, written) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count) = screen.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            written,
            screen: String::new(),
            begun: Vec::new(),
            line,
        }
    }

    /// A shell with job control, in a terminal of its own, where `twicecast` is the command.
    pub async fn shell() -> Self {
        let program = command(&[]);
        let mut shell = Command::new("setsid");
        shell
            .args([
                "--ctty",
                "bash",
                "--norc",
                "--noprofile",
                "--noediting",
                "-i",
            ])
            .kill_on_drop(true);
        for (name, value) in program.as_std().get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let bin = Path::new(env!("CARGO_BIN_EXE_twicecast")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        shell
            .env("PATH", path)
            .env("PS1", "ready$ ")
            .env("TZ", "UTC");
        let mut terminal = Self::run(shell);
        terminal.until("ready$ ").await;
        terminal
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits until this is written; returns everything up to its end, and forgets it.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.screen.find(text) {
                return self.screen.drain(..at + text.len()).collect();
            }
            let next = tokio::time::timeout(Duration::from_secs(20), self.written.recv());
            let next = next.await;
            let bytes = next.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.screen));
            self.begun.extend(bytes.unwrap());
            // A character may arrive in two pieces.
            let whole = match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.len(),
                Err(error) => error.valid_up_to(),
            };
            let whole: Vec<u8> = self.begun.drain(..whole).collect();
            self.screen.push_str(&String::from_utf8(whole).unwrap());
        }
    }

    /// Whether keys arrive one by one, and are not shown.
    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    pub async fn code(&mut self) -> Option<i32> {
        let end = tokio::time::timeout(Duration::from_secs(20), self.child.wait());
        end.await.expect("an end").unwrap().code()
    }
}
