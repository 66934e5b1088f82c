//! Which files of a folder are shared: decided by the ignore files above each, the built-in list of
//! secrets, and the list of leftovers of editors and systems.
//!
//! Rule files are read again for every look and for every file that is sent, and are never cached:
//! a rule counts from the moment when it is written, not when an event arrives. git's
//! configuration, which says where some of them are, is read again when one of its files changes.

mod chain;
pub mod contents;
mod git;
mod leftovers;
pub mod memory;
mod notices;
pub mod patterns;
mod secrets;
mod seen;
mod settings;
pub mod skip;
mod sources;
pub mod verdict;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, SERVER_FOLDER, WORK_FOLDER};
pub use crate::rules::chain::Chain;
use crate::rules::git::Environment;
use crate::rules::leftovers::{leftover, original};
use crate::rules::secrets::Secrets;
use crate::rules::skip::Skip;
pub use crate::rules::sources::RULE_FILES;
use crate::rules::sources::Sources;
pub use crate::rules::verdict::Verdict;

/// How often a verdict is asked for again while rules are being written.
const SETTLING_ROUNDS: u32 = 20;

/// The rules of one shared folder.
#[derive(Debug)]
pub struct Rules {
    root: OwnedFd,
    sources: Sources,
    secrets: Secrets,
}

impl Rules {
    /// The rules of `dir`, which is opened as `root`; `allow` has patterns that override the
    /// built-in list.
    ///
    /// # Errors
    ///
    /// If a pattern is invalid, or git's configuration cannot be read.
    pub fn new(dir: &Path, root: OwnedFd, allow: &[String]) -> Result<Self, Failure> {
        Self::in_environment(dir, root, allow, Environment::of_process())
    }

    fn in_environment(
        dir: &Path,
        root: OwnedFd,
        allow: &[String],
        environment: Environment,
    ) -> Result<Self, Failure> {
        Ok(Self {
            root,
            sources: Sources::new(dir, environment)?,
            secrets: Secrets::new(allow)?,
        })
    }

    /// The files elsewhere that contain or may contain rules. Their folders must be watched for
    /// changes of these files; many other changes in them do not matter.
    pub fn files_elsewhere(&self) -> BTreeSet<PathBuf> {
        self.sources.files_elsewhere()
    }

    /// Sentences about lines of rule files that cannot mean what they seem to mean, as far as they
    /// have not been reported yet.
    pub fn notices(&self) -> Vec<String> {
        self.sources.notices.take()
    }

    /// Whether a file of that name contains rules.
    pub fn is_rule_file(segment: &str) -> bool {
        RULE_FILES.contains(&segment)
    }

