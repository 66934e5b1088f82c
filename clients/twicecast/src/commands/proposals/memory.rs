//! What is remembered about a user's proposals, in the user's state folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use twicecast_client::protocol::PullRequest;
use twicecast_client::untrusted::Untrusted;

use crate::credentials::Credentials;
use crate::fs::user_dirs::own_folder;
use crate::fs::{sha256, whole};
use crate::ui::output::warn;

/// The most proposals that are remembered for one project; the oldest are forgotten first.
const REMEMBERED_MAX: usize = 100;

/// A proposal that was seen before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Its id.
    pub id: Untrusted,
    /// Its title.
    pub title: Untrusted,
    /// In milliseconds since the epoch.
    date: u64,
    /// `merged`, `closed` or `withdrawn`; `None` if it was open when last seen.
    pub outcome: Option<Untrusted>,
}

/// What is remembered of one user's proposals to one project on one server.
#[derive(Debug)]
pub struct Memory {
    file: Option<PathBuf>,
    all: Vec<Remembered>,
}

impl Memory {
    /// The memory for one user, server and project.
    pub fn of(credentials: &Credentials) -> Self {
        let (url, user) = (&credentials.url, &credentials.user);
        let whose = format!("{url}\n{user}\n{}", credentials.full_project());
        let name = sha256::of(whose);
        Self::at(own_folder("XDG_STATE_HOME", ".local/state").map(|own| {
            let folder = own.join("proposals");
            folder.join(format!("{name}.json"))
        }))
    }

    /// A file that cannot be read counts as empty.
    fn at(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let all = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            file,
            all: all.unwrap_or_default(),
        }
    }

    /// Remembers these open proposals.
    pub fn see(&mut self, open: &[PullRequest]) {
        for pull in open {
            if self.all.iter().all(|known| known.id != pull.id) {
                self.all.push(Remembered {
                    id: pull.id.clone(),
                    title: pull.title.clone(),
                    date: pull.date,
                    outcome: None,
                });
            }
        }
        let surplus = self.all.len().saturating_sub(REMEMBERED_MAX);
        self.all.drain(..surplus);
    }

    /// Remembers the outcome of a proposal.
    pub fn end(&mut self, id: &Untrusted, outcome: &Untrusted) {
        for known in self.all.iter_mut().filter(|known| known.id == *id) {
            known.outcome = Some(outcome.clone());
        }
    }

    /// The proposals that are no longer open.
    pub fn ended<'a>(&'a self, open: &'a [PullRequest]) -> impl Iterator<Item = &'a Remembered> {
        let is_open = |id: &Untrusted| open.iter().any(|pull| pull.id == *id);
        self.all.iter().filter(move |known| !is_open(&known.id))
    }

    /// Saves the memory.
    pub fn keep(&self) {
        let Some(file) = &self.file else { return };
        let kept = serde_json::to_vec(&self.all).map_err(std::io::Error::from);
        let kept = kept.and_then(|all| whole::write(file, &all));
        if let Err(error) = kept {
            warn(&format!("what was seen here cannot be remembered: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(id: &str) -> PullRequest {
        let pull = serde_json::json!({"id": id, "owner": "bob", "title": "t", "date": 1});
        serde_json::from_value(pull).unwrap()
    }

    #[test]
    fn what_was_open_once_is_remembered_with_its_outcome_where_that_was_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = Some(dir.path().join("below/memory.json"));
        let mut memory = Memory::at(file.clone());
        memory.see(&[pull("a"), pull("b"), pull("c")]);
        memory.end(&"b".into(), &"merged".into());
        memory.keep();
        let mut memory = Memory::at(file);
        let open = [pull("c"), pull("d")];
        memory.see(&open);
        let ended: Vec<_> = memory.ended(&open).collect();
        assert_eq!(ended.len(), 2);
        assert_eq!((ended[0].id.raw(), &ended[0].outcome), ("a", &None));
        assert_eq!(
            (ended[1].id.raw(), &ended[1].outcome),
            ("b", &Some("merged".into()))
        );
        for id in 0..=REMEMBERED_MAX {
            memory.see(&[pull(&id.to_string())]);
        }
        assert_eq!(memory.all.len(), REMEMBERED_MAX);
    }
}
