//! Where the rules of a folder come from: the rule files of its folders and of those above it, and
//! the excludes of git.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::shown;
use crate::rules::git::{Environment, Repository};
use crate::rules::memory::{Memory, SETTLING};
use crate::rules::notices::Notices;
use crate::rules::patterns::Case;
use crate::rules::seen::Seen;
use crate::rules::settings::{self, Excludes, Settings};
use crate::rules::verdict::Verdict;

/// The rule files, each in git's syntax. In one folder, a later file takes precedence over an
/// earlier one.
pub const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tcignore"];

/// Files of git's that are not watched: they change with every command, and are checked whenever
/// anything else has changed.
const UNWATCHED: [&str; 5] = [".git", "HEAD", "commondir", "objects", "refs"];
/// How often the files of git's configuration are checked at most for single files.
const GLANCE_EVERY: Duration = Duration::from_millis(10);

/// The sources of one folder's rules, and what is known about them from earlier reads.
#[derive(Debug)]
pub struct Sources {
    dir: PathBuf,
    environment: Environment,
    current: Mutex<Current>,
    /// The excludes of repositories in the shared folder, by their full names.
    inner: Mutex<BTreeMap<String, (Excludes, Seen)>>,
    /// Which rule files contained rules.
    pub memory: Memory,
    /// Lines that cannot mean what they seem to mean.
    pub notices: Notices,
}

/// What git's configuration says at the moment.
#[derive(Debug)]
struct Current {
    places: Arc<Places>,
    looked: Instant,
    /// Whether the last check found no problem.
    is_sound: bool,
    /// How often the places have changed.
    generation: u64,
}

/// Where git's configuration places rules, besides those in the shared folder itself.
#[derive(Debug)]
pub struct Places {
    /// Folders above the shared one that belong to the same git repository, outermost first. They
    /// are kept open, so that a folder that is moved keeps its rules.
    pub above: Vec<Above>,
    /// The excludes of the user, and of the repository that contains the folder.
    pub excludes: Vec<PathBuf>,
    /// The path from the top of that repository to the shared folder.
    pub prefix: String,
    /// Whether case matters in that repository.
    pub case: Case,
    /// The files that all this was read from.
    seen: Seen,
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

impl Places {
    fn find(dir: &Path, environment: &Environment) -> Result<Self, String> {
        let mut seen = Seen::default();
        let repository = Repository::around(dir, environment, &mut seen);
        let (excludes, case) = if let Some(repository) = &repository {
            settings::excludes(repository, environment, &mut seen)?
        } else {
            let settings = Settings::of(None, dir, environment, &mut seen)?;
            (settings.excludes.into_iter().collect(), settings.case)
        };
        let top = repository.map_or_else(|| dir.to_owned(), |repository| repository.work_tree);
        let prefix = dir.strip_prefix(&top).ok().and_then(Path::to_str);
        let prefix = prefix.ok_or("its path is not UTF-8")?;
        Ok(Self {
            above: above(&top, dir).map_err(|error| error.to_string())?,
            excludes,
            prefix: prefix.to_owned(),
            case,
            seen,
        })
    }

    /// The files outside the shared folder that contain or may contain rules.
    fn rule_files(&self) -> impl Iterator<Item = PathBuf> {
        let above = self.above.iter();
        let above = above.flat_map(|above| RULE_FILES.map(|file| above.path.join(file)));
        above.chain(self.excludes.iter().cloned())
    }

    fn watched(&self) -> BTreeSet<PathBuf> {
        let seen = self.seen.paths().filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_none_or(|name| !UNWATCHED.contains(&name))
        });
        self.rule_files().chain(seen.cloned()).collect()
    }

    fn is_as(&self, other: &Self) -> bool {
        let paths = |places: &Self| -> Vec<PathBuf> {
            places
                .above
                .iter()
                .map(|above| above.path.clone())
                .collect()
        };
        paths(self) == paths(other)
            && (&self.excludes, &self.prefix, self.case)
                == (&other.excludes, &other.prefix, other.case)
            && self.watched() == other.watched()
    }
}