    /// The rules that apply to the whole shared folder.
    ///
    /// # Errors
    ///
    /// If a rule file cannot be read, or has only just been written.
    pub fn top(&self) -> Result<Chain<'_>, Verdict> {
        Chain::top(&self.sources, &*self.sources.places()?)
    }

    /// As [`top`](Self::top), for one of many places: git's configuration is not checked again if
    /// it was checked only just now.
    ///
    /// # Errors
    ///
    /// As [`top`](Self::top).
    pub fn top_lately(&self) -> Result<Chain<'_>, Verdict> {
        Chain::top(&self.sources, &*self.sources.places_lately()?)
    }

    /// How often git's configuration has changed where rules are. After a change everything has to
    /// be looked at again, and other files elsewhere may contain rules.
    pub fn generation(&self) -> u64 {
        self.sources.generation()
    }

    /// The verdict for a file or folder. `chain` has the rules of all folders above it, including
    /// the one that contains it; these folders must be shared themselves.
    pub fn judge(&self, chain: &Chain<'_>, full: &str, is_folder: bool) -> Verdict {
        if let Err(fault) = FileName::parse(full) {
            return Verdict::Never(Skip::Name(fault));
        }
        if let Some(what) = leftover(full, is_folder) {
            return Verdict::Leftover(what);
        }
        let verdict = chain
            .judge(full, is_folder)
            .or_else(|| self.secrets.judge(full, is_folder).map(Verdict::Secret))
            .unwrap_or(Verdict::Shared);
        match original(full) {
            // A copy next to a file contains what the file contains.
            Some(original) if verdict == Verdict::Shared && !is_folder => {
                self.judge(chain, &original, false)
            }
            _ => verdict,
        }
    }

    /// Whether a file is shared although it is, or contains, what looks like a secret.
    pub fn allows_secret(&self, name: &FileName) -> bool {
        self.secrets.is_allowed(name.as_str())
    }

    /// Searches the beginning of a file that no rule leaves out. The result is [`Verdict::Holds`]
    /// or [`Verdict::Shared`].
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn judge_contents(&self, root: &OwnedFd, name: &FileName) -> std::io::Result<Verdict> {
        self.look(root, name, contents::look_into)
    }

    /// Searches a whole file that no rule leaves out, with the same results.
    ///
    /// # Errors
    ///
    /// The system's error, or one that says that it was stopped.
    pub fn judge_all_contents(
        &self,
        root: &OwnedFd,
        name: &FileName,
        stop: &CancellationToken,
    ) -> std::io::Result<Verdict> {
        self.look(root, name, |file| {
            contents::look_through(dirfd::ReadUntil { stop, file })
        })
    }

    fn look(
        &self,
        root: &OwnedFd,
        name: &FileName,
        look: impl FnOnce(File) -> std::io::Result<Option<&'static str>>,
    ) -> std::io::Result<Verdict> {
        if self.allows_secret(name) {
            return Ok(Verdict::Shared);
        }
        let (folder, leaf) = dirfd::open_parent(root, name)?;
        let found = look(dirfd::open_file(&folder, leaf)?)?;
        Ok(found.map_or(Verdict::Shared, Verdict::Holds))
    }

    /// Whether a file may be sent by the rules of this moment.
    pub fn allow(&self, name: &FileName) -> bool {
        self.judge_now(name.as_str(), false) == Verdict::Shared
    }

    /// The verdict for a file by the rules of this moment. After a file has been read, the caller
    /// asks again before sending what was read.
    pub fn judge_now(&self, full: &str, is_folder: bool) -> Verdict {
        let mut chain = match self.top_lately() {
            Ok(chain) => chain,
            Err(verdict) => return verdict,
        };
        let mut folder = match dirfd::open_below(&self.root, "") {
            Ok(folder) => folder,
            Err(error) => return Verdict::Unknown(error.to_string()),
        };
        let mut path = String::new();
        let mut segments = full.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            if let Err(verdict) = chain.enter(&folder, &path) {
                return verdict;
            }
            if let Some(skip) = foreign(&folder, &path) {
                return Verdict::Never(skip);
            }
            path = format!("{path}/{segment}");
            let is_last = segments.peek().is_none();
            let verdict = self.judge(&chain, &path, is_folder || !is_last);
            if is_last || verdict != Verdict::Shared {
                return verdict;
            }
            folder = match dirfd::open_folder(&folder, segment) {
                Ok(folder) => folder,
                // A missing folder has no rules of its own.
                Err(Errno::NOENT) => return self.judge_missing(&chain, &path, segments, is_folder),
                // The same holds for anything that would be below a file.
                Err(Errno::NOTDIR) if is_file(&folder, segment) => {
                    return self.judge_missing(&chain, &path, segments, is_folder);
                }
                Err(Errno::LOOP | Errno::NOTDIR) => return Verdict::Never(Skip::Link),
                Err(error) => return Verdict::Unknown(error.to_string()),
            };
        }
        Verdict::Shared
    }

    /// Judges something below a missing folder.
    fn judge_missing<'a>(
        &self,
        chain: &Chain<'_>,
        below: &str,
        segments: std::iter::Peekable<impl Iterator<Item = &'a str>>,
        is_folder: bool,
    ) -> Verdict {
        let (mut path, mut segments) = (below.to_owned(), segments);
        while let Some(segment) = segments.next() {
            path = format!("{path}/{segment}");
            let is_last = segments.peek().is_none();
            let verdict = self.judge(chain, &path, is_folder || !is_last);
            if verdict != Verdict::Shared {
                return verdict;
            }
        }
        Verdict::Shared
    }
}

fn is_file(folder: &OwnedFd, segment: &str) -> bool {
    let found = dirfd::look(folder, segment);
    matches!(found, Ok(Some(stat)) if dirfd::kind(&stat) == FileType::RegularFile)
}

/// Why nothing in a folder below the shared one is shared, whatever the rules say: the folder
/// belongs to a server or is a mirror.
pub fn foreign(folder: &OwnedFd, path: &str) -> Option<Skip> {
    let holds = |name| !path.is_empty() && matches!(dirfd::look(folder, name), Ok(Some(_)));
    if holds(SERVER_FOLDER) {
        Some(Skip::ServerBase)
    } else if holds(WORK_FOLDER) {
        Some(Skip::Mirror)
    } else {
        None
    }
}

/// The verdict for a file by the rules of this moment; waits for rules that are being written.
pub async fn verdict(rules: &Rules, name: &FileName) -> Verdict {
    let mut verdict = rules.judge_now(name.as_str(), false);
    for _ in 0..SETTLING_ROUNDS {
        if verdict != Verdict::Settling {
            break;
        }
        tokio::time::sleep(memory::SETTLING).await;
        verdict = rules.judge_now(name.as_str(), false);
    }
    verdict
}

#[cfg(test)]
mod as_git;
#[cfg(test)]
mod tests;
