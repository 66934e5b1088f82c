//! How a clone differs from the state that it began with.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use indicatif::HumanBytes;

use crate::fs::atomic;
use crate::names::FileName;
use crate::publish::look::Found;
use crate::replica::base_contents::BaseContents;
use crate::replica::folder::CloneFolder;
use crate::replica::proposed::Proposed;
use crate::replica::record::Files;
use crate::replica::state::{self, CloneFiles, State};
use crate::review::merge;
use crate::review::wanted::Wanted;
use crate::rules::{Rules, Verdict};
use crate::ui::output::{say, warn};

/// A file that is new or has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// In bytes.
    pub size: u64,
    /// Its state.
    pub state: State,
}

/// What differs in a clone.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// New and changed files.
    pub changed: BTreeMap<FileName, Changed>,
    /// Deleted files.
    pub deleted: BTreeSet<FileName>,
    /// Files that could not be read, and why.
    pub failed: BTreeMap<FileName, String>,
}

impl Difference {
    /// Compares the files found in a clone with the state that it began with; only `wanted` ones
    /// count.
    pub fn of(clone: CloneFiles<'_>, looked: &Found, wanted: &Wanted) -> Self {
        let bases = clone.bases;
        let mut difference = Self::default();
        for (name, fingerprint) in looked.files.iter().filter(|(name, _)| wanted.wants(name)) {
            match state::of_file(clone, name) {
                Ok(Some(state)) if bases.get(name).map(State::from).as_ref() == Some(&state) => {}
                Ok(Some(state)) => {
                    let size = fingerprint.size;
                    let changed = Changed { size, state };
                    difference.changed.insert(name.clone(), changed);
                }
                Ok(None) => difference.fail(name, &"it is gone"),
                Err(error) => difference.fail(name, &error),
            }
        }
        let names = bases.keys().filter(|name| wanted.wants(name));
        for name in names.filter(|name| !looked.files.contains_key(name)) {
            match state::of_file(clone, name) {
                Ok(None) => drop(difference.deleted.insert(name.clone())),
                Ok(Some(state)) if State::from(&bases[name]) == state => {}
                Ok(Some(_)) => warn(&format!(
                    "{name}: not proposed: a rule leaves it out (twicecast why)"
                )),
                Err(why) => warn(&format!("{name}: not proposed: {why}")),
            }
        }
        difference
    }

    /// Removes files that hold a secret, and says so. A file that cannot be read here fails when it
    /// is sent.
    pub fn hold_back_secrets(&mut self, root: &OwnedFd, rules: &Rules) {
        self.changed.retain(|name, _| {
            let verdict =
                rules.judge_all_contents(root, name, &tokio_util::sync::CancellationToken::new());
            let is_secret = matches!(verdict, Ok(Verdict::Holds(_)));
            if let Ok(verdict @ Verdict::Holds(_)) = verdict {
                warn(&format!("{name}: not proposed: {verdict}"));
            }
            !is_secret
        });
    }

    /// Marks files as failed that still hold conflict markers left by an update. If a file had such
    /// markers from the beginning, they are part of its content.
    pub fn refuse_conflicts(&mut self, clone: &CloneFolder) -> io::Result<()> {
        let contents = BaseContents::new(&clone.work)?;
        for name in self.changed.keys() {
            let Some(base) = clone.record.files.get(name) else {
                continue;
            };
            let had = |content: Vec<u8>| merge::has_conflict(&content);
            if contents.read(&base.sha256).is_none_or(had) {
                continue;
            }
            let ours = atomic::read(&clone.root, name)?;
            if ours.is_some_and(|ours| merge::has_conflict(&ours.content)) {
                let why = "holds a conflict that is not solved".to_owned();
                self.failed.insert(name.clone(), why);
            }
        }
        Ok(())
    }

    fn fail(&mut self, name: &FileName, why: &impl ToString) {
        let why = format!("cannot be read: {}", why.to_string());
        self.failed.insert(name.clone(), why);
    }

