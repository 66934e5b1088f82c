//! More servers beside the first, which share NATS with it: `scripts/live-on-nats`.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::spawn;

/// The variable that says where NATS is. Without it there is one server, which keeps everything in
/// its folder.
const NATS: &str = "LIVE_NATS";

/// How many servers share NATS.
const SERVERS: usize = 3;

/// The flags by which servers share NATS; none without NATS. Each test has a prefix of its own
/// there.
pub(super) fn nats_flags() -> Vec<String> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let Ok(nats) = std::env::var(NATS) else {
        return Vec::new();
    };
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("t{}n{number}", std::process::id());
    let flags = [
        ["--store", "nats"],
        ["--nats", &nats],
        ["--nats-replicas", "1"],
        ["--nats-prefix", &prefix],
    ];
    flags.concat().into_iter().map(str::to_owned).collect()
}

/// The servers beside the first.
#[derive(Default)]
pub(super) struct Others {
    servers: Vec<(PathBuf, Child, u16)>,
    /// How many connections have been asked for.
    asked: AtomicUsize,
}

impl Others {
    /// Starts them by the same command line, in folders of their own.
    pub(super) fn start(line: &[String], folder: &Path) -> Self {
        let servers = (1..SERVERS).map(|number| {
            let folder = folder.join(format!("server{number}"));
            std::fs::create_dir(&folder).expect("made");
            let (child, port) = spawn(line, &folder);
            (folder, child, port)
        });
        Self {
            servers: servers.collect(),
            asked: AtomicUsize::new(0),
        }
    }

    /// The port of the server whose turn it is; `first` is that of the first.
    pub(super) fn next_port(&self, first: u16) -> u16 {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) % (self.servers.len() + 1);
        turn.checked_sub(1).map_or(first, |at| self.servers[at].2)
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = u16> {
        self.servers.iter().map(|(_, _, port)| *port)
    }

    pub(super) fn kill(&mut self) {
        for (_, child, _) in &mut self.servers {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(super) fn restart(&mut self, line: &[String]) {
        for (folder, child, port) in &mut self.servers {
            (*child, *port) = spawn(line, folder);
        }
    }

    /// Their logs.
    pub(super) fn logs(&self) -> String {
        let logs = self.servers.iter().map(|(folder, ..)| {
            std::fs::read_to_string(folder.join("server.log")).unwrap_or_default()
        });
        logs.collect()
    }
}
