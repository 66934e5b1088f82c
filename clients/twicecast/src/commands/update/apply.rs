//! Brings one file of a clone up to date: completely or not at all, never over a file that has
//! changed since it was read, and never without keeping what is replaced.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fd::OwnedFd;

use crate::failure::Failure;
use crate::fs::atomic::{self, Found};
use crate::fs::{dirfd, executable, sha256};
use crate::names::{FileName, shown};
use crate::replica::clone_bases::CloneBases;
use crate::replica::state::{Change, State, Step, merged_bit};
use crate::replica::tree::Incoming;
use crate::review::backup::Backups;
use crate::review::decide::{Decision, Start, decide};
use crate::review::temporaries;
use crate::ui::output::{Line, say, warn};
use crate::ui::tally::Tally;

/// The result of an update.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether anything now is as in the project, or has been merged with it.
    pub has_updated: bool,
    /// Whether there are conflicts to resolve.
    pub has_conflicts: bool,
    /// Whether anything could not be brought up to date.
    pub has_failed: bool,
}

/// A clone while it is being brought up to date.
pub struct Updating<'a> {
    root: &'a OwnedFd,
    bases: CloneBases<'a>,
    backups: Backups,
    new: Tally,
    updated: Tally,
    deleted: Tally,
    /// The result so far.
    pub outcome: Outcome,
}

impl<'a> Updating<'a> {
    /// Begins an update.
    ///
    /// # Errors
    ///
    /// A sentence, if there is no place to keep what is replaced.
    pub fn begin(dir: &Path, root: &'a OwnedFd, bases: CloneBases<'a>) -> Result<Self, Failure> {
        temporaries::sweep(root);
        Ok(Self {
            root,
            bases,
            backups: Backups::of("update", dir)?,
            new: Tally::default(),
            updated: Tally::default(),
            deleted: Tally::default(),
            outcome: Outcome::default(),
        })
    }

    /// Does a change that needs no content.
    pub fn settle(&mut self, name: &FileName, change: &Change) {
        let settled = match change.step {
            Step::Advance => self.bases.advance(name, change.theirs.as_ref()),
            Step::Delete => self.delete(name, change),
            Step::KeepEdited => self.keep_edited(name),
            Step::Mode => self.mode(name, change),
            Step::Nothing | Step::Take | Step::Back | Step::Merge => Ok(()),
        };
        if let Err(why) = settled {
            self.fail(name, &why.to_string());
        }
    }

    /// Does a change with its content, or reports why there is none.
    pub fn take(&mut self, name: &FileName, change: &Change, incoming: Result<Incoming, String>) {
        let taken = incoming.and_then(|incoming| {
            self.write(name, change, &incoming)
                .map_err(|error| error.to_string())
        });
        if let Err(why) = taken {
            self.fail(name, &why);
        }
    }

    /// Reports a file that could not be brought up to date.
    pub fn fail(&mut self, name: &FileName, why: &str) {
        self.outcome.has_failed = true;
        warn(&format!("{name}: not updated: {}", shown(why)));
    }

    /// Sums up, says where the replaced files are kept, and forgets contents that are no longer the
    /// base of any file.
    pub fn finish(mut self) -> Outcome {
        self.bases.tidy();
        let all = [
            (&self.updated, "updated"),
            (&self.new, "new"),
            (&self.deleted, "deleted"),
        ];
        let all = all.into_iter().filter(|(files, _)| !files.is_empty());
        let all: Vec<String> = all.map(|(files, what)| format!("{files} {what}")).collect();
        if !all.is_empty() {
            self.outcome.has_updated = true;
            say(&all.join(", "));
        }
        self.outcome.has_conflicts |= self.backups.tell(&mut Line::print);
        self.outcome
    }

    fn delete(&mut self, name: &FileName, change: &Change) -> io::Result<()> {
        if let Some(Found { content: ours, .. }) = atomic::read(self.root, name)? {
            let base = change.base.as_ref();
            if base.is_none_or(|base| sha256::of(&ours) != base.sha256) {
                return self.keep_edited(name);
            }
            self.backups.remove(self.root, name, &ours)?;
        }
        self.bases.advance(name, None)?;
        self.deleted.add(name);
        Ok(())
    }

    fn keep_edited(&mut self, name: &FileName) -> io::Result<()> {
        self.bases.advance(name, None)?;
        self.outcome.has_conflicts = true;
        say(&format!(
            "{name}: CONFLICT: the project no longer has it, and you have edited it; it stays, and \
             `propose` would add it again"
        ));
        Ok(())
    }

    fn mode(&mut self, name: &FileName, change: &Change) -> io::Result<()> {
        let Some(theirs) = &change.theirs else {
            return Ok(());
        };
        let bit = merged_bit(change.base.as_ref(), change.ours.as_ref(), theirs);
        let is_new = self.set_executable(name, bit)?;
        self.bases.advance(name, Some(theirs))?;
        if is_new {
            self.updated.add(name);
        }
        Ok(())
    }

    fn write(&mut self, name: &FileName, change: &Change, incoming: &Incoming) -> io::Result<()> {
        let mut theirs = Vec::new();
        incoming.staged.read()?.read_to_end(&mut theirs)?;
        let there = atomic::read(self.root, name)?.map(|there| there.content);
        let base = change.base.as_ref();
        let content = base.and_then(|base| self.bases.content(&base.sha256));
        let start = match (&there, base) {
            (Some(there), Some(base)) if sha256::of(there) == base.sha256 => Start::Ours,
            _ => Start::Other(content.as_deref()),
        };
        let decision = decide(there.as_deref(), &theirs, start);
        let (said, content) = match &decision {
            Decision::Nothing => (None, None),
            Decision::Take if change.step == Step::Back => (
                Some("CONFLICT: you have deleted it, and the project has changed it; it is back"),
                Some(theirs.as_slice()),
            ),
            Decision::Take => (None, Some(theirs.as_slice())),
            Decision::Merged(text) => (
                Some("merged with what you have changed"),
                Some(text.as_slice()),
            ),
            Decision::Conflict(text) => (
                Some("CONFLICT: solve what stands between <<<<<<< and >>>>>>>"),
                Some(text.as_slice()),
            ),
            Decision::Aside(why) => {
                let path = self.backups.put_aside(name, &theirs)?;
                let path = shown(&path.to_string_lossy()).clone();
                self.outcome.has_conflicts = true;
                // The base stays as it was: the file here contains nothing of the project's new
                // version.
                say(&format!(
                    "{name}: CONFLICT: {why}; yours stays, the project's is {path}"
                ));
                return Ok(());
            }
        };
        if let Some(content) = content {
            self.backups
                .replace(self.root, name, there.as_deref(), content, None)?;
        }
        let state = State {
            sha256: incoming.sha256.clone(),
            executable: incoming.executable,
        };
        let bit = merged_bit(base, change.ours.as_ref(), &state);
        self.set_executable(name, bit)?;
        // The base changes only after the write: after a crash in between, the next update finds
        // the file already merged.
        self.bases.began(name, incoming)?;
        self.outcome.has_updated = true;
        self.outcome.has_conflicts |=
            change.step == Step::Back || matches!(decision, Decision::Conflict(_));
        match said {
            Some(said) => say(&format!("{name}: {said}")),
            None if there.is_none() => self.new.add(name),
            None => self.updated.add(name),
        }
        Ok(())
    }

    fn set_executable(&self, name: &FileName, bit: bool) -> io::Result<bool> {
        let (folder, leaf) = dirfd::open_parent(self.root, name)?;
        let file: File = dirfd::open_file(&folder, leaf)?;
        executable::set(&file, bit)
    }
}
