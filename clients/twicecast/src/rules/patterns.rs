//! Patterns in git's syntax, matched exactly as git does. `gix-ignore` reads the lines and
//! `gix-glob` matches wildcards; this module combines the two as git does.

use gix_glob::pattern::Mode;
use gix_glob::wildmatch;

const BACKWARDS: &str = "a range in it runs backwards";

/// Whether letters that differ only in case are the same; as in git, this concerns ASCII only.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They differ.
    #[default]
    Sensitive,
    /// They are the same.
    Folded,
}

/// The patterns of a rule file, in the file's order.
#[derive(Debug, Default)]
pub struct Patterns {
    all: Vec<Pattern>,
    unusable: Vec<Unusable>,
    case: Case,
}

/// A pattern.
#[derive(Debug)]
pub struct Pattern {
    glob: gix_glob::Pattern,
    /// Whether it contains a range such as `[z-a]`.
    is_backwards: bool,
    /// The number of its line, from 1.
    pub line: usize,
    /// The text of its line.
    pub text: String,
}

/// A line that cannot mean what it seems to mean; most such lines match nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Patterns {
    /// Reads patterns, one per line. A line that git cannot use matches nothing, and does not
    /// affect the others.
    pub fn read(bytes: &[u8], case: Case) -> Self {
        let mut bytes = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(bytes)
            .to_vec();
        // git treats the last line as if it ended with LF, too, so a `\r` is not part of it.
        bytes.push(b'\n');
        let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
        let mut patterns = Self {
            case,
            ..Self::default()
        };
        for (glob, line, _) in gix_ignore::parse(&bytes, false) {
            let text = String::from_utf8_lossy(lines.get(line - 1).copied().unwrap_or_default());
            let text = text.trim_end().to_owned();
            let why = fault(&glob.text);
            let is_backwards = why == Some(BACKWARDS);
            if let Some(why) = why {
                let text = text.clone();
                patterns.unusable.push(Unusable { line, text, why });
            }
            // The pattern is kept all the same: `[z-a]` matches `z`, as in git.
            patterns.all.push(Pattern {
                glob,
                is_backwards,
                line,
                text,
            });
        }
        patterns
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The lines that cannot mean what they seem to mean.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// The patterns that match none of these paths below the folder of the rules. Each path comes
    /// with whether it is a folder.
    pub fn idle<'a>(&'a self, paths: &[(&str, bool)]) -> Vec<&'a Pattern> {
        let matches = |pattern: &Pattern| {
            let mut paths = paths.iter();
            paths.any(|(path, is_folder)| pattern.matches(path, *is_folder, self.case))
        };
        let all = self.all.iter();
        all.filter(|pattern| !matches(pattern)).collect()
    }

    /// The pattern that decides about a path below the folder of the rules: the last one that
    /// matches.
    pub fn decide(&self, path: &str, is_folder: bool) -> Option<&Pattern> {
        let mut backwards = self.all.iter().rev();
        backwards.find(|pattern| pattern.matches(path, is_folder, self.case))
    }

    /// The pattern that decides about a path, or otherwise about the nearest folder above it.
    pub fn decide_with_folders(&self, path: &str, is_folder: bool) -> Option<&Pattern> {
        let (mut path, mut is_folder) = (path, is_folder);
        loop {
            if let Some(pattern) = self.decide(path, is_folder) {
                return Some(pattern);
            }
            (path, is_folder) = (path.rsplit_once('/')?.0, true);
        }
    }

    /// Whether the patterns name a path or a folder above it.
    pub fn name(&self, path: &str, is_folder: bool) -> bool {
        let decides = self.decide_with_folders(path, is_folder);
        decides.is_some_and(|pattern| !pattern.is_negative())
    }
}

impl Pattern {
    /// Whether it excludes what it matches from the rules.
    pub fn is_negative(&self) -> bool {
        self.glob.is_negative()
    }

    fn matches(&self, path: &str, is_folder: bool, case: Case) -> bool {
        if self.is_backwards && case == Case::Folded {
            // `gix-glob` would then read such a range in the right order; git does not.
            let glob = gix_glob::Pattern {
                text: self.glob.text.to_ascii_lowercase().into(),
                ..self.glob.clone()
            };
            return is_match(
                &glob,
                &path.to_ascii_lowercase(),
                is_folder,
                Case::Sensitive,
            );
        }
        is_match(&self.glob, path, is_folder, case)
    }
}

