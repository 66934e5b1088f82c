//! What `apply` does with each name of a pull request. `show` prints these steps and `apply`
//! carries them out, so both agree.

use std::collections::BTreeSet;
use std::io;

use rustix::fd::OwnedFd;
use twicecast_client::protocol::PullRequest;

use crate::failure::Failure;
use crate::fs::atomic::{self, Found};
use crate::names::FileName;
use crate::review::contents::{Contents, Proposed};
use crate::review::decide::{Decision, Start, decide};
use crate::review::inbox::{Inbox, Project, Stored};
use crate::review::policy::{self, Policy};
use crate::review::taken::Taken;
use crate::review::wanted::Wanted;
use crate::review::{bases, runs_by_itself};

/// What to do with one name.
#[derive(Debug)]
pub struct Step<'a> {
    /// The name.
    pub name: &'a FileName,
    /// The file here.
    pub ours: Option<Found>,
    /// The proposed file; `None` means a deletion.
    pub theirs: Option<&'a Proposed>,
    /// What to do.
    pub action: Action,
    /// Whether the project's file is executable on the server.
    pub is_executable_there: bool,
    /// Why this is only done if the name is given with `--files`.
    pub held: Option<String>,
    /// Why its content must not be shown: it is not shared.
    pub private: Option<String>,
}

/// What to do with a file here and a proposed one.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it has this content already.
    Nothing,
    /// Nothing: it was taken before, whatever has happened to it since.
    TakenBefore,
    /// Nothing is here: take the proposed content.
    Add,
    /// It has been deleted here: take the proposed content, and say so.
    Restore,
    /// The file here is what the author started from: take the proposed content.
    Replace,
    /// Write this text: both have changed it, in different places.
    Merge(Vec<u8>),
    /// Write this text with conflict markers: both have changed the same places.
    Conflict(Vec<u8>),
    /// Leave the file here, and put the proposed content aside, for this reason.
    PutAside(&'static str),
    /// Delete it.
    Delete,
    /// Leave it: it should be deleted, but has changed here.
    Keep,
    /// Neither read nor change it: the rules of `share` leave it out, for this reason.
    LeaveOut(String),
    /// It cannot be read.
    Fail(io::ErrorKind, String),
}

impl Step<'_> {
    /// How the executable bit changes, if it does.
    pub fn executable(&self) -> Option<bool> {
        let ours = self.ours.as_ref();
        let (theirs, has) = executable(ours, self.theirs?, self.is_executable_there)?;
        let is_written = !matches!(
            self.action,
            Action::TakenBefore | Action::PutAside(_) | Action::LeaveOut(_) | Action::Fail(..)
        );
        (theirs != has && is_written).then_some(theirs)
    }

    /// The content to write into the folder, if there is one.
    pub fn content(&self) -> Option<&[u8]> {
        match &self.action {
            Action::Add | Action::Restore | Action::Replace => {
                self.theirs.map(|file| file.content.as_slice())
            }
            Action::Merge(text) | Action::Conflict(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the user has to resolve something.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.action,
            Action::Restore | Action::Conflict(_) | Action::PutAside(_) | Action::Keep
        )
    }
}

/// Everything that the steps are decided from.
pub struct Steps<'a, 'b> {
    /// The connection, for contents that only the server has.
    pub inbox: &'a mut Inbox<'b>,
    /// The shared folder.
    pub root: &'a OwnedFd,
    /// Says which names may be changed.
    pub policy: &'a Policy,
    /// The pull request.
    pub pull: &'a PullRequest,
    /// What the server has of the project.
    pub project: &'a Project,
    /// The names that were given.
    pub wanted: &'a Wanted,
    /// The names that were taken before.
    pub taken: &'a mut Taken,
    /// In a rehearsal, the names that would have been deleted so far.
    pub rehearsed: Option<BTreeSet<FileName>>,
}

