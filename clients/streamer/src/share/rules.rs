//! Which of a folder's files are shared: the ignore files on the way to each, and the built-in list of secrets.
//!
//! Rule files are read anew for every look and every file that is sent, never kept: a rule counts from the moment in
//! which it is written, not from the one in which we are told of it.

use std::fmt;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::io::Errno;

use super::rule_memory::Memory;
use super::secrets::Secrets;
use crate::failure::Failure;
use crate::names::{FileName, SERVER_FOLDER, shown};
use crate::place;
use crate::scan::Skip;

/// The files that hold rules, each with git's syntax; of one folder's a later one wins over an earlier one.
const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tcignore"];
/// A rule file that is longer cannot be meant.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// Whether something is shared, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Shared,
    /// A rule of an ignore file: the file as people write it, the line, and what it says.
    Ignored {
        /// Where the rule stands.
        file: String,
        /// In which line, from 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// It looks like a secret, by this pattern of the built-in list.
    Secret(&'static str),
    /// No rule decides; it is never sent.
    Never(Skip),
    /// A rule file cannot be read: what it says of this is not known, and so it is not sent.
    Unknown(String),
    /// A rule file on the way is just being written: for a moment it may be empty, or not there.
    Settling,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared: no rule leaves it out"),
            Self::Ignored { file, line, rule } => {
                write!(
                    f,
                    "ignored by `{}` in {}, line {line}",
                    shown(rule),
                    shown(file)
                )
            }
            Self::Secret(pattern) => write!(
                f,
                "held back as a secret (`{pattern}` of the built-in list; --allow lifts it)"
            ),
            Self::Never(skip) => write!(f, "never sent: {skip}"),
            Self::Unknown(why) => write!(f, "held back: {}", shown(why)),
            Self::Settling => {
                f.write_str("held back for a moment: its rules are just being written")
            }
        }
    }
}

/// The rules of one folder that is shared.
#[derive(Debug)]
pub struct Rules {
    root: OwnedFd,
    /// Folders above the shared one that belong to the same git repository, outermost first, with the
    /// shared folder's path from each.
    above: Vec<(PathBuf, String)>,
    secrets: Secrets,
    memory: Memory,
}

/// The rules of the folders on the way to something, outermost first.
#[derive(Debug)]
pub struct Chain<'a> {
    levels: Vec<Level>,
    memory: &'a Memory,
}

/// The rules of one rule file.
#[derive(Debug)]
struct Level {
    /// The path from the folder that the rules are about to the shared one, `""` where it lies in that.
    prefix: String,
    /// The full name of that folder in the shared one.
    folder: String,
    matcher: Gitignore,
    /// For people.
    file: String,
    lines: Vec<String>,
}

impl Rules {
    /// The rules of `dir`, which is `root`; `allow` are patterns that lift the built-in list.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn new(dir: &Path, root: OwnedFd, allow: &[String]) -> Result<Self, Failure> {
        Ok(Self {
            root,
            above: repository_above(dir),
            secrets: Secrets::new(allow)?,
            memory: Memory::default(),
        })
    }

    /// The folders above the shared one whose rules count.
    pub fn folders_above(&self) -> impl Iterator<Item = &Path> {
        self.above.iter().map(|(folder, _)| folder.as_path())
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
        let mut chain = Chain {
            levels: Vec::new(),
            memory: &self.memory,
        };
        if let Some(global) = ignore::gitignore::gitconfig_excludes_path() {
            chain.read_outside(&global, String::new())?;
        }
        if let Some((repository, prefix)) = self.above.first() {
            chain.read_outside(&repository.join(".git/info/exclude"), prefix.clone())?;
        }
        for (folder, prefix) in &self.above {
            for file in RULE_FILES {
                chain.read_outside(&folder.join(file), prefix.clone())?;
            }
        }
        if self.above.is_empty() {
            self.read_own_excludes(&mut chain)?;
        }
        Ok(chain)
    }

    /// `.git/info/exclude`, where the shared folder is itself the repository.
    fn read_own_excludes(&self, chain: &mut Chain<'_>) -> Result<(), Verdict> {
        let info = place::open_below(&self.root, "/.git/info");
        match info {
            Ok(info) => chain.read_in(&info, "exclude", "", ".git/info/exclude"),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(error) => Err(unreadable(".git/info/exclude", &error)),
        }
    }

    /// What is to be done with a file or folder, where `chain` has the rules of all folders above it, the one that it
    /// lies in included, and these folders are themselves shared.
    pub fn judge(&self, chain: &Chain<'_>, full: &str, is_folder: bool) -> Verdict {
        match FileName::parse(full) {
            Err(fault) => Verdict::Never(Skip::Name(fault)),
            Ok(_) => chain
                .judge(full, is_folder)
                .or_else(|| self.secrets.judge(full, is_folder).map(Verdict::Secret))
                .unwrap_or(Verdict::Shared),
        }
    }

    /// Whether a file may be sent by the rules as they are at this moment.
    pub fn allow(&self, name: &FileName) -> bool {
        self.judge_now(name.as_str(), false) == Verdict::Shared
    }

    /// What is to be done with a file, by the rules as they are at this moment. Whoever has read a file asks before he
    /// sends what he has read.
    pub fn judge_now(&self, full: &str, is_folder: bool) -> Verdict {
        let mut chain = match self.top() {
            Ok(chain) => chain,
            Err(verdict) => return verdict,
        };
        let mut folder = match place::open_below(&self.root, "") {
            Ok(folder) => folder,
            Err(error) => return Verdict::Unknown(error.to_string()),
        };
        let mut path = String::new();
        let mut segments = full.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            if let Err(verdict) = chain.enter(&folder, &path) {
                return verdict;
            }
            if !path.is_empty() && matches!(place::look(&folder, SERVER_FOLDER), Ok(Some(_))) {
                return Verdict::Never(Skip::ServerBase);
            }
            path = format!("{path}/{segment}");
            let is_last = segments.peek().is_none();
            let verdict = self.judge(&chain, &path, is_folder || !is_last);
            if is_last || verdict != Verdict::Shared {
                return verdict;
            }
            folder = match place::open_folder(&folder, segment) {
                Ok(folder) => folder,
                // What is not there has no rules of its own.
                Err(Errno::NOENT) => return self.judge(&chain, full, is_folder),
                Err(Errno::LOOP | Errno::NOTDIR) => return Verdict::Never(Skip::Link),
                Err(error) => return Verdict::Unknown(error.to_string()),
            };
        }
        Verdict::Shared
    }
}

