//! Which of a folder's files are shared: the ignore files on the way to each, the built-in list of
//! secrets, and what editors and systems leave.
//!
//! Rule files are read anew for every look and every file that is sent, never kept: a rule counts
//! from the moment in which it is written, not from the one in which we are told of it. git's
//! configuration, which says where some of them lie, is read once.

mod chain;
pub mod contents;
mod git;
mod leftovers;
pub mod memory;
mod notices;
pub mod patterns;
mod secrets;
pub mod skip;
pub mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, SERVER_FOLDER, WORK_FOLDER};
pub use crate::rules::chain::Chain;
use crate::rules::git::{Environment, Repository, Settings};
use crate::rules::leftovers::{leftover, original};
use crate::rules::memory::Memory;
use crate::rules::notices::Notices;
use crate::rules::patterns::Case;
use crate::rules::secrets::Secrets;
use crate::rules::skip::Skip;
pub use crate::rules::verdict::Verdict;

/// The files that hold rules, each with git's syntax; of one folder's a later one wins over an
/// earlier one.
const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tcignore"];

/// So often a verdict is asked for while rules are being written.
const SETTLING_ROUNDS: u32 = 20;

/// Where the excludes of a repository stand, and whether their case matters.
type Excludes = (Vec<PathBuf>, Case);

/// The rules of one folder that is shared.
#[derive(Debug)]
pub struct Rules {
    root: OwnedFd,
    dir: PathBuf,
    /// Folders above the shared one that belong to the same git repository, outermost first. Held
    /// open: one that is moved keeps its rules.
    above: Vec<Above>,
    /// The excludes of the user, and of the repository that the folder is or lies in.
    excludes: Vec<PathBuf>,
    /// The path from the top of that repository to the shared folder.
    prefix: String,
    case: Case,
    environment: Environment,
    /// The excludes of repositories in the shared folder, by their full names.
    inner: Mutex<BTreeMap<String, Result<Option<Excludes>, String>>>,
    secrets: Secrets,
    memory: Memory,
    notices: Notices,
}

/// A folder above the shared one.
#[derive(Debug)]
struct Above {
    folder: OwnedFd,
    path: PathBuf,
    /// The path from it to the shared folder.
    prefix: String,
}

impl Rules {
    /// The rules of `dir`, which is `root`; `allow` are patterns that lift the built-in list.
    ///
    /// # Errors
    ///
    /// A pattern that is none, or a configuration of git's that cannot be read.
    pub fn new(dir: &Path, root: OwnedFd, allow: &[String]) -> Result<Self, Failure> {
        Self::in_environment(dir, root, allow, Environment::of_process())
    }