fn is_match(glob: &gix_glob::Pattern, path: &str, is_folder: bool, case: Case) -> bool {
    let mode = glob.mode;
    if mode.contains(Mode::MUST_BE_DIR) && !is_folder {
        return false;
    }
    let (text, mut flags) = (glob.text.as_slice(), wildmatch::Mode::empty());
    let subject = if mode.contains(Mode::NO_SUB_DIR) && !mode.contains(Mode::ABSOLUTE) {
        path.rsplit('/').next().unwrap_or(path)
    } else {
        flags |= wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        path
    };
    if case == Case::Folded {
        flags |= wildmatch::Mode::IGNORE_CASE;
    }
    let subject = subject.as_bytes();
    let is_same = |one: &[u8], other: &[u8]| match case {
        Case::Sensitive => one == other,
        Case::Folded => one.eq_ignore_ascii_case(other),
    };
    match glob.first_wildcard_pos {
        None => is_same(text, subject),
        // git compares the text before the first wildcard, and then matches the rest without it:
        // `a/b**/c` continues as `**/c`, which matches more than the whole pattern does in
        // `gix-glob`.
        Some(at) if flags.contains(wildmatch::Mode::NO_MATCH_SLASH_LITERAL) => {
            subject.len() >= at
                && is_same(&text[..at], &subject[..at])
                && gix_glob::wildmatch(text[at..].into(), subject[at..].into(), flags)
        }
        Some(_) => gix_glob::wildmatch(text.into(), subject.into(), flags),
    }
}

/// Why a pattern cannot mean what it seems to mean, if that is so.
fn fault(pattern: &[u8]) -> Option<&'static str> {
    let mut rest = pattern;
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'\\' if after.is_empty() => return Some("the `\\` at its end escapes nothing"),
            b'\\' => &after[1..],
            b'[' => match after_class(after) {
                Ok(after) => after,
                Err(why) => return Some(why),
            },
            _ => after,
        };
    }
    None
}

/// What follows a class of characters; `rest` follows its `[`.
fn after_class(rest: &[u8]) -> Result<&[u8], &'static str> {
    const OPEN: &str = "its `[` is never closed";
    let (mut at, mut from) = (0, None);
    if matches!(rest.first(), Some(b'!' | b'^')) {
        at += 1;
    }
    let begin = at;
    loop {
        let mut byte = *rest.get(at).ok_or(OPEN)?;
        let is_range = byte == b'-' && from.is_some() && rest.get(at + 1) != Some(&b']');
        if byte == b']' && at > begin {
            return Ok(&rest[at + 1..]);
        }
        if byte == b'[' && rest.get(at + 1) == Some(&b':') {
            let inner = &rest[at + 2..];
            let end = inner.iter().position(|byte| *byte == b']').ok_or(OPEN)?;
            if let Some(name) = inner[..end].strip_suffix(b":") {
                if !is_class(name) {
                    return Err("there is no class of characters of that name");
                }
                (at, from) = (at + 2 + end + 1, None);
                continue;
            }
        }
        at += usize::from(is_range);
        at += usize::from(rest.get(at) == Some(&b'\\'));
        byte = *rest.get(at).ok_or(OPEN)?;
        at += 1;
        if is_range && Some(byte) < from {
            return Err(BACKWARDS);
        }
        from = (!is_range).then_some(byte);
    }
}

fn is_class(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 12] = [
        b"alnum", b"alpha", b"blank", b"cntrl", b"digit", b"graph", b"lower", b"print", b"punct",
        b"space", b"upper", b"xdigit",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_mean_what_it_says_is_told_with_the_reason() {
        for (line, why) in [
            ("bin\\", Some("escapes nothing")),
            ("bin\\\\", None),
            ("[abc", Some("never closed")),
            ("[]", Some("never closed")),
            ("[]]", None),
            ("x[[:nothing:]]", Some("class of characters")),
            ("x[[:alpha:]]", None),
            ("[z-a]", Some("backwards")),
            ("[!9-0]x", Some("backwards")),
            ("[a-]", None),
            ("[a\\]", Some("never closed")),
            ("[a-\\z]", None),
            ("[a-z]*[!x]", None),
            ("\\[abc", None),
        ] {
            let patterns = Patterns::read(line.as_bytes(), Case::Sensitive);
            let told = patterns.unusable().first().map(|unusable| unusable.why);
            assert_eq!(told.is_some(), why.is_some(), "{line}: {told:?}");
            assert!(
                told.unwrap_or_default().contains(why.unwrap_or_default()),
                "{line}: {told:?}"
            );
        }
    }

    #[test]
    fn a_wildcard_is_looked_at_without_what_stands_before_it() {
        let patterns = Patterns::read(b"a/b**/c\n", Case::Sensitive);
        assert!(patterns.decide("a/bx/y/c", false).is_some());
    }

    #[test]
    fn case_matters_unless_it_is_folded() {
        for (case, matches) in [(Case::Sensitive, false), (Case::Folded, true)] {
            let patterns = Patterns::read(b"Build/*.LOG\n", case);
            assert_eq!(patterns.decide("build/a.log", false).is_some(), matches);
        }
    }
}
