//! Which files of open pull requests have already been taken. After that they are the streamer's
//! own: another `apply` leaves them alone, even after a conflict was resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use twicecast_client::protocol::PullRequest;

use crate::fs::user_dirs::own_folder;
use crate::fs::{sha256, whole};
use crate::names::FileName;

/// A longer record was not written by us.
const BYTES_MAX: u64 = 16 << 20;

/// The record of one shared folder.
#[derive(Debug)]
pub struct Taken {
    path: Option<PathBuf>,
    /// The names, by the id of the pull request.
    names: BTreeMap<String, BTreeSet<String>>,
}

impl Taken {
    /// What has been taken of the open pull requests. If the record cannot be read, nothing has.
    pub fn of(project: &str, dir: &Path, open: &[PullRequest]) -> Self {
        let own = own_folder("XDG_STATE_HOME", ".local/state");
        Self::at(own.as_deref(), project, dir, open)
    }

    fn at(own: Option<&Path>, project: &str, dir: &Path, open: &[PullRequest]) -> Self {
        let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let mut whose = project.as_bytes().to_vec();
        whose.push(0);
        whose.extend(dir.as_os_str().as_encoded_bytes());
        let file = format!("{}.json", sha256::of(whose));
        let path = own.map(|own| own.join("taken").join(file));
        let mut names = path.as_deref().and_then(read).unwrap_or_default();
        names.retain(|id, _| open.iter().any(|pull| pull.id.raw() == id));
        Self { path, names }
    }

    /// Whether a file of a pull request was taken.
    pub fn has(&self, pull: &PullRequest, name: &FileName) -> bool {
        let names = self.names.get(pull.id.raw());
        names.is_some_and(|names| names.contains(name.as_str()))
    }

    /// Notes that a file of a pull request was taken.
    pub fn add(&mut self, pull: &PullRequest, name: &FileName) {
        let names = self.names.entry(pull.id.raw().to_owned()).or_default();
        names.insert(name.as_str().to_owned());
    }

    /// Saves the record.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn write(&self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        whole::write(path, &serde_json::to_vec(&self.names)?)
    }
}

fn read(path: &Path) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let file = fs::File::open(path).ok()?;
    serde_json::from_reader(io::BufReader::new(file.take(BYTES_MAX))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(id: &str) -> PullRequest {
        let text = serde_json::json!({"id": id, "owner": "bob", "title": "t", "date": 1});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn what_was_taken_is_remembered_as_long_as_the_pull_request_is_open() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (pull("1"), pull("2"));
        let name = FileName::parse("/a").unwrap();
        let of =
            |dir: &Path, open: &[PullRequest]| Taken::at(Some(state.path()), "ana/demo", dir, open);
        let dir = tempfile::tempdir().unwrap();
        let open = [one.clone(), other.clone()];
        let mut taken = of(dir.path(), &open);
        taken.add(&one, &name);
        assert!(taken.has(&one, &name) && !taken.has(&other, &name));
        taken.write().unwrap();
        assert!(of(dir.path(), &open).has(&one, &name));
        assert!(!of(state.path(), &open).has(&one, &name), "another folder");
        of(dir.path(), &[other]).write().unwrap();
        assert!(!of(dir.path(), &open).has(&one, &name), "it was closed");
        let mut nowhere = Taken::at(None, "ana/demo", dir.path(), &open);
        nowhere.add(&one, &name);
        nowhere.write().unwrap();
    }
}
