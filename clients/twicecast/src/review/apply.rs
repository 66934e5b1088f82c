//! Applies a pull request to the folder.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;

use crate::failure::Failure;
use crate::fs::atomic;
use crate::names::{FileName, shown};
use crate::review::backup::Backups;
use crate::review::contents::Contents;
use crate::review::steps::{Action, Step, Steps};
use crate::review::temporaries;
use crate::ui::output::{Line, warn};

/// How often it is saved what has been taken.
const NOTE_EVERY: Duration = Duration::from_millis(100);

/// The result of applying a pull request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether there are conflicts to resolve.
    pub has_conflicts: bool,
    /// The files with changes on both sides.
    pub conflicts: Vec<FileName>,
    /// Files that were not wanted or are held back; they are taken if they are named.
    pub to_name: Vec<String>,
    /// Files that stay as they are or could not be written; they have to be handled manually.
    pub to_solve: Vec<String>,
    /// Whether files were left out that the person had not excluded.
    pub has_left_out: bool,
}

impl Outcome {
    /// The command's exit code.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.has_conflicts || self.has_left_out)
    }

    /// Whether everything that can be taken was taken.
    pub fn is_whole(&self) -> bool {
        self.to_name.is_empty() && self.to_solve.is_empty()
    }
}

/// Writes what the pull request proposes into the folder `dir`, or only the files that are wanted,
/// and reports each.
///
/// # Errors
///
/// A sentence, if the connection breaks, or replaced files cannot be kept.
pub async fn run(
    dir: &Path,
    steps: &mut Steps<'_, '_>,
    contents: &Contents,
    tell: &mut (dyn FnMut(Line) + Send),
) -> Result<Outcome, Failure> {
    temporaries::sweep(steps.root);
    let mut applying = Applying {
        backups: Backups::of(steps.pull.id.raw(), dir)?,
        outcome: Outcome::default(),
        tell,
    };
    let applied = applying.all(steps, contents).await;
    note(steps);
    applying.outcome.has_conflicts |= applying.backups.tell(applying.tell);
    applied.map(|()| applying.outcome)
}

/// Saves what has been taken so far.
fn note(steps: &Steps<'_, '_>) {
    if let Err(error) = steps.taken.write() {
        warn(&format!("What was taken cannot be noted: {error}."));
    }
}

struct Applying<'t> {
    backups: Backups,
    outcome: Outcome,
    tell: &'t mut (dyn FnMut(Line) + Send),
}

impl Applying<'_> {
    async fn all(&mut self, steps: &mut Steps<'_, '_>, contents: &Contents) -> Result<(), Failure> {
        let wanted = steps.wanted;
        for (name, fault) in &contents.refused {
            self.outcome.has_left_out = true;
            (self.tell)(Line::Trouble(format!(
                "{}: not applied: {fault}",
                shown(name)
            )));
        }
        let mut noted = Instant::now();
        for name in contents.names() {
            if !wanted.wants(name) {
                if steps.taken.has(steps.pull, name) {
                    continue;
                }
                (self.tell)(Line::Said(format!(
                    "{name}: not taken: --files does not name it"
                )));
                self.outcome.to_name.push(name.to_string());
                continue;
            }
            let step = steps.next(name, contents).await?;
            self.take(&step, steps);
            // If `apply` is stopped in the middle, the next one continues from about here.
            if noted.elapsed() > NOTE_EVERY {
                note(steps);
                noted = Instant::now();
            }
        }
        Ok(())
    }

    fn take(&mut self, step: &Step<'_>, steps: &mut Steps<'_, '_>) {
        let name = step.name;
        let left_out = match (&step.action, &step.held) {
            (Action::LeaveOut(why), _) => Some(why),
            (Action::TakenBefore, _) => None,
            (Action::Nothing, _) if step.executable().is_none() => None,
            (_, held) => held.as_ref(),
        };
        if let Some(why) = left_out {
            (self.tell)(Line::Trouble(format!(
                "{name}: left out: {why}; name it with --files to apply it all the same"
            )));
            self.outcome.has_left_out = true;
            return self.outcome.to_name.push(name.to_string());
        }
        match self.carry_out(step, steps.root) {
            Ok(said) => {
                if step.is_conflict() {
                    self.outcome.has_conflicts = true;
                    self.outcome.conflicts.push(name.clone());
                }
                if matches!(step.action, Action::PutAside(_) | Action::Keep) {
                    self.outcome.to_solve.push(name.to_string());
                } else {
                    steps.taken.add(steps.pull, name);
                }
                let bit = match step.executable() {
                    Some(true) => ", and is executable now",
                    Some(false) => ", and is not executable any more",
                    None => "",
                };
                (self.tell)(Line::Said(format!("{name}: {said}{bit}")));
            }
            Err(error) => {
                (self.tell)(Line::Trouble(format!("{name}: not applied: {error}")));
                self.outcome.has_left_out = true;
                self.outcome.to_solve.push(name.to_string());
            }
        }
    }

    /// Carries out a step, and returns what to say about it.
    fn carry_out(&mut self, step: &Step<'_>, root: &OwnedFd) -> std::io::Result<String> {
        let name = step.name;
        let ours = step.ours.as_ref().map(|ours| ours.content.as_slice());
        let executable = step.executable();
        if let Some(content) = step.content() {
            self.backups
                .replace(root, name, ours, content, executable)?;
        } else if let (Action::Delete, Some(ours)) = (&step.action, ours) {
            self.backups.remove(root, name, ours)?;
        } else if let Some(executable) = executable {
            atomic::set_executable(root, name, executable)?;
        }
        Ok(match &step.action {
            Action::PutAside(why) => {
                let theirs = step.theirs.map_or(&[][..], |theirs| &theirs.content);
                let path = self.backups.put_aside(name, theirs)?;
                let path = shown(&path.to_string_lossy());
                format!(
                    "{}, what is proposed is {path}",
                    what(&step.action, Some(why))
                )
            }
            Action::Fail(kind, why) => return Err(std::io::Error::new(*kind, why.clone())),
            Action::Nothing if step.theirs.is_none() => "is gone already".to_owned(),
            action => what(action, None),
        })
    }
}

/// What is done with a file, as people read it.
pub fn what(action: &Action, why: Option<&str>) -> String {
    match action {
        Action::Nothing => "is so already".to_owned(),
        Action::TakenBefore => "was taken before; name it with --files to take it again".to_owned(),
        Action::Add => "added".to_owned(),
        Action::Restore => {
            "CONFLICT: was deleted here meanwhile; it is back as proposed".to_owned()
        }
        Action::Replace => "replaced".to_owned(),
        Action::Merge(_) => "merged with what has changed here".to_owned(),
        Action::Conflict(_) => "CONFLICT: solve what stands between <<<<<<< and >>>>>>>".to_owned(),
        Action::PutAside(reason) => format!("CONFLICT: {}; yours stays", why.unwrap_or(reason)),
        Action::Delete => "deleted".to_owned(),
        Action::Keep => "CONFLICT: it is to be deleted, and has changed here; it stays".to_owned(),
        Action::LeaveOut(reason) | Action::Fail(_, reason) => reason.clone(),
    }
}
