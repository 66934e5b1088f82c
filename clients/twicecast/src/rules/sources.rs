//! Where the rules of a folder stand: in the rule files of its folders and of those above it, and
//! in the excludes of git.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::rules::git::{Environment, Repository, Settings};
use crate::rules::memory::Memory;
use crate::rules::notices::Notices;
use crate::rules::patterns::Case;
use crate::rules::verdict::Verdict;

/// The files that hold rules, each with git's syntax; of one folder's a later one wins over an
/// earlier one.
pub const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tcignore"];

/// Where the excludes of a repository stand, and whether their case matters.
pub type Excludes = (Vec<PathBuf>, Case);

/// Where the rules of one folder stand, and what is known of them from earlier reads.
#[derive(Debug)]
pub struct Sources {
    dir: PathBuf,
    /// Folders above the shared one that belong to the same git repository, outermost first. Held
    /// open: one that is moved keeps its rules.
    pub above: Vec<Above>,
    /// The excludes of the user, and of the repository that the folder is or lies in.
    pub excludes: Vec<PathBuf>,
    /// The path from the top of that repository to the shared folder.
    pub prefix: String,
    /// Whether case matters in that repository.
    pub case: Case,
    environment: Environment,
    /// The excludes of repositories in the shared folder, by their full names.
    inner: Mutex<BTreeMap<String, Excludes>>,
    /// Which rule files held rules.
    pub memory: Memory,
    /// Lines that cannot mean what they say.
    pub notices: Notices,
}

/// A folder above the shared one.
#[derive(Debug)]
pub struct Above {
    /// The folder.
    pub folder: OwnedFd,
    /// Its path.
    pub path: PathBuf,
    /// The path from it to the shared folder.
    pub prefix: String,
}

impl Sources {
    /// Finds them for `dir`.
    ///
    /// # Errors
    ///
    /// A configuration of git's that cannot be read.
    pub fn new(dir: &Path, environment: Environment) -> Result<Self, Failure> {
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
            above: above(&top, &dir).map_err(|error| unusable(&error))?,
            excludes,
            prefix: prefix.to_owned(),
            case,
            environment,
            inner: Mutex::default(),
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

    /// The excludes of the repository that begins at a folder in the shared one, if one does. Of
    /// its own configuration, read once: git asks it, too, and nobody else there.
    ///
    /// # Errors
    ///
    /// [`Verdict::Unknown`] where its configuration cannot be read.
    pub fn inner_excludes(&self, full: &str) -> Result<Option<Excludes>, Verdict> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = inner.get(full) {
            return Ok(Some(found.clone()));
        }
        let path = self.dir.join(full.trim_start_matches('/'));
        let found = Repository::at(&path)
            .map(|repository| repository.excludes(&self.environment))
            .transpose()
            .map_err(Verdict::Unknown)?;
        // One that is just being made, or cannot be read at the moment, is looked at again.
        if let Some(found) = &found {
            inner.insert(full.to_owned(), found.clone());
        }
        Ok(found)
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
