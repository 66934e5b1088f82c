//! Taking a pull request over into the folder.

use std::path::Path;

use rustix::fd::OwnedFd;

use crate::failure::Failure;
use crate::fs::atomic;
use crate::names::{FileName, shown};
use crate::protocol::PullRequest;
use crate::review::backup::Backups;
use crate::review::contents::Contents;
use crate::review::decide::{Decision, Start, decide};
use crate::review::inbox::{Desk, Project, Stored};
use crate::review::policy::Gate;
use crate::review::wanted::Wanted;
use crate::review::{bases, policy};
use crate::ui::output::{say, warn};

/// The folder that is shared.
pub struct Folder<'a> {
    /// Its path.
    pub dir: &'a Path,
    /// Itself.
    pub root: &'a OwnedFd,
    /// Which of its names may be touched.
    pub gate: &'a Gate,
}

/// What has come of a pull request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Names that were taken up, also those that were so already.
    pub taken: usize,
    /// There are conflicts to solve.
    pub has_conflicts: bool,
    /// Some names were left out, and are named.
    pub has_left_out: bool,
    /// Something could not be written.
    pub has_failed: bool,
}

impl Outcome {
    /// The command's exit code.
    pub fn exit_code(self) -> u8 {
        u8::from(self.has_conflicts || self.has_left_out || self.has_failed)
    }

    /// Whether it is not done with.
    pub fn stays_open(self) -> bool {
        self.has_failed || (self.taken == 0 && self.has_left_out)
    }
}

/// Writes what the pull request proposes, or those of its files that are wanted, into the folder.
pub async fn run(
    desk: &mut Desk<'_>,
    folder: &Folder<'_>,
    pull: &PullRequest,
    project: Project,
    wanted: &Wanted,
) -> Result<Outcome, Failure> {
    let backups = Backups::of(&pull.id, folder.dir)?;
    let contents = desk.contents(pull).await?;
    let mut applying = Applying {
        desk,
        folder,
        pull,
        project,
        wanted,
        backups,
        outcome: Outcome::default(),
    };
    let applied = applying.all(&contents).await;
    if let Some(folder) = applying.backups.replaced() {
        let folder = folder.to_string_lossy();
        say(&format!("what was replaced is kept in {}", shown(&folder)));
    }
    applied.map(|()| applying.outcome)
}

struct Applying<'a, 'b> {
    desk: &'a mut Desk<'b>,
    folder: &'a Folder<'a>,
    pull: &'a PullRequest,
    project: Project,
    wanted: &'a Wanted,
    backups: Backups,
    outcome: Outcome,
}

impl Applying<'_, '_> {
    async fn all(&mut self, contents: &Contents) -> Result<(), Failure> {
        let (wanted, unwanted): (Vec<_>, Vec<_>) =
            contents.names().partition(|name| self.wanted.wants(name));
        if wanted.is_empty() && !self.wanted.is_all() {
            return Err(Failure::usage(
                "--files names none of its files; `twicecast pulls show` shows them.",
            ));
        }
        for (name, fault) in &contents.refused {
            self.outcome.has_left_out = true;
            warn(&format!("{}: not applied: {fault}", shown(name)));
        }
        for name in wanted {
            match contents.files.get(name) {
                Some(theirs) => self.file(name, theirs).await?,
                None => self.deletion(name).await,
            }
        }
        for name in unwanted {
            say(&format!("{name}: not taken: --files does not name it"));
        }
        Ok(())
    }

    /// Reads what is here under a name, unless that is left alone.
    async fn ours(&mut self, name: &FileName) -> Option<Option<Vec<u8>>> {
        let read = atomic::read(self.folder.root, name);
        if !self.wanted.names(name) {
            let why = match self.folder.gate.refusal(name).await {
                None if policy::is_rules(name) => {
                    Some("it holds the rules that say what is shared".to_owned())
                }
                why => why,
            };
            if let Some(why) = why {
                self.outcome.has_left_out = true;
                warn(&format!(
                    "{name}: left out: {why}; name it with --files to apply it all the same"
                ));
                return None;
            }
        }
        match read {
            Ok(ours) => {
                self.outcome.taken += 1;
                Some(ours)
            }
            Err(error) => {
                self.fail(name, &error);
                None
            }
        }
    }

