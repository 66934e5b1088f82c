//! What `apply` does with each name of a pull request. `show` shows these steps, `apply` takes
//! them, so both say the same.

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

/// What is done with one name.
#[derive(Debug)]
pub struct Step<'a> {
    /// The name.
    pub name: &'a FileName,
    /// What is here.
    pub ours: Option<Found>,
    /// What is proposed; `None` is a deletion.
    pub theirs: Option<&'a Proposed>,
    /// What comes of both.
    pub action: Action,
    /// Whether the project's file is executable, as the server has it.
    pub is_executable_there: bool,
    /// Why it is done only where the name is given with `--files`.
    pub held: Option<String>,
    /// Why its content is not to be seen: it is not shared.
    pub private: Option<String>,
}

/// What comes of a file that is here and one that is proposed.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is so already.
    Nothing,
    /// Nothing: it was taken before, whatever it has become since.
    TakenBefore,
    /// Nothing is here: take what is proposed.
    Add,
    /// It was deleted here meanwhile: take what is proposed, and say so.
    Restore,
    /// Here is what the author started from: take what is proposed.
    Replace,
    /// Write this text: both have changed it, in different places.
    Merge(Vec<u8>),
    /// Write this text with conflict markers: both have changed the same places.
    Conflict(Vec<u8>),
    /// Leave what is here, and put what is proposed aside, for this reason.
    PutAside(&'static str),
    /// Delete it.
    Delete,
    /// Leave it: it is to be deleted, and has changed here.
    Keep,
    /// Neither look at it nor touch it: the rules of `share` leave it out, for this reason.
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

    /// The content that comes into the folder, if one does.
    pub fn content(&self) -> Option<&[u8]> {
        match &self.action {
            Action::Add | Action::Restore | Action::Replace => {
                self.theirs.map(|file| file.content.as_slice())
            }
            Action::Merge(text) | Action::Conflict(text) => Some(text),
            _ => None,
        }
    }

    /// Whether somebody has to solve something.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.action,
            Action::Restore | Action::Conflict(_) | Action::PutAside(_) | Action::Keep
        )
    }
}

/// What the steps are decided from.
pub struct Steps<'a, 'b> {
    /// The connection, for contents that only the server has.
    pub inbox: &'a mut Inbox<'b>,
    /// The shared folder.
    pub root: &'a OwnedFd,
    /// What of it may be touched.
    pub policy: &'a Policy,
    /// The pull request.
    pub pull: &'a PullRequest,
    /// What the server has of the project.
    pub project: &'a Project,
    /// Which names were given.
    pub wanted: &'a Wanted,
    /// Which were taken before.
    pub taken: &'a mut Taken,
    /// Names that would be gone by now, where nothing is really done.
    pub rehearsed: Option<BTreeSet<FileName>>,
}

impl Steps<'_, '_> {
    /// Decides about the next name.
    ///
    /// # Errors
    ///
    /// The connection's.
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
            // What lies below something else than a folder is not there.
            Err(error) if theirs.is_none() && atomic::is_in_the_way(&error) => Ok(None),
            // No flag takes it, whatever the rules say.
            Err(error) if atomic::is_in_the_way(&error) => {
                step.action = Action::Fail(error.kind(), error.to_string());
                return Ok(step);
            }
            read => read,
        };
        // Asked once the file has been read: a rule that is written meanwhile counts.
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

    /// Reads what is here under a name, or would be after the steps so far.
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

    /// Whether what is here is what the author saw, of a file for which the pull request names no
    /// base: it is what the server has, and has had since before the pull request was sent. Where a
    /// client knows bases, a file without one is new to it: what is here was made meanwhile by
    /// somebody else.
    fn is_older(&self, name: &FileName, ours: &[u8]) -> bool {
        let stored: Option<&Stored> = self.project.get(name);
        self.pull.bases.is_empty()
            && self.pull.deleted_bases.is_empty()
            && stored.is_some_and(|stored| {
                stored.modified < self.pull.date && bases::is(ours, &stored.sha256)
            })
    }

    /// The content that the author started from, wherever it may still be.
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

/// The reason for one that becomes executable.
pub const BECOMES_EXECUTABLE: &str = "it becomes executable";

/// Whether a file is to be executable, and whether it is now; `None` where that is left alone.
/// `is_there` says whether the project's file is, as the server has it.
fn executable(ours: Option<&Found>, theirs: &Proposed, is_there: bool) -> Option<(bool, bool)> {
    let of_project = ours.is_none().then_some(is_there);
    let becomes = theirs.executable.or(of_project)?;
    Some((becomes, ours.is_some_and(|ours| ours.executable)))
}

/// Why a file is taken only where it is named.
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