    /// Whether there is nothing to propose.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.deleted.is_empty()
    }

    /// All names in it.
    pub fn names(&self) -> impl Iterator<Item = &FileName> {
        self.changed.keys().chain(&self.deleted)
    }

    /// Removes a file from the difference.
    pub fn forget(&mut self, name: &FileName) {
        self.changed.remove(name);
        self.deleted.remove(name);
    }

    /// Removes files that are already in an open proposal in their present state. Returns their
    /// names.
    pub fn forget_pending(
        &mut self,
        proposed: &Proposed,
        open: &BTreeSet<String>,
    ) -> Vec<FileName> {
        let is_pending = |name: &&FileName| {
            let now = self.changed.get(*name).map(|changed| &changed.state);
            open.contains(name.as_str()) && proposed.is_latest(name, now)
        };
        let pending: Vec<FileName> = self.names().filter(is_pending).cloned().collect();
        for name in &pending {
            self.forget(name);
        }
        pending
    }

    /// The states to remember once this is proposed.
    pub fn states(&self) -> BTreeMap<FileName, Option<State>> {
        let changed = self.changed.iter();
        let changed = changed.map(|(name, changed)| (name.clone(), Some(changed.state.clone())));
        let deleted = self.deleted.iter().map(|name| (name.clone(), None));
        changed.chain(deleted).collect()
    }

    /// The hashes of the files as the clone began with them, by name.
    pub fn bases(&self, bases: &Files) -> BTreeMap<String, String> {
        let known = self.names().filter_map(|name| {
            let written = bases.get(name).filter(|base| !base.sha256.is_empty())?;
            Some((name.as_str().to_owned(), written.sha256.clone()))
        });
        known.collect()
    }

    /// The executable bits that were changed here, by name.
    pub fn executables(&self, bases: &Files) -> BTreeMap<String, bool> {
        let bits = self.changed.iter().filter_map(|(name, changed)| {
            let before = bases.get(name).is_some_and(|base| base.executable);
            let now = changed.state.executable;
            (before != now).then(|| (name.as_str().to_owned(), now))
        });
        bits.collect()
    }

    /// Prints what differs.
    pub fn tell(&self, bases: &Files) {
        for (name, changed) in &self.changed {
            let size = HumanBytes(changed.size);
            let bit = if changed.state.executable {
                "made executable"
            } else {
                "made not executable"
            };
            match bases.get(name) {
                None => say(&format!("new  {name}  {size}")),
                Some(base) if base.sha256 == changed.state.sha256 => {
                    say(&format!("changed  {name}  {bit}"));
                }
                Some(base) if base.executable != changed.state.executable => {
                    say(&format!("changed  {name}  {size}, {bit}"));
                }
                Some(_) => say(&format!("changed  {name}  {size}")),
            }
        }
        for name in &self.deleted {
            say(&format!("deleted  {name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::dirfd;
    use crate::publish::look;
    use std::fs;

    #[tokio::test]
    async fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let root = dirfd::open_root(dir.path()).unwrap();
        let (looked, _) = look::look_at(
            dir.path(),
            &root,
            &[],
            &tokio_util::sync::CancellationToken::new(),
        )
        .await
        .unwrap();
        fs::remove_file(dir.path().join("a")).unwrap();
        let all = Wanted::new(&[]);
        let (bases, keeps_bits) = (Files::new(), true);
        let clone = CloneFiles {
            root: &root,
            bases: &bases,
            keeps_bits,
        };
        let difference = Difference::of(clone, &looked, &all);
        let failed: Vec<_> = difference.failed.keys().map(FileName::as_str).collect();
        assert_eq!(failed, ["/a"]);
        let changed: Vec<_> = difference.names().map(FileName::as_str).collect();
        assert_eq!(changed, ["/b"]);
    }

    #[test]
    fn what_was_proposed_waits_only_as_long_as_it_is_open_and_unchanged() {
        let name = |text: &str| FileName::parse(text).unwrap();
        let state = |sha256: &str| State {
            sha256: sha256.into(),
            executable: false,
        };
        let difference = || {
            let mut difference = Difference::default();
            for file in ["/same", "/edited", "/closed", "/new"] {
                let state = state("1");
                let changed = Changed { size: 1, state };
                difference.changed.insert(name(file), changed);
            }
            difference.deleted.insert(name("/gone"));
            difference
        };
        let mut proposed = Proposed::default();
        for (text, before) in [
            ("/same", Some(state("1"))),
            ("/edited", Some(state("0"))),
            ("/closed", Some(state("1"))),
            ("/gone", None),
        ] {
            proposed.add(name(text), before);
        }
        let open = ["/same", "/edited", "/gone", "/new"];
        let open = open.map(str::to_owned).into();
        let mut left = difference();
        let pending = left.forget_pending(&proposed, &open);
        assert_eq!(pending, [name("/same"), name("/gone")]);
        let left: Vec<_> = left.names().map(FileName::as_str).collect();
        assert_eq!(left, ["/closed", "/edited", "/new"]);
    }
}
