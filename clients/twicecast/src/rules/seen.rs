//! The files that a result depends on, and their states, to know when they have to be read again.
//! Missing files are included, because they may appear.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, stat};

use crate::fs::dirfd;
use crate::fs::fingerprint::Fingerprint;

/// Files and their states.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen(BTreeMap<PathBuf, State>);

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    File(Fingerprint),
    /// A folder, whose times do not matter, or something else.
    Other((u64, u64)),
}

impl State {
    fn of(path: &Path) -> Self {
        match stat(path) {
            Err(_) => Self::Missing,
            Ok(stat) if dirfd::kind(&stat) == FileType::RegularFile => {
                Self::File(Fingerprint::of(&stat))
            }
            Ok(stat) => Self::Other(dirfd::inode(&stat)),
        }
    }
}

impl Seen {
    /// Records the state of a file; must be called before it is read. Returns whether the file is
    /// new here.
    pub fn see(&mut self, path: &Path) -> bool {
        if self.0.contains_key(path) {
            return false;
        }
        self.0.insert(path.to_owned(), State::of(path));
        true
    }

    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    /// Whether all files are in the same state as before.
    pub fn is_current(&self) -> bool {
        self.0.iter().all(|(path, state)| State::of(path) == *state)
    }

    /// Whether a file was changed less than `age` ago: somebody may still be writing it.
    pub fn is_younger_than(&self, age: Duration) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_millis()).ok());
        let Some(now) = now else { return false };
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        self.0.values().any(|state| match state {
            // If the time is in the future, nobody is writing the file now.
            State::File(file) => (0..age).contains(&(now - file.changed_at())),
            State::Missing | State::Other(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_changes_comes_or_goes_is_no_longer_current() {
        let dir = tempfile::tempdir().unwrap();
        let [there, missing, folder] = ["there", "missing", "folder"].map(|it| dir.path().join(it));
        fs::write(&there, "1").unwrap();
        fs::create_dir(&folder).unwrap();
        let see = || {
            let mut seen = Seen::default();
            for path in [&there, &missing, &folder] {
                assert!(seen.see(path) && !seen.see(path));
            }
            seen
        };
        let seen = see();
        fs::write(folder.join("inside"), "").unwrap();
        assert!(seen.is_current());
        assert!(seen.is_younger_than(Duration::from_secs(60)));
        assert!(!seen.is_younger_than(Duration::ZERO));
        for change in [
            || ("there", Some("longer")),
            || ("missing", Some("")),
            || ("missing", None),
            || ("there", None),
        ] {
            let seen = see();
            let (name, content) = change();
            let path = dir.path().join(name);
            match content {
                Some(content) => fs::write(path, content).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            assert!(!seen.is_current(), "{name} {content:?}");
        }
    }
}
