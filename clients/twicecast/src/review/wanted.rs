//! Which of a pull request's files are wanted: the patterns of `--files`.

use std::collections::BTreeSet;

use crate::names::FileName;
use crate::rules::patterns::{Case, Patterns};

/// The files that patterns name; all files, if there are no patterns.
#[derive(Debug)]
pub struct Wanted {
    matcher: Patterns,
    /// The patterns as given, without a leading `./` or `/`.
    literal: BTreeSet<String>,
}

impl Wanted {
    /// Reads patterns as in a .gitignore. An invalid one may still be the full path of a file.
    pub fn new(patterns: &[String]) -> Self {
        Self::among(patterns, [])
    }

    /// As [`new`](Self::new), but a pattern that is the full path of one of these files means only
    /// that file: a proposal may contain a file called `/*`.
    pub fn among<'a>(patterns: &[String], files: impl IntoIterator<Item = &'a String>) -> Self {
        let without_slash = |path: &str| path.trim_start_matches('/').to_owned();
        let files: BTreeSet<_> = files.into_iter().map(|name| without_slash(name)).collect();
        let plain = patterns
            .iter()
            .map(|pattern| pattern.strip_prefix("./").unwrap_or(pattern));
        let literal: BTreeSet<_> = plain.clone().map(without_slash).collect();
        let patterns: Vec<_> = plain
            .filter(|pattern| !files.contains(&without_slash(pattern)))
            .collect();
        let matcher = Patterns::read(patterns.join("\n").as_bytes(), Case::Sensitive);
        Self { matcher, literal }
    }

    /// Whether everything is wanted because no pattern was given.
    pub fn is_all(&self) -> bool {
        self.literal.is_empty()
    }

    /// Whether a file is wanted.
    pub fn wants(&self, name: &FileName) -> bool {
        let path = plain(name);
        self.is_all() || self.names(name) || self.matcher.name(path, false)
    }

    /// Whether a file is named by its full path, and not only matched by a pattern.
    pub fn names(&self, name: &FileName) -> bool {
        self.literal.contains(plain(name))
    }
}

fn plain(name: &FileName) -> &str {
    name.as_str().trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(patterns: &[&str]) -> Wanted {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Wanted::new(&patterns)
    }

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    #[test]
    fn patterns_are_those_of_a_gitignore_and_may_begin_with_a_dot_and_a_slash() {
        assert!(wanted(&[]).wants(&name("/a")));
        for patterns in [&["./src/*", "!b"][..], &["src/*", "!b"], &["/src/", "!b"]] {
            let wanted = wanted(patterns);
            assert!(wanted.wants(&name("/src/a")), "{patterns:?}");
            assert!(!wanted.wants(&name("/c")), "{patterns:?}");
        }
        assert!(!wanted(&["src/*", "!b"]).wants(&name("/src/b")));
        assert!(wanted(&["./a"]).wants(&name("/a")));
    }

    #[test]
    fn the_whole_path_of_a_file_means_no_other_file() {
        let files = ["/*", "/src/[id]", "/src/i", "/b", "/!b"].map(str::to_owned);
        for path in &files {
            let wanted = Wanted::among(std::slice::from_ref(path), &files);
            for other in &files {
                assert_eq!(wanted.wants(&name(other)), other == path, "{path} {other}");
            }
        }
        let wanted = Wanted::among(&["/src/*".to_owned()], &files);
        assert!(wanted.wants(&name("/src/i")), "it is no file's path");
    }

    #[test]
    fn only_a_whole_path_names_a_file() {
        for pattern in [".env", "/.env", "./.env"] {
            assert!(wanted(&[pattern]).names(&name("/.env")), "{pattern}");
        }
        for pattern in [".env*", "*", ".ENV", "src"] {
            assert!(!wanted(&[pattern]).names(&name("/.env")), "{pattern}");
        }
        assert!(!wanted(&[".env"]).names(&name("/src/.env")));
        for odd in ["/a[1]", "/a[", "/[z-a]", "/a{", "/b "] {
            assert!(wanted(&[odd]).wants(&name(odd)), "{odd}");
        }
    }
}