impl Steps<'_, '_> {
    /// Decides about the next name.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub async fn next<'c>(
        &mut self,
        name: &'c FileName,
        contents: &'c Contents,
    ) -> Result<Step<'c>, Failure> {
        let theirs = contents.files.get(name);
        let mut step = Step {
            name,
            ours: None,
            theirs,
            action: Action::Nothing,
            is_executable_there: (self.project.get(name)).is_some_and(|stored| stored.executable),
            held: None,
            private: None,
        };
        let is_named = self.wanted.names(name);
        if !is_named && self.taken.has(self.pull, name) {
            step.action = Action::TakenBefore;
            return Ok(step);
        }
        let read = match self.read(name) {
            // Nothing can be below something that is not a folder.
            Err(error) if theirs.is_none() && atomic::is_in_the_way(&error) => Ok(None),
            // No flag can change this, so it is reported whatever the rules say.
            Err(error) if atomic::is_in_the_way(&error) => {
                step.action = Action::Fail(error.kind(), error.to_string());
                return Ok(step);
            }
            read => read,
        };
        // The rules are read after the file, so that a rule written in between counts.
        step.private = self.policy.refusal(name).await;
        if let (Some(why), false) = (&step.private, is_named) {
            step.action = Action::LeaveOut(why.clone());
            return Ok(step);
        }
        let ours = match read {
            Ok(ours) => ours,
            Err(error) => {
                step.action = Action::Fail(error.kind(), error.to_string());
                return Ok(step);
            }
        };
        if !is_named {
            step.held = held(name, ours.as_ref(), theirs, step.is_executable_there);
        }
        step.action = match theirs {
            Some(theirs) => self.file(name, ours.as_ref(), theirs).await?,
            None => self.deletion(name, ours.as_ref()),
        };
        if let (Action::Delete, None, Some(gone)) = (&step.action, &step.held, &mut self.rehearsed)
        {
            gone.insert(name.clone());
        }
        step.ours = ours;
        Ok(step)
    }

    /// Reads the file with a name as it is here, or as it would be after the steps so far.
    fn read(&self, name: &FileName) -> io::Result<Option<Found>> {
        let read = atomic::read(self.root, name);
        let makes_room = |gone: &FileName| {
            let below = |name: &FileName, folder: &FileName| {
                name.folders().any(|above| above == folder.as_str())
            };
            below(name, gone) || below(gone, name)
        };
        let is_free = (self.rehearsed.as_ref()).is_some_and(|gone| gone.iter().any(makes_room));
        if read.is_err() && is_free {
            return Ok(None);
        }
        read
    }

    async fn file(
        &mut self,
        name: &FileName,
        ours: Option<&Found>,
        theirs: &Proposed,
    ) -> Result<Action, Failure> {
        let ours = ours.map(|ours| ours.content.as_slice());
        let base = self.pull.bases.get(name.as_str());
        let (is_ours, content) = match (ours, base) {
            (Some(ours), Some(base)) if !bases::is(ours, base) => {
                (false, self.base(name, base).await?)
            }
            (Some(ours), None) => (self.is_older(name, ours), None),
            _ => (true, None),
        };
        let start = if is_ours {
            Start::Ours
        } else {
            Start::Other(content.as_deref())
        };
        Ok(match decide(ours, &theirs.content, start) {
            Decision::Nothing => Action::Nothing,
            Decision::Take if ours.is_some() => Action::Replace,
            Decision::Take if base.is_some() => Action::Restore,
            Decision::Take => Action::Add,
            Decision::Merged(text) => Action::Merge(text),
            Decision::Conflict(text) => Action::Conflict(text),
            Decision::Aside(why) => Action::PutAside(why),
        })
    }

    fn deletion(&self, name: &FileName, ours: Option<&Found>) -> Action {
        let Some(ours) = ours else {
            return Action::Nothing;
        };
        let is_what_they_saw = match self.pull.deleted_bases.get(name.as_str()) {
            Some(base) => bases::is(&ours.content, base),
            None => self.is_older(name, &ours.content),
        };
        if is_what_they_saw {
            Action::Delete
        } else {
            Action::Keep
        }
    }

    /// For a file without a base: whether the content here is the one that the author saw. It is if
    /// the server has the same content, and has had it since before the pull request was sent. If
    /// the author's client knows bases, a file without one was new to it; then the file here was
    /// made by somebody else.
    fn is_older(&self, name: &FileName, ours: &[u8]) -> bool {
        let stored: Option<&Stored> = self.project.get(name);
        self.pull.bases.is_empty()
            && self.pull.deleted_bases.is_empty()
            && stored.is_some_and(|stored| {
                stored.modified < self.pull.date && bases::is(ours, &stored.sha256)
            })
    }

    /// The content that the author started from, from wherever it can still be found.
    async fn base(&mut self, name: &FileName, sha256: &str) -> Result<Option<Vec<u8>>, Failure> {
        let project = self.inbox.credentials.full_project();
        if let Some(content) = bases::find(&project, sha256) {
            return Ok(Some(content));
        }
        let stored = self.project.get(name);
        if stored.is_none_or(|stored| stored.sha256 != sha256) {
            return Ok(None);
        }
        let content = self.inbox.file(name).await?;
        Ok(content.filter(|content| bases::is(content, sha256)))
    }
}