    async fn file(&mut self, name: &FileName, theirs: &[u8]) -> Result<(), Failure> {
        let Some(ours) = self.ours(name).await else {
            return Ok(());
        };
        let ours = ours.as_deref();
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
        let decision = decide(ours, theirs, start);
        let is_back = ours.is_none() && base.is_some();
        if let Err(error) = self.carry_out(name, ours, theirs, &decision, is_back) {
            self.fail(name, &error);
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        name: &FileName,
        ours: Option<&[u8]>,
        theirs: &[u8],
        decision: &Decision,
        is_back: bool,
    ) -> std::io::Result<()> {
        let (said, content) = match decision {
            Decision::Nothing => ("is so already", None),
            Decision::Take if is_back => (
                "CONFLICT: was deleted here meanwhile; it is back as proposed",
                Some(theirs),
            ),
            Decision::Take if ours.is_none() => ("added", Some(theirs)),
            Decision::Take => ("replaced", Some(theirs)),
            Decision::Merged(text) => ("merged with what has changed here", Some(text.as_slice())),
            Decision::Conflict(text) => (
                "CONFLICT: solve what stands between <<<<<<< and >>>>>>>",
                Some(text.as_slice()),
            ),
            Decision::Aside(why) => return self.put_aside(name, theirs, why),
        };
        if let Some(content) = content {
            if let Some(ours) = ours {
                // Nothing is replaced before it is kept.
                self.backups.keep(name, ours)?;
            }
            atomic::write(self.folder.root, name, ours, content)?;
        }
        self.outcome.has_conflicts |= is_back || matches!(decision, Decision::Conflict(_));
        say(&format!("{name}: {said}"));
        Ok(())
    }

    fn put_aside(&mut self, name: &FileName, theirs: &[u8], why: &str) -> std::io::Result<()> {
        let path = self.backups.put_aside(name, theirs)?;
        self.outcome.has_conflicts = true;
        let path = shown(&path.to_string_lossy());
        say(&format!(
            "{name}: CONFLICT: {why}; yours stays, what is proposed is {path}"
        ));
        Ok(())
    }

    async fn deletion(&mut self, name: &FileName) {
        match self.ours(name).await {
            None => {}
            Some(None) => say(&format!("{name}: is gone already")),
            // What the author saw was what the server had then.
            Some(Some(ours)) if !self.is_what_they_saw(name, &ours) => {
                self.outcome.has_conflicts = true;
                say(&format!(
                    "{name}: CONFLICT: it is to be deleted, and has changed here; it stays"
                ));
            }
            Some(Some(ours)) => {
                let kept = self.backups.keep(name, &ours);
                match kept.and_then(|()| atomic::remove(self.folder.root, name, &ours)) {
                    Ok(()) => say(&format!("{name}: deleted")),
                    Err(error) => self.fail(name, &error),
                }
            }
        }
    }

    /// Whether what is here is what the server has, and has had since before the pull request was
    /// sent.
    fn is_what_they_saw(&self, name: &FileName, ours: &[u8]) -> bool {
        self.project.get(name).is_some_and(|stored| {
            stored.modified <= self.pull.date && bases::is(ours, &stored.sha256)
        })
    }

    /// Likewise, of a file for which the pull request names no base. One from a client that knows
    /// bases, and one that the server has not, is new: what is here was made meanwhile by somebody
    /// else.
    fn is_older(&self, name: &FileName, ours: &[u8]) -> bool {
        let stored: Option<&Stored> = self.project.get(name);
        self.pull.bases.is_empty()
            && stored.is_some_and(|stored| stored.modified < self.pull.date)
            && self.is_what_they_saw(name, ours)
    }

    /// The content that the author started from, wherever it may still be.
    async fn base(&mut self, name: &FileName, sha256: &str) -> Result<Option<Vec<u8>>, Failure> {
        let project = self.desk.identity.full_project();
        if let Some(content) = bases::find(&project, sha256) {
            return Ok(Some(content));
        }
        let stored = self.project.get(name);
        if stored.is_none_or(|stored| stored.sha256 != sha256) {
            return Ok(None);
        }
        let content = self.desk.file(name).await?;
        Ok(content.filter(|content| bases::is(content, sha256)))
    }

    fn fail(&mut self, name: &FileName, why: &std::io::Error) {
        self.outcome.has_failed = true;
        warn(&format!("{name}: not applied: {why}"));
    }
}
