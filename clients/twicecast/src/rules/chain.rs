//! The rules that apply to a path: those of the folders that contain it, outermost first.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;

use crate::fs::dirfd;
use crate::rules::patterns::{Case, Patterns};
use crate::rules::sources::{Places, RULE_FILES, Sources};
use crate::rules::verdict::Verdict;

/// The largest rule file that is read, in bytes.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// The rules of the folders above a path, outermost first.
#[derive(Debug)]
pub struct Chain<'a> {
    levels: Vec<Level>,
    /// Whether case matters in the repository of the shared folder, and in each inner repository on
    /// the way.
    cases: Vec<Case>,
    sources: &'a Sources,
}

/// The length of a chain, to return to it later.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    levels: usize,
    cases: usize,
}

/// The rules of one rule file.
#[derive(Debug)]
struct Level {
    /// The path from the folder to which the rules apply to the shared folder; `""` if it is inside
    /// the shared folder.
    prefix: String,
    /// The full name of that folder in the shared one.
    folder: String,
    patterns: Patterns,
    /// The file's name for messages.
    file: String,
}

/// Where rules come from, and which folder they apply to.
struct Origin<'a> {
    prefix: &'a str,
    folder: &'a str,
    shown_as: &'a str,
}

impl<'a> Chain<'a> {
    /// The rules that apply to the whole shared folder.
    pub(super) fn top(sources: &'a Sources, places: &Places) -> Result<Self, Verdict> {
        let mut chain = Self {
            levels: Vec::new(),
            cases: vec![places.case],
            sources,
        };
        for path in &places.excludes {
            chain.read_outside(path, &places.prefix, "")?;
        }
        for above in &places.above {
            for file in RULE_FILES {
                let shown_as = above.path.join(file);
                chain.read_in(
                    &above.folder,
                    file,
                    &Origin {
                        prefix: &above.prefix,
                        folder: "",
                        shown_as: &shown_as.to_string_lossy(),
                    },
                )?;
            }
        }
        Ok(chain)
    }

    /// The present length, to return to with [`leave`](Self::leave).
    pub fn depth(&self) -> Depth {
        Depth {
            levels: self.levels.len(),
            cases: self.cases.len(),
        }
    }

    /// Removes the rules of the folders below.
    pub fn leave(&mut self, depth: Depth) {
        self.levels.truncate(depth.levels);
        self.cases.truncate(depth.cases);
    }

    /// Adds the rules of an open folder; `full` is its name in the shared folder, `""` for the
    /// shared folder itself.
    ///
    /// # Errors
    ///
    /// If a rule file cannot be read, or has only just been written.
    pub fn enter(&mut self, folder: &OwnedFd, full: &str) -> Result<(), Verdict> {
        if !full.is_empty()
            && matches!(dirfd::look(folder, ".git"), Ok(Some(_)))
            && let Some((files, case)) = self.sources.inner_excludes(full)?
        {
            self.cases.push(case);
            for path in files {
                self.read_outside(&path, "", full)?;
            }
        }
        for file in RULE_FILES {
            let shown_as = format!("{full}/{file}");
            self.read_in(
                folder,
                file,
                &Origin {
                    prefix: "",
                    folder: full,
                    shown_as: shown_as.trim_start_matches('/'),
                },
            )?;
        }
        Ok(())
    }

    /// The verdict of the rule that decides about a path, if there is one; the innermost folder
    /// wins.
    pub(super) fn judge(&self, full: &str, is_folder: bool) -> Option<Verdict> {
        let (level, pattern) = self.levels.iter().rev().find_map(|level| {
            let below = full.strip_prefix(&level.folder)?;
            if !below.starts_with('/') {
                return None;
            }
            let path = format!("{}{below}", level.prefix);
            let path = path.trim_start_matches('/');
            Some((level, level.patterns.decide(path, is_folder)?))
        })?;
        (!pattern.is_negative()).then(|| Verdict::Ignored {
            file: level.file.clone(),
            line: pattern.line,
            rule: pattern.text.clone(),
        })
    }

    fn read_in(
        &mut self,
        folder: &OwnedFd,
        file: &str,
        origin: &Origin<'_>,
    ) -> Result<(), Verdict> {
        match dirfd::open_file(folder, file) {
            Ok(opened) => self.read(opened, origin),
            // git does not read rules from a link or a folder, either.
            Err(Errno::LOOP | Errno::INVAL) if file == ".gitignore" => {
                self.sources.memory.missing(origin.shown_as)
            }
            Err(Errno::NOENT) => self.sources.memory.missing(origin.shown_as),
            Err(Errno::LOOP | Errno::INVAL) => Err(unreadable(
                origin.shown_as,
                &"it is a link, a folder or a pipe, and rules are only read from files",
            )),
            Err(error) => Err(unreadable(origin.shown_as, &error)),
        }
    }

    fn read_outside(&mut self, path: &Path, prefix: &str, folder: &str) -> Result<(), Verdict> {
        let shown_as = path.to_string_lossy();
        let origin = Origin {
            prefix,
            folder,
            shown_as: &shown_as,
        };
        match dirfd::open_elsewhere(path) {
            Ok(Some(opened)) => self.read(opened, &origin),
            Ok(None) => self.sources.memory.missing(&shown_as),
            Err(error) => Err(unreadable(&shown_as, &error)),
        }
    }

    fn read(&mut self, mut file: File, origin: &Origin<'_>) -> Result<(), Verdict> {
        let cannot = |why: &dyn fmt::Display| unreadable(origin.shown_as, why);
        let mut bytes = Vec::new();
        (&mut file)
            .take(RULE_FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot(&error))?;
        if bytes.len() as u64 > RULE_FILE_BYTES_MAX {
            return Err(cannot(&"it has more than 1 MiB"));
        }
        let case = self.cases.last().copied().unwrap_or_default();
        let patterns = Patterns::read(&bytes, case);
        // This is checked after reading, so that a change during reading is noticed.
        self.sources
            .memory
            .read(origin.shown_as, &file, !patterns.is_empty())?;
        self.sources.notices.add(origin.shown_as, &patterns);
        if !patterns.is_empty() {
            self.levels.push(Level {
                prefix: origin.prefix.to_owned(),
                folder: origin.folder.to_owned(),
                patterns,
                file: origin.shown_as.to_owned(),
            });
        }
        Ok(())
    }
}

fn unreadable(file: &str, why: &dyn fmt::Display) -> Verdict {
    Verdict::Unknown(format!("{file} cannot be read: {why}"))
}
