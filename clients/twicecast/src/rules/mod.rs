//! Which of a folder's files are shared: the ignore files on the way to each, and the built-in list
//! of secrets.
//!
//! Rule files are read anew for every look and every file that is sent, never kept: a rule counts
//! from the moment in which it is written, not from the one in which we are told of it.

mod copies;
mod git;
pub mod memory;
mod secrets;
pub mod skip;

use std::fmt;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::io::Errno;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, SERVER_FOLDER, WORK_FOLDER, shown};
use crate::rules::copies::original;
use crate::rules::memory::Memory;
use crate::rules::secrets::Secrets;
use crate::rules::skip::Skip;

/// The files that hold rules, each with git's syntax; of one folder's a later one wins over an
/// earlier one.
const RULE_FILES: [&str; 3] = [".gitignore", ".ignore", ".tcignore"];
/// A rule file that is longer cannot be meant.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// So often a verdict is asked for while rules are being written.
const SETTLING_ROUNDS: u32 = 20;

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
    dir: PathBuf,
    /// Folders above the shared one that belong to the same git repository, outermost first. Held
    /// open: one that is moved keeps its rules.
    above: Vec<Above>,
    /// The excludes of the user, and of the repository that the folder is or lies in; with the path
    /// from there to the shared folder.
    excludes: Vec<(PathBuf, String)>,
    ignores_case: bool,
    secrets: Secrets,
    memory: Memory,
}

/// A folder above the shared one.
#[derive(Debug)]
struct Above {
    folder: OwnedFd,
    path: PathBuf,
    /// The path from it to the shared folder.
    prefix: String,
}

/// The rules of the folders on the way to something, outermost first.
#[derive(Debug)]
pub struct Chain<'a> {
    levels: Vec<Level>,
    rules: &'a Rules,
}

/// The rules of one rule file.
#[derive(Debug)]
struct Level {
    /// The path from the folder that the rules are about to the shared one, `""` where it lies in
    /// that.
    prefix: String,
    /// The full name of that folder in the shared one.
    folder: String,
    matcher: Gitignore,
    /// For people.
    file: String,
    lines: Vec<Line>,
}

/// A line of a rule file.
#[derive(Debug)]
struct Line {
    /// As it stands there.
    raw: String,
    /// As the matcher was given it.
    given: String,
}

/// Where rules stand and what they are about.
struct Origin<'a> {
    prefix: &'a str,
    folder: &'a str,
    shown_as: &'a str,
}