impl Sources {
    /// Finds the sources for `dir`.
    ///
    /// # Errors
    ///
    /// If git's configuration cannot be read.
    pub fn new(dir: &Path, environment: Environment) -> Result<Self, Failure> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("The rules above the folder cannot be read: {why}."))
        };
        let dir = std::fs::canonicalize(dir).map_err(|error| unusable(&error))?;
        let places = Places::find(&dir, &environment).map_err(|why| unusable(&shown(&why)))?;
        Ok(Self {
            environment,
            current: Mutex::new(Current {
                places: Arc::new(places),
                looked: Instant::now(),
                is_sound: true,
                generation: 0,
            }),
            inner: Mutex::default(),
            memory: Memory::default(),
            notices: Notices::default(),
            dir,
        })
    }

    /// Where rules are at this moment; files of git's configuration are read again if they have
    /// changed.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] if one of them is being written, or rules that applied until just now
    /// no longer do; [`Verdict::Unknown`] if one cannot be read.
    pub fn places(&self) -> Result<Arc<Places>, Verdict> {
        let mut current = self.lock();
        (current.looked, current.is_sound) = (Instant::now(), false);
        if current.places.seen.is_current() {
            current.is_sound = true;
            return Ok(Arc::clone(&current.places));
        }
        let places = Places::find(&self.dir, &self.environment).map_err(Verdict::Unknown)?;
        if places.seen.is_younger_than(SETTLING) {
            return Err(Verdict::Settling);
        }
        let still: BTreeSet<_> = places.rule_files().collect();
        for gone in current
            .places
            .rule_files()
            .filter(|file| !still.contains(file))
        {
            self.memory.missing(&gone.to_string_lossy())?;
        }
        if !places.is_as(&current.places) {
            current.generation += 1;
        }
        (current.places, current.is_sound) = (Arc::new(places), true);
        Ok(Arc::clone(&current.places))
    }

    /// As [`places`](Self::places), for one of many files: files that were checked only just now
    /// are not checked again.
    ///
    /// # Errors
    ///
    /// As [`places`](Self::places).
    pub fn places_lately(&self) -> Result<Arc<Places>, Verdict> {
        let current = self.lock();
        if current.looked.elapsed() < GLANCE_EVERY && current.is_sound {
            return Ok(Arc::clone(&current.places));
        }
        drop(current);
        self.places()
    }

    /// How often the places have changed.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files elsewhere that contain rules or say where rules are, including files that do not
    /// exist yet. Their folders must be watched for changes of these files; many other changes in
    /// them do not matter.
    pub fn files_elsewhere(&self) -> BTreeSet<PathBuf> {
        let mut files = self.lock().places.watched();
        // People often keep these files in a folder of their own, with a symbolic link in the place
        // where git looks.
        let real: Vec<_> = files
            .iter()
            .filter_map(|file| file.canonicalize().ok())
            .collect();
        files.extend(real);
        files
    }

    /// The excludes of the repository that begins at a folder inside the shared one, if there is
    /// one. It has its own configuration, as for git.
    ///
    /// # Errors
    ///
    /// As [`places`](Self::places).
    pub fn inner_excludes(&self, full: &str) -> Result<Option<Excludes>, Verdict> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inner.get(full);
        if let Some((excludes, _)) = known.filter(|(_, seen)| seen.is_current()) {
            return Ok(Some(excludes.clone()));
        }
        let path = self.dir.join(full.trim_start_matches('/'));
        let mut seen = Seen::default();
        let found = Repository::seen_at(&path, &mut seen)
            .map(|repository| settings::excludes(&repository, &self.environment, &mut seen))
            .transpose()
            .map_err(Verdict::Unknown)?;
        if let Some(((before, _), _)) = known {
            if seen.is_younger_than(SETTLING) {
                return Err(Verdict::Settling);
            }
            let now = found.as_ref().map(|(files, _)| files.as_slice());
            let now = now.unwrap_or_default();
            for gone in before.iter().filter(|file| !now.contains(file)) {
                self.memory.missing(&gone.to_string_lossy())?;
            }
        }
        // If it is being made, or cannot be read at the moment, it is checked again.
        match &found {
            Some(found) => drop(inner.insert(full.to_owned(), (found.clone(), seen))),
            None => drop(inner.remove(full)),
        }
        Ok(found)
    }
}

/// The folders above `dir` up to the top of its git repository, outermost first.
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
