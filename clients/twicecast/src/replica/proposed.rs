//! What was proposed from a clone. So nothing is proposed twice, and a proposed state that the
//! streamer has accepted is recognised as the base of the files here.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::fs::{dirfd, whole};
use crate::names::FileName;
use crate::replica::file_state::State;

const FILE: &str = "proposed.json";
const TEMPORARY: &str = "proposed.new";

/// The most proposed states that are remembered of one file.
const STATES_MAX: usize = 20;

/// Files as they were proposed, the latest last; `None` for a deletion.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proposed(BTreeMap<FileName, Vec<Option<State>>>);

#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    sha256: Option<String>,
    #[serde(default)]
    executable: bool,
}

impl Proposed {
    /// Reads what was proposed. If it cannot be read, nothing counts as proposed.
    pub fn read(work: &OwnedFd) -> Self {
        let lines: Vec<Line> = dirfd::open_file(work, FILE)
            .ok()
            .and_then(|file| serde_json::from_reader(io::BufReader::new(file)).ok())
            .unwrap_or_default();
        let mut proposed = Self::default();
        for line in lines {
            let executable = line.executable;
            let state = line.sha256.map(|sha256| State { sha256, executable });
            if let Ok(name) = FileName::parse(&line.name) {
                proposed.add(name, state);
            }
        }
        proposed
    }

    /// Adds a proposed state of a file.
    pub fn add(&mut self, name: FileName, state: Option<State>) {
        let states = self.0.entry(name).or_default();
        states.retain(|before| *before != state);
        states.push(state);
        states.drain(..states.len().saturating_sub(STATES_MAX));
    }

    /// Whether a file has ever been proposed in this state.
    pub fn has(&self, name: &FileName, state: Option<&State>) -> bool {
        let states = self.0.get(name);
        states.is_some_and(|states| states.iter().any(|before| before.as_ref() == state))
    }

    /// Whether a file was in this state when it was last proposed.
    pub fn is_latest(&self, name: &FileName, state: Option<&State>) -> bool {
        let latest = self.0.get(name).and_then(|states| states.last());
        latest.is_some_and(|latest| latest.as_ref() == state)
    }

    /// The hashes of all that was proposed.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        let states = self.0.values().flatten().flatten();
        states.map(|state| state.sha256.as_str())
    }

    /// Saves what was proposed.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn write(&self, work: &OwnedFd) -> io::Result<()> {
        let line = |(name, state): (&FileName, &Option<State>)| Line {
            name: name.as_str().to_owned(),
            sha256: state.as_ref().map(|state| state.sha256.clone()),
            executable: state.as_ref().is_some_and(|state| state.executable),
        };
        let all = self.0.iter();
        let all = all.flat_map(|(name, states)| states.iter().map(move |state| (name, state)));
        let lines: Vec<Line> = all.map(line).collect();
        whole::write_in(work, TEMPORARY, FILE, &serde_json::to_vec(&lines)?)
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
        let mut proposed = Proposed::default();
        proposed.add(name("/b"), None);
        for number in 0..STATES_MAX + 5 {
            let sha256 = number.to_string();
            let executable = true;
            proposed.add(name("/a"), Some(State { sha256, executable }));
        }
        proposed.add(name("/a"), Some(state.clone()));
        proposed.write(&work).unwrap();
        let read = Proposed::read(&work);
        assert_eq!(read, proposed);
        assert!(read.has(&name("/b"), None) && read.is_latest(&name("/a"), Some(&state)));
        assert_eq!(read.hashes().count(), STATES_MAX);
        std::fs::write(dir.path().join(FILE), "nonsense").unwrap();
        assert_eq!(Proposed::read(&work), Proposed::default());
    }
}