impl Rules {
    /// The rules of `dir`, which is `root`; `allow` are patterns that lift the built-in list.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn new(dir: &Path, root: OwnedFd, allow: &[String]) -> Result<Self, Failure> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("The rules above the folder cannot be read: {why}."))
        };
        let dir = std::fs::canonicalize(dir).map_err(|error| unusable(&error))?;
        let repository = dir.ancestors().find(|folder| folder.join(".git").exists());
        let above = match repository {
            Some(repository) if repository != dir => above(repository, &dir),
            _ => Ok(Vec::new()),
        };
        let common = repository.and_then(git::common_dir);
        let settings = git::Settings::of(common.as_deref());
        let mut excludes: Vec<_> = settings
            .excludes
            .map(|path| (path, String::new()))
            .into_iter()
            .collect();
        if let (Some(common), Some(repository)) = (common, repository) {
            let prefix = dir.strip_prefix(repository).ok().and_then(Path::to_str);
            let prefix = prefix.ok_or_else(|| unusable(&"its path is not UTF-8"))?;
            excludes.push((common.join("info/exclude"), prefix.to_owned()));
        }
        Ok(Self {
            root,
            above: above.map_err(|error| unusable(&error))?,
            dir,
            excludes,
            ignores_case: settings.ignores_case,
            secrets: Secrets::new(allow)?,
            memory: Memory::default(),
        })
    }

    /// The folders elsewhere in which rules may change.
    pub fn folders_elsewhere(&self) -> impl Iterator<Item = &Path> {
        let above = self.above.iter().map(|above| above.path.as_path());
        let excludes = self.excludes.iter().filter_map(|(path, _)| path.parent());
        above.chain(excludes)
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
            rules: self,
        };
        for (path, prefix) in &self.excludes {
            chain.read_outside(path, prefix, "")?;
        }
        for above in &self.above {
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

    /// What is to be done with a file or folder, where `chain` has the rules of all folders above
    /// it, the one that it lies in included, and these folders are themselves shared.
    pub fn judge(&self, chain: &Chain<'_>, full: &str, is_folder: bool) -> Verdict {
        let verdict = match FileName::parse(full) {
            Err(fault) => Verdict::Never(Skip::Name(fault)),
            Ok(_) => chain
                .judge(full, is_folder)
                .or_else(|| self.secrets.judge(full, is_folder).map(Verdict::Secret))
                .unwrap_or(Verdict::Shared),
        };
        match original(full) {
            // What an editor keeps beside a file holds what that holds.
            Some(original) if verdict == Verdict::Shared && !is_folder => {
                self.judge(chain, &original, false)
            }
            _ => verdict,
        }
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

impl Chain<'_> {
    /// How many rule files there are, to come back to with [`leave`](Self::leave).
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Forgets the rules of the folders below.
    pub fn leave(&mut self, depth: usize) {
        self.levels.truncate(depth);
    }

    /// Adds the rules of an open folder; `full` is its name in the shared one, `""` for that
    /// itself.
    ///
    /// # Errors
    ///
    /// A rule file that cannot be read, or is just being written.
    pub fn enter(&mut self, folder: &OwnedFd, full: &str) -> Result<(), Verdict> {
        if !full.is_empty() && matches!(dirfd::look(folder, ".git"), Ok(Some(_))) {
            // A repository in the shared folder, with excludes of its own.
            let path = self.rules.dir.join(full.trim_start_matches('/'));
            if let Some(common) = git::common_dir(&path) {
                self.read_outside(&common.join("info/exclude"), "", full)?;
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

    fn judge(&self, full: &str, is_folder: bool) -> Option<Verdict> {
        let decided = self.levels.iter().rev().find_map(|level| {
            let below = full.strip_prefix(&level.folder)?;
            if !below.starts_with('/') {
                return None;
            }
            let path = format!("{}{below}", level.prefix);
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
        origin: &Origin<'_>,
    ) -> Result<(), Verdict> {
        match dirfd::open_file(folder, file) {
            Ok(opened) => self.read(opened, origin),
            // git takes none from a link or a folder, either.
            Err(Errno::LOOP | Errno::INVAL) if file == ".gitignore" => {
                self.rules.memory.missing(origin.shown_as)
            }
            Err(Errno::NOENT) => self.rules.memory.missing(origin.shown_as),
            Err(Errno::LOOP | Errno::INVAL) => Err(unreadable(
                origin.shown_as,
                &"it is a link or a folder, and rules are only read from files",
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
        match std::fs::File::open(path) {
            Ok(opened) if opened.metadata().is_ok_and(|found| found.is_file()) => {
                self.read(opened, &origin)
            }
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                self.rules.memory.missing(&shown_as)
            }
            Err(error) => Err(unreadable(&shown_as, &error)),
        }
    }

    fn read(&mut self, mut file: std::fs::File, origin: &Origin<'_>) -> Result<(), Verdict> {
        let cannot = |why: &dyn fmt::Display| unreadable(origin.shown_as, why);
        let mut bytes = Vec::new();
        (&mut file)
            .take(RULE_FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot(&error))?;
        if bytes.len() as u64 > RULE_FILE_BYTES_MAX {
            return Err(cannot(&"it has more than 1 MiB"));
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.trim_start_matches('\u{feff}').lines();
        let lines: Vec<_> = lines.map(Line::new).collect();
        let mut builder = GitignoreBuilder::new("");
        let insensitive = builder
            .case_insensitive(self.rules.ignores_case)
            .map(|_| ());
        insensitive.map_err(|error| cannot(&error))?;
        for (number, line) in (1..).zip(&lines) {
            if builder.add_line(None, &line.given).is_err() {
                let raw = line.raw.trim();
                return Err(cannot(&format!("line {number} is no pattern: {raw}")));
            }
        }
        let matcher = builder.build().map_err(|error| cannot(&error))?;
        // Asked when all has been read: what was written meanwhile is not missed.
        self.rules
            .memory
            .read(origin.shown_as, &file, !matcher.is_empty())?;
        if !matcher.is_empty() {
            self.levels.push(Level {
                prefix: origin.prefix.to_owned(),
                folder: origin.folder.to_owned(),
                matcher,
                file: origin.shown_as.to_owned(),
                lines,
            });
        }
        Ok(())
    }
}

impl Line {
    fn new(raw: &str) -> Self {
        let raw = raw.trim_end_matches('\r');
        // Alternatives in braces are the matcher's own; git knows none.
        let (mut given, mut is_escaped, mut in_class) = (String::new(), false, false);
        for c in raw.chars() {
            if matches!(c, '{' | '}') && !is_escaped && !in_class {
                given.push('\\');
            }
            in_class = !is_escaped && ((in_class && c != ']') || c == '[');
            is_escaped = c == '\\' && !is_escaped;
            given.push(c);
        }
        Self {
            raw: raw.to_owned(),
            given,
        }
    }
}

impl Level {
    fn verdict(&self, rule: &str) -> Verdict {
        // The last of several that are the same decides.
        let is_it = |line: &Line| line.given.trim_end() == rule.trim_end();
        let number = self.lines.iter().rposition(is_it);
        let raw = number.map_or(rule, |number| self.lines[number].raw.trim_end());
        Verdict::Ignored {
            file: self.file.clone(),
            line: number.map_or(0, |number| number + 1),
            rule: raw.to_owned(),
        }
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

fn unreadable(file: &str, why: &dyn fmt::Display) -> Verdict {
    Verdict::Unknown(format!("{file} cannot be read: {why}"))
}

/// The folders above `dir` up to the git repository that it lies in, outermost first.
fn above(repository: &Path, dir: &Path) -> std::io::Result<Vec<Above>> {
    let within = dir
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(repository));
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
mod tests;
