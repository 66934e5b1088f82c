//! Taking a pull request over into the folder.

use std::collections::BTreeMap;
use std::path::Path;

use ignore::gitignore::GitignoreBuilder;
use rustix::fd::OwnedFd;

use super::backups::Backups;
use super::bases;
use super::decide::{Decision, decide};
use super::desk::Desk;
use super::put::{self, Place};
use super::working;
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::plan::Remote;
use crate::protocol::PullRequest;
use crate::report::{say, warn};
use crate::scan;

/// Conflicts are there to be solved.
const CONFLICTS: u8 = 1;
/// Something could not be written.
pub(super) const NOT_WRITTEN: u8 = 2;

/// Writes what the pull request proposes, or those of its files that the patterns name, into the folder. Returns 0,
/// [`CONFLICTS`] or [`NOT_WRITTEN`].
pub(super) async fn run(
    desk: &mut Desk<'_>,
    dir: &Path,
    pull: &PullRequest,
    patterns: &[String],
) -> Result<u8, Failure> {
    let root = scan::open(dir)?;
    let wanted = wanted(patterns)?;
    let files = desk.files(pull).await?;
    let project = desk.project().await?;
    let backups = Backups::of(&pull.id).ok_or_else(|| {
        Failure::usage("There is no place to keep what is replaced: set HOME or XDG_STATE_HOME.")
    })?;
    let mut applying = Applying {
        desk,
        root,
        project,
        backups,
        code: 0,
    };
    for (name, theirs) in files.iter().filter(|(name, _)| wanted(name)) {
        let base = pull.bases.get(name.as_str()).map(String::as_str);
        applying.file(name, theirs, base).await?;
    }
    for name in &pull.deleted {
        match FileName::parse(name) {
            Ok(name) if wanted(&name) => applying.deletion(&name),
            Ok(_) => {}
            Err(fault) => warn(&format!("{}: not deleted: {fault}", shown(name))),
        }
    }
    if let Some(folder) = applying.backups.used() {
        say(&format!(
            "what was replaced is kept in {}",
            shown(&folder.to_string_lossy())
        ));
    }
    Ok(applying.code)
}

/// Whether one of the patterns names a file; all, where there are none.
fn wanted(patterns: &[String]) -> Result<impl Fn(&FileName) -> bool + use<>, Failure> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let added = builder.add_line(None, pattern).map(|_| ());
        added.map_err(|error| Failure::usage(format!("--files {}: {error}.", shown(pattern))))?;
    }
    let matcher = builder.build();
    let matcher = matcher.map_err(|error| Failure::usage(format!("--files: {error}.")))?;
    let all = patterns.is_empty();
    Ok(move |name: &FileName| {
        let path = name.as_str().trim_start_matches('/');
        all || matcher.matched_path_or_any_parents(path, false).is_ignore()
    })
}

struct Applying<'a, 'b> {
    desk: &'a mut Desk<'b>,
    root: OwnedFd,
    project: BTreeMap<FileName, Remote>,
    backups: Backups,
    code: u8,
}

impl Applying<'_, '_> {
    async fn file(
        &mut self,
        name: &FileName,
        theirs: &[u8],
        base: Option<&str>,
    ) -> Result<(), Failure> {
        let looked =
            put::look(&self.root, name).and_then(|place| Ok((place, working(&self.root, name)?)));
        let (place, ours) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                self.fail(name, &error);
                return Ok(());
            }
        };
        let ours = ours.as_deref();
        let is_unchanged =
            matches!((ours, base), (Some(ours), Some(base)) if bases::is(ours, base));
        let content = match base {
            Some(base) if ours.is_some() && !is_unchanged => self.base(name, base).await?,
            _ => None,
        };
        let decision = decide(
            ours,
            theirs,
            base.is_some(),
            is_unchanged,
            content.as_deref(),
        );
        let (said, put) = match &decision {
            Decision::Nothing => ("is so already".to_owned(), None),
            Decision::Take if ours.is_none() && base.is_some() => {
                self.code = self.code.max(CONFLICTS);
                (
                    "was deleted here meanwhile; it is back as proposed".to_owned(),
                    Some(theirs),
                )
            }
            Decision::Take if ours.is_none() => ("added".to_owned(), Some(theirs)),
            Decision::Take => ("replaced".to_owned(), Some(theirs)),
            Decision::Merged(text) => (
                "merged with what has changed here".to_owned(),
                Some(text.as_bytes()),
            ),
            Decision::Conflict(text) => {
                self.code = self.code.max(CONFLICTS);
                (
                    "CONFLICT: solve what stands between <<<<<<< and >>>>>>>".to_owned(),
                    Some(text.as_bytes()),
                )
            }
            Decision::Replace(why) => (format!("replaced; yours is kept: {why}"), Some(theirs)),
            Decision::Aside(why) => {
                self.code = self.code.max(CONFLICTS);
                let aside = self.backups.keep(name, ".proposed", theirs);
                match aside {
                    Ok(path) => {
                        let path = path.to_string_lossy();
                        (
                            format!(
                                "CONFLICT: {why}; yours stays, what is proposed is {}",
                                shown(&path)
                            ),
                            None,
                        )
                    }
                    Err(error) => {
                        self.fail(name, &error);
                        return Ok(());
                    }
                }
            }
        };
        let done = put.map_or(Ok(()), |content| self.replace(name, place, ours, content));
        match done {
            Ok(()) => say(&format!("{name}: {said}")),
            Err(error) => self.fail(name, &error),
        }
        Ok(())
    }

    /// Nothing is replaced before it is kept.
    fn replace(
        &mut self,
        name: &FileName,
        place: Place,
        ours: Option<&[u8]>,
        content: &[u8],
    ) -> std::io::Result<()> {
        if let Some(ours) = ours {
            self.backups.keep(name, "", ours)?;
        }
        put::write(&self.root, name, place, content)
    }

    fn deletion(&mut self, name: &FileName) {
        let looked =
            put::look(&self.root, name).and_then(|place| Ok((place, working(&self.root, name)?)));
        match looked {
            Ok((_, None)) => say(&format!("{name}: is gone already")),
            // What the author saw was what the server has, or something older.
            Ok((_, Some(ours))) if !self.is_shared(name, &ours) => {
                self.code = self.code.max(CONFLICTS);
                say(&format!(
                    "{name}: CONFLICT: it is to be deleted, and has changed here; it stays"
                ));
            }
            Ok((place, Some(ours))) => {
                let kept = self.backups.keep(name, "", &ours);
                match kept.and_then(|_| put::remove(&self.root, name, place)) {
                    Ok(()) => say(&format!("{name}: deleted")),
                    Err(error) => self.fail(name, &error),
                }
            }
            Err(error) => self.fail(name, &error),
        }
    }

    /// Whether the server has exactly this.
    fn is_shared(&self, name: &FileName, ours: &[u8]) -> bool {
        self.project
            .get(name)
            .is_some_and(|remote| bases::is(ours, &remote.sha256))
    }

    /// The content that the author started from, wherever it may still be.
    async fn base(&mut self, name: &FileName, sha256: &str) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(content) = bases::find(sha256) {
            return Ok(Some(content));
        }
        if self
            .project
            .get(name)
            .is_none_or(|remote| remote.sha256 != sha256)
        {
            return Ok(None);
        }
        let content = self.desk.file(name).await?;
        Ok(Some(content).filter(|content| bases::is(content, sha256)))
    }

    fn fail(&mut self, name: &FileName, why: &std::io::Error) {
        self.code = NOT_WRITTEN;
        warn(&format!("{name}: not applied: {why}"));
    }
}