/// The reason for a file that becomes executable.
pub const BECOMES_EXECUTABLE: &str = "it becomes executable";

/// Whether a file has to become executable, and whether it is now; `None` if the bit stays as it
/// is. `is_there` says whether the file is executable on the server.
fn executable(ours: Option<&Found>, theirs: &Proposed, is_there: bool) -> Option<(bool, bool)> {
    let of_project = ours.is_none().then_some(is_there);
    let becomes = theirs.executable.or(of_project)?;
    Some((becomes, ours.is_some_and(|ours| ours.executable)))
}

/// Why a file is only taken by name.
pub fn held(
    name: &FileName,
    ours: Option<&Found>,
    theirs: Option<&Proposed>,
    is_executable_there: bool,
) -> Option<String> {
    if policy::is_rules(name) {
        return Some("it holds the rules that say what is SHARED and what is not".to_owned());
    }
    let becomes_executable = executable(ours, theirs?, is_executable_there) == Some((true, false));
    let runs_by_itself = runs_by_itself::why(name).map(|why| format!("it runs by itself: {why}"));
    runs_by_itself.or_else(|| becomes_executable.then(|| BECOMES_EXECUTABLE.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_executable_or_runs_by_itself_is_taken_only_where_it_is_named() {
        let found = |executable| Found {
            content: Vec::new(),
            executable,
        };
        for (name, ours, there, theirs, is_held) in [
            ("/run", None, false, Some(true), true),
            ("/run", Some(false), true, Some(true), true),
            ("/run", Some(true), true, Some(true), false),
            ("/run", Some(true), true, None, false),
            ("/run", Some(false), true, None, false),
            // It was deleted here, and comes back as the project has it.
            ("/run", None, true, None, true),
            ("/run", None, true, Some(false), false),
            ("/Makefile", None, false, None, true),
            ("/sub/.gitignore", Some(false), false, None, true),
        ] {
            let file = FileName::parse(name).unwrap();
            let theirs = Proposed {
                content: Vec::new(),
                executable: theirs,
            };
            let ours = ours.map(found);
            let held = held(&file, ours.as_ref(), Some(&theirs), there);
            assert_eq!(
                held.is_some(),
                is_held,
                "{name} {ours:?} {there} {theirs:?}"
            );
        }
    }

    #[test]
    fn the_executable_bit_is_what_its_author_makes_of_it_or_else_what_it_was() {
        let name = FileName::parse("/run").unwrap();
        let file = |executable| Found {
            content: Vec::new(),
            executable,
        };
        for (ours, there, theirs, action, becomes) in [
            (Some(false), false, Some(true), Action::Replace, Some(true)),
            (Some(true), false, Some(true), Action::Nothing, None),
            (Some(true), true, Some(false), Action::Nothing, Some(false)),
            (Some(true), false, None, Action::Replace, None),
            (Some(false), true, None, Action::Replace, None),
            (None, false, Some(true), Action::Add, Some(true)),
            (None, false, None, Action::Add, None),
            // It was deleted here, and comes back as the project has it.
            (None, true, None, Action::Restore, Some(true)),
            (None, true, Some(false), Action::Restore, None),
            (Some(false), false, Some(true), Action::PutAside(""), None),
            (Some(false), false, Some(true), Action::TakenBefore, None),
        ] {
            let theirs = Proposed {
                content: Vec::new(),
                executable: theirs,
            };
            let step = Step {
                name: &name,
                ours: ours.map(file),
                theirs: Some(&theirs),
                action,
                is_executable_there: there,
                held: None,
                private: None,
            };
            assert_eq!(step.executable(), becomes, "{step:?}");
        }
    }
}
