//! What was proposed from a clone and may wait for the streamer, so that it is not proposed twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat, renameat};
use serde::{Deserialize, Serialize};

use crate::fs::dirfd;
use crate::names::FileName;
use crate::replica::state::State;

const FILE: &str = "proposed.json";
const TEMPORARY: &str = "proposed.new";

/// Files as they were proposed; `None` for a deletion.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proposed(pub BTreeMap<FileName, Option<State>>);

#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    sha256: Option<String>,
    #[serde(default)]
    executable: bool,
}

impl Proposed {
    /// Reads it. Where nothing is known, nothing was proposed.
    pub fn read(work: &OwnedFd) -> Self {
        let lines: Vec<Line> = dirfd::open_file(work, FILE)
            .ok()
            .and_then(|file| serde_json::from_reader(io::BufReader::new(file)).ok())
            .unwrap_or_default();
        let files = lines.into_iter().filter_map(|line| {
            let executable = line.executable;
            let state = line.sha256.map(|sha256| State { sha256, executable });
            Some((FileName::parse(&line.name).ok()?, state))
        });
        Self(files.collect())
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn write(&self, work: &OwnedFd) -> io::Result<()> {
        let line = |(name, state): (&FileName, &Option<State>)| Line {
            name: name.as_str().to_owned(),
            sha256: state.as_ref().map(|state| state.sha256.clone()),
            executable: state.as_ref().is_some_and(|state| state.executable),
        };
        let lines: Vec<Line> = self.0.iter().map(line).collect();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o600);
        let opened = openat(work, TEMPORARY, flags | OFlags::CLOEXEC, mode)?;
        File::from(opened).write_all(&serde_json::to_vec(&lines)?)?;
        Ok(renameat(work, TEMPORARY, work, FILE)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proposed_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        assert_eq!(Proposed::read(&work), Proposed::default());
        let name = |text: &str| FileName::parse(text).unwrap();
        let state = State {
            sha256: "1".into(),
            executable: true,
        };
        let proposed = Proposed([(name("/a"), Some(state)), (name("/b"), None)].into());
        proposed.write(&work).unwrap();
        assert_eq!(Proposed::read(&work), proposed);
        std::fs::write(dir.path().join(FILE), "nonsense").unwrap();
        assert_eq!(Proposed::read(&work), Proposed::default());
    }
}