impl Chain<'_> {
    /// How many rule files there are, to come back to with [`leave`](Self::leave).
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Forgets the rules of the folders below.
    pub fn leave(&mut self, depth: usize) {
        self.levels.truncate(depth);
    }

    /// Adds the rules of an open folder; `full` is its name in the shared one, `""` for that itself.
    ///
    /// # Errors
    ///
    /// A rule file that cannot be read, or is just being written.
    pub fn enter(&mut self, folder: &OwnedFd, full: &str) -> Result<(), Verdict> {
        for file in RULE_FILES {
            let shown_as = format!("{full}/{file}");
            self.read_in(folder, file, full, shown_as.trim_start_matches('/'))?;
        }
        Ok(())
    }

    fn judge(&self, full: &str, is_folder: bool) -> Option<Verdict> {
        let decided = self.levels.iter().rev().find_map(|level| {
            let path = format!("{}{}", level.prefix, full.strip_prefix(&level.folder)?);
            match level
                .matcher
                .matched(path.trim_start_matches('/'), is_folder)
            {
                Match::None => None,
                Match::Whitelist(_) => Some(None),
                Match::Ignore(glob) => Some(Some(level.verdict(glob.original()))),
            }
        });
        decided.flatten()
    }

    fn read_in(
        &mut self,
        folder: &OwnedFd,
        file: &str,
        full: &str,
        shown_as: &str,
    ) -> Result<(), Verdict> {
        match place::open_file(folder, file) {
            Ok(opened) => self.read(opened, String::new(), full.to_owned(), shown_as),
            // git takes none from a link or a folder, either.
            Err(Errno::NOENT | Errno::LOOP | Errno::INVAL) => self.memory.missing(shown_as),
            Err(error) => Err(unreadable(shown_as, &error)),
        }
    }

    fn read_outside(&mut self, path: &Path, prefix: String) -> Result<(), Verdict> {
        let shown_as = path.to_string_lossy();
        match std::fs::File::open(path) {
            Ok(opened) if opened.metadata().is_ok_and(|found| found.is_file()) => {
                self.read(opened, prefix, String::new(), &shown_as)
            }
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                self.memory.missing(&shown_as)
            }
            Err(error) => Err(unreadable(&shown_as, &error)),
        }
    }

    fn read(
        &mut self,
        file: std::fs::File,
        prefix: String,
        folder: String,
        shown_as: &str,
    ) -> Result<(), Verdict> {
        let cannot = |why: &dyn fmt::Display| unreadable(shown_as, why);
        self.memory.there(shown_as, &file)?;
        let mut bytes = Vec::new();
        file.take(RULE_FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot(&error))?;
        if bytes.len() as u64 > RULE_FILE_BYTES_MAX {
            return Err(cannot(&"it has more than 1 MiB"));
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .map(str::to_owned)
            .collect();
        let mut builder = GitignoreBuilder::new("");
        for line in &lines {
            // A pattern that is none matches nothing, as with git.
            let _ = builder.add_line(None, line);
        }
        let matcher = builder.build().map_err(|error| cannot(&error))?;
        if !matcher.is_empty() {
            self.levels.push(Level {
                prefix,
                folder,
                matcher,
                file: shown_as.to_owned(),
                lines,
            });
        }
        Ok(())
    }
}

impl Level {
    fn verdict(&self, rule: &str) -> Verdict {
        // The last of several that are the same decides.
        let line = self.lines.iter().rposition(|line| line == rule);
        Verdict::Ignored {
            file: self.file.clone(),
            line: line.map_or(0, |line| line + 1),
            rule: rule.to_owned(),
        }
    }
}

fn unreadable(file: &str, why: &dyn fmt::Display) -> Verdict {
    Verdict::Unknown(format!("{file} cannot be read: {why}"))
}

/// The folders above `dir` up to the git repository that it lies in, outermost first, each with the path from it to
/// `dir`; none where `dir` is a repository itself or lies in none.
fn repository_above(dir: &Path) -> Vec<(PathBuf, String)> {
    let Ok(dir) = std::fs::canonicalize(dir) else {
        return Vec::new();
    };
    if dir.join(".git").exists() {
        return Vec::new();
    }
    let ancestors: Vec<_> = dir.ancestors().skip(1).collect();
    let Some(outermost) = ancestors
        .iter()
        .position(|folder| folder.join(".git").exists())
    else {
        return Vec::new();
    };
    let above = ancestors[..=outermost].iter().rev();
    above
        .filter_map(|folder| {
            let prefix = dir.strip_prefix(folder).ok()?.to_str()?.to_owned();
            Some((folder.to_path_buf(), prefix))
        })
        .collect()
}

#[cfg(test)]
mod tests;
