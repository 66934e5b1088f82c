//! Records failures file by file, for the summary and the exit code; and prints lines, even if the
//! pipe is closed.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use twicecast_client::untrusted::{is_joiner, may_stand, shown};

/// Files that failed or were refused, each with the latest reason.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    failed: BTreeMap<String, String>,
}

impl Report {
    /// Notes a failure. Returns whether it says anything new.
    pub fn failed(&mut self, name: &str, why: impl Into<String>) -> bool {
        let why = why.into();
        self.failed.insert(name.to_owned(), why.clone()) != Some(why)
    }

    /// Notes that a file which may have failed before is right now.
    pub fn mended(&mut self, name: &str) {
        self.failed.remove(name);
    }

    /// Forgets the failures of files for which `keep` returns false.
    pub fn keep_only(&mut self, keep: impl Fn(&str) -> bool) {
        self.failed.retain(|name, _| keep(name));
    }

    /// Whether the last attempt for a file failed.
    pub fn has(&self, name: &str) -> bool {
        self.failed.contains_key(name)
    }

    /// How many files have failed.
    pub fn count(&self) -> usize {
        self.failed.len()
    }

    /// 0 if all went well, 1 if not.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.failed.is_empty())
    }

    /// The failures, ordered by name.
    #[cfg(test)]
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let failed = self.failed.iter();
        failed.map(|(name, why)| failure_line(name, why))
    }
}

/// The line about one file's failure.
pub fn failure_line(name: &str, why: &str) -> String {
    format!("{}: {}", shown(name), shown(why))
}

/// The beginning of a text that may be too long to show, with a sign if there is more.
pub fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as JSON in one line that cannot steer a terminal: characters that it would obey, or not
/// show, are escaped.
pub fn json_line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            // In JSON, characters beyond ASCII only occur in strings.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether to escape a character that JSON itself would allow.
fn is_unseen(c: char) -> bool {
    !may_stand(c) || is_joiner(c)
}

/// Prints a line to standard output. It does not matter whether anybody still reads it.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints a line to standard error.
pub fn warn(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What has been done.
    Said(String),
    /// What needs their attention.
    Trouble(String),
}

impl Line {
    /// Prints it: to standard output, or to standard error.
    pub fn print(self) {
        match self {
            Self::Said(line) => say(&line),
            Self::Trouble(line) => warn(&line),
        }
    }
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The most files that are named where files are counted.
pub const NAMED_MAX: usize = 5;

/// The first of some names, with a sign if there are more.
pub fn first_names<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let mut names = names.into_iter();
    let first = names.by_ref().take(NAMED_MAX);
    let first: Vec<String> = first.map(|name| shown(&name.to_string())).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// A word, quoted for a shell if necessary.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A path as a word for a shell, shortened with `~` if it is in the home folder.
pub fn path_word(path: &Path) -> String {
    path_word_of(path, std::env::var_os("HOME").map(PathBuf::from))
}

fn path_word_of(path: &Path, home: Option<PathBuf>) -> String {
    let home = home.filter(|home| home.is_absolute() && home.parent().is_some());
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", quoted(&below.to_string_lossy())),
        None => quoted(&path.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_steer_a_terminal_and_says_the_same() {
        let hostile = "\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{2066}\u{200d}\u{e0041}ä日\"";
        let line = json_line(&hostile);
        assert!(
            !line.chars().any(|c| c.is_control() || is_unseen(c)),
            "{line}"
        );
        assert!(
            line.contains("\\udb40\\udc41") && line.contains("ä日"),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
    }

    #[test]
    fn five_names_are_said_and_more_are_hinted_at() {
        assert_eq!(first_names(["/a\u{1b}", "/b"]), "/a\\u{1b}, /b");
        assert_eq!(first_names(1..=5), "1, 2, 3, 4, 5");
        assert_eq!(first_names(1..=6), "1, 2, 3, 4, 5, …");
    }

    #[test]
    fn a_path_in_the_home_folder_is_short_and_still_a_word() {
        for (home, word) in [
            ("/home/it's", "~/'a b'"),
            ("/home/its", r"'/home/it'\''s/a b'"),
            ("/", r"'/home/it'\''s/a b'"),
        ] {
            let path = Path::new("/home/it's/a b");
            assert_eq!(path_word_of(path, Some(home.into())), word, "{home}");
        }
    }

    #[test]
    fn a_file_that_came_right_in_the_end_is_no_failure() {
        let mut report = Report::default();
        assert!(report.failed("/a", "no room"));
        assert!(!report.failed("/a", "no room"));
        assert_eq!((report.exit_code(), report.count()), (1, 1));
        report.mended("/a");
        assert_eq!(report.exit_code(), 0);
    }
}