    fn in_environment(
        dir: &Path,
        root: OwnedFd,
        allow: &[String],
        environment: Environment,
    ) -> Result<Self, Failure> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("The rules above the folder cannot be read: {why}."))
        };
        let dir = std::fs::canonicalize(dir).map_err(|error| unusable(&error))?;
        let repository = Repository::around(&dir, &environment);
        let (excludes, case) = match &repository {
            Some(repository) => repository.excludes(&environment),
            None => Settings::of(None, &dir, &environment)
                .map(|settings| (settings.excludes.into_iter().collect(), settings.case)),
        }
        .map_err(|error| unusable(&error))?;
        let top = repository.map_or_else(|| dir.clone(), |repository| repository.work_tree);
        let prefix = dir.strip_prefix(&top).ok().and_then(Path::to_str);
        let prefix = prefix.ok_or_else(|| unusable(&"its path is not UTF-8"))?;
        Ok(Self {
            root,
            above: above(&top, &dir).map_err(|error| unusable(&error))?,
            excludes,
            prefix: prefix.to_owned(),
            case,
            environment,
            inner: Mutex::default(),
            secrets: Secrets::new(allow)?,
            memory: Memory::default(),
            notices: Notices::default(),
            dir,
        })
    }

    /// The files elsewhere that hold rules, or would: a change of one is to be looked for in the
    /// folder that it lies in, where much else may change that is nobody's business here.
    pub fn files_elsewhere(&self) -> BTreeSet<PathBuf> {
        let above = self.above.iter();
        let above = above.flat_map(|above| RULE_FILES.map(|file| above.path.join(file)));
        let mut files: BTreeSet<_> = above.chain(self.excludes.iter().cloned()).collect();
        // People keep theirs with others, and a link where git looks.
        let real: Vec<_> = files
            .iter()
            .filter_map(|file| file.canonicalize().ok())
            .collect();
        files.extend(real);
        files
    }

    /// Sentences about lines of rule files that cannot mean what they say, which have not been said
    /// yet.
    pub fn notices(&self) -> Vec<String> {
        self.notices.take()
    }

    /// Whether a file of that name holds rules.
    pub fn is_rule_file(segment: &str) -> bool {
        RULE_FILES.contains(&segment)
    }

    /// The rules that hold in the whole shared folder.
    ///
    /// # Errors
    ///
    /// A rule file that cannot be read, or is just being written.
    pub fn top(&self) -> Result<Chain<'_>, Verdict> {
        Chain::top(self)
    }

    /// The excludes of the repository that begins at a folder in the shared one, if one does. Of
    /// its own configuration, read once: git asks it, too, and nobody else there.
    fn inner_excludes(&self, full: &str) -> Result<Option<Excludes>, Verdict> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.entry(full.to_owned()).or_insert_with(|| {
            let path = self.dir.join(full.trim_start_matches('/'));
            Repository::at(&path)
                .map(|repository| repository.excludes(&self.environment))
                .transpose()
        });
        found.clone().map_err(Verdict::Unknown)
    }

    /// What is to be done with a file or folder, where `chain` has the rules of all folders above
    /// it, the one that it lies in included, and these folders are themselves shared.
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
            // What somebody keeps beside a file holds what that holds.
            Some(original) if verdict == Verdict::Shared && !is_folder => {
                self.judge(chain, &original, false)
            }
            _ => verdict,
        }
    }

    /// Whether a file is shared although it holds, or is, what looks like a secret.
    pub fn allows_secret(&self, name: &FileName) -> bool {
        self.secrets.is_allowed(name.as_str())
    }

    /// What the beginning of a file says that no rule leaves out: [`Verdict::Holds`] or
    /// [`Verdict::Shared`].
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn judge_contents(&self, root: &OwnedFd, name: &FileName) -> std::io::Result<Verdict> {
        self.look(root, name, contents::look_into)
    }

    /// What a whole file says that no rule leaves out, likewise.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn judge_all_contents(&self, root: &OwnedFd, name: &FileName) -> std::io::Result<Verdict> {
        self.look(root, name, contents::look_through)
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

    /// Whether a file may be sent by the rules as they are at this moment.
    pub fn allow(&self, name: &FileName) -> bool {
        self.judge_now(name.as_str(), false) == Verdict::Shared
    }

    /// What is to be done with a file, by the rules as they are at this moment. A reader of a
    /// file asks again before it sends what it has read.
    pub fn judge_now(&self, full: &str, is_folder: bool) -> Verdict {
        let mut chain = match self.top() {
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
                // What is not there has no rules of its own.
                Err(Errno::NOENT) => return self.judge_missing(&chain, &path, segments, is_folder),
                Err(Errno::LOOP | Errno::NOTDIR) => return Verdict::Never(Skip::Link),
                Err(error) => return Verdict::Unknown(error.to_string()),
            };
        }
        Verdict::Shared
    }
}

impl Rules {
    /// Judges what lies below a folder that is not there.
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

/// Why nothing in a folder below the shared one is shared whatever the rules say: it is a server's
/// or a mirror's.
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

/// The folders above `dir` up to the top of the git repository that it lies in, outermost first.
fn above(top: &Path, dir: &Path) -> std::io::Result<Vec<Above>> {
    let within = dir
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(top));
    let mut above = Vec::new();
    for path in within {
        let prefix = dir.strip_prefix(path).ok().and_then(Path::to_str);
        above.push(Above {
            folder: dirfd::open_root(path)?,
            path: path.to_path_buf(),
            prefix: prefix
                .ok_or_else(|| std::io::Error::other("its path is not UTF-8"))?
                .to_owned(),
        });
    }
    above.reverse();
    Ok(above)
}

/// What is to be done with a file by the rules of this moment; rules that are just being written
/// are waited for.
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
