//! Names: what may be a file of a project, a user or a project, and which names this client never
//! touches, neither in a folder nor on the server. This module knows the contract's rules and
//! nothing about disks or sockets.

use std::fmt;

use crate::untrusted::shown;

/// Names with this prefix are the client's own: it neither sends nor accepts them.
pub const OWN_PREFIX: &str = ".twicecast-";
/// The folder in which a server keeps its records; a folder that has one is a server's base folder.
pub const SERVER_FOLDER: &str = ".twicecast";

/// Where version control systems other than git keep their records, and what they run.
const REPOSITORIES: [&str; 6] = [".hg", ".svn", ".jj", ".bzr", "_darcs", ".pijul"];

const SEGMENT_BYTES_MAX: usize = 255;
const PATH_BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 64;

/// A file's name inside a project: segments separated by `/`, with one leading `/`, each safe to
/// use as a file name below a folder of ours. Only [`FileName::parse`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// The rule of the contract, or of this client's own, that a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// Not exactly one leading `/`, or an empty or `.` segment: the server never answers with such
    /// a name.
    NotNormal,
    /// A `..` segment.
    Parent,
    /// NUL or another control character.
    Control,
    /// A `\`.
    Backslash,
    /// A segment over 255 bytes.
    LongSegment,
    /// A path over 4,096 bytes.
    LongPath,
    /// More than 64 segments.
    Deep,
    /// `.git`, or something that some file system takes for it.
    Git,
    /// The folder of another version control system, which runs what is configured in it.
    Repository,
    /// A server's own folder.
    ServerFolder,
    /// A file or folder of this client's own.
    WorkFolder,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNormal => "the name is not a plain path inside the project",
            Self::Parent => "the name holds `..`",
            Self::Control => "the name holds a control character",
            Self::Backslash => "the name holds a `\\`",
            Self::LongSegment => "a part of the name is longer than 255 bytes",
            Self::LongPath => "the name is longer than 4,096 bytes",
            Self::Deep => "the name is more than 64 folders deep",
            Self::Git => "`.git` is never touched",
            Self::Repository => "the records of a version control system are never touched",
            Self::ServerFolder => "`.twicecast` belongs to a server",
            Self::WorkFolder => "names that begin with `.twicecast-` are this program's own",
        })
    }
}

impl FileName {
    /// Takes a name exactly as the server sends it.
    ///
    /// # Errors
    ///
    /// The first rule that the name breaks; nothing is repaired.
    pub fn parse(name: &str) -> Result<Self, NameFault> {
        let path = name.strip_prefix('/').ok_or(NameFault::NotNormal)?;
        if path.len() > PATH_BYTES_MAX {
            return Err(NameFault::LongPath);
        }
        for (index, segment) in path.split('/').enumerate() {
            if index >= DEPTH_MAX {
                return Err(NameFault::Deep);
            }
            check_segment(segment)?;
        }
        Ok(Self(name.to_owned()))
    }

    /// The name with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name of the folder that holds the file (`""` for the top folder), and the file's
    /// own segment.
    pub fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }

    /// The folders that contain the file, outermost first, each as a full name with a leading `/`.
    pub fn folders(&self) -> impl DoubleEndedIterator<Item = &str> {
        let inner = self
            .0
            .char_indices()
            .skip(1)
            .filter(|(_, c)| *c == '/')
            .map(|(at, _)| at);
        inner
            .map(|at| &self.0[..at])
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether this file is somewhere below the folder with that full name.
    pub fn is_below(&self, folder: &str) -> bool {
        self.0
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// Checks one segment of a path against the rules of the contract and against the names that this
/// client never touches.
///
/// # Errors
///
/// The rule that the segment breaks.
pub fn check_segment(segment: &str) -> Result<(), NameFault> {
    if segment.is_empty() || segment == "." {
        Err(NameFault::NotNormal)
    } else if segment == ".." {
        Err(NameFault::Parent)
    } else if segment.chars().any(char::is_control) {
        Err(NameFault::Control)
    } else if segment.contains('\\') {
        Err(NameFault::Backslash)
    } else if segment.len() > SEGMENT_BYTES_MAX {
        Err(NameFault::LongSegment)
    } else {
        check_reserved(segment)
    }
}

/// Some file systems ignore a name's trailing dots and spaces, its stream after a `:`, its case, or
/// invisible characters, and on some `.git` has a short name. All of these mean the same folder.
fn check_reserved(segment: &str) -> Result<(), NameFault> {
    let visible: String = segment
        .chars()
        .filter(|c| !is_ignored_by_some_file_systems(*c))
        .collect();
    let stem = visible.split(':').next().unwrap_or_default();
    let plain = stem.trim_end_matches(['.', ' ']).to_lowercase();
    if plain == ".git" || is_short_name(&plain, "git~") {
        Err(NameFault::Git)
    } else if REPOSITORIES.contains(&plain.as_str()) {
        Err(NameFault::Repository)
    } else if plain == SERVER_FOLDER || is_short_name(&plain, "twicec~") {
        Err(NameFault::ServerFolder)
    } else if plain.starts_with(OWN_PREFIX) {
        Err(NameFault::WorkFolder)
    } else {
        Ok(())
    }
}

fn is_short_name(plain: &str, stem: &str) -> bool {
    plain
        .strip_prefix(stem)
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_ignored_by_some_file_systems(c: char) -> bool {
    matches!(
        c,
        '\u{200c}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// Why a text cannot name a user or a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// Not 1 to 255 bytes.
    #[error("it must have 1 to 255 bytes")]
    Length,
    /// `.`, `..`, or a control character.
    #[error("it must not be `.` or `..`, nor hold control characters")]
    Characters,
    /// Not possible as a single component of a path.
    #[error("it must not start with a dot, nor hold `/` or `\\`")]
    Path,
}

/// Checks a user's or streamer's name.
///
/// # Errors
///
/// The rule that the name breaks.
pub fn check_user(name: &str) -> Result<(), NotAName> {
    check_name(name, name.len())?;
    if name.starts_with('.') || name.contains(['/', '\\']) {
        return Err(NotAName::Path);
    }
    Ok(())
}

/// Checks a project's name. Because it is a name and never a path, it may contain `/`.
///
/// # Errors
///
/// The rule that the name breaks.
pub fn check_project(name: &str) -> Result<(), NotAName> {
    let encoded = name.matches(['/', '\\', '%']).count();
    check_name(name, name.len() + 2 * encoded)
}

fn check_name(name: &str, bytes: usize) -> Result<(), NotAName> {
    if !(1..=SEGMENT_BYTES_MAX).contains(&bytes) {
        Err(NotAName::Length)
    } else if name == "." || name == ".." || name.chars().any(char::is_control) {
        Err(NotAName::Characters)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_taken_as_they_are() {
        let long = format!("/{}", "a".repeat(255));
        let deep = "/d".repeat(64);
        for name in [
            "/a",
            "/src/main.rs",
            "/.gitignore",
            "/.github/x",
            "/a b",
            "/ä/日本",
            "/...",
            "/..a",
            "/a..",
            "/git",
            "/.twicecastx",
            "/twicecast-x",
            "/gitx~1",
            &long,
            &deep,
        ] {
            assert_eq!(
                FileName::parse(name).map(|n| n.as_str().to_owned()),
                Ok(name.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn hostile_names_are_refused_each_for_its_reason() {
        let long_segment = format!("/{}", "a".repeat(256));
        let long_path = format!("/{}", vec!["a".repeat(200); 21].join("/"));
        let deep = "/d".repeat(65);
        let table = [
            ("", NameFault::NotNormal),
            ("/", NameFault::NotNormal),
            ("a", NameFault::NotNormal),
            ("//a", NameFault::NotNormal),
            ("/a/", NameFault::NotNormal),
            ("/a//b", NameFault::NotNormal),
            ("/./a", NameFault::NotNormal),
            ("/..", NameFault::Parent),
            ("/../a", NameFault::Parent),
            ("/a/../../b", NameFault::Parent),
            ("/a\0b", NameFault::Control),
            ("/a\nb", NameFault::Control),
            ("/a\u{7f}", NameFault::Control),
            ("/a\u{85}", NameFault::Control),
            ("/..\\a", NameFault::Backslash),
            ("/C:\\a", NameFault::Backslash),
            (&long_segment, NameFault::LongSegment),
            (&long_path, NameFault::LongPath),
            (&deep, NameFault::Deep),
            ("/.git", NameFault::Git),
            ("/.git/config", NameFault::Git),
            ("/sub/.git/hooks/pre-commit", NameFault::Git),
            ("/.GIT/config", NameFault::Git),
            ("/.Git", NameFault::Git),
            ("/.hg/hgrc", NameFault::Repository),
            ("/a/.JJ/repo", NameFault::Repository),
            ("/.svn.", NameFault::Repository),
            ("/.git /config", NameFault::Git),
            ("/.git./config", NameFault::Git),
            ("/.git. . /config", NameFault::Git),
            ("/.git::$INDEX_ALLOCATION/config", NameFault::Git),
            ("/git~1/config", NameFault::Git),
            ("/GIT~2", NameFault::Git),
            ("/.g\u{200c}it/config", NameFault::Git),
            ("/\u{feff}.git/config", NameFault::Git),
            ("/.twicecast/projects", NameFault::ServerFolder),
            ("/a/.TwiceCast", NameFault::ServerFolder),
            ("/.twicecast-mirror/manifest", NameFault::WorkFolder),
            ("/.TWICECAST-MIRROR", NameFault::WorkFolder),
            ("/src/.twicecast-0123.tmp", NameFault::WorkFolder),
            ("/.Twice\u{200c}cast-x", NameFault::WorkFolder),
        ];
        for (name, fault) in table {
            assert_eq!(FileName::parse(name), Err(fault), "{name:?}");
        }
    }

    #[test]
    fn the_folders_above_a_file_come_outermost_first() {
        let name = FileName::parse("/a/b/c").unwrap();
        assert_eq!(name.folders().collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert!(name.is_below("/a") && name.is_below("/a/b") && !name.is_below("/a/b/c"));
        assert!(!FileName::parse("/ab/c").unwrap().is_below("/a"));
    }

    #[test]
    fn users_are_single_path_components_and_projects_need_not_be() {
        assert!(check_user("ana").is_ok());
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", ".ana"] {
            assert!(check_user(bad).is_err(), "{bad:?}");
        }
        let (whole, long) = ("%".repeat(85), "%".repeat(86));
        for good in [".dotfiles", "C/C++ démo", "a\\b", "100%", &whole] {
            assert!(check_project(good).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", "a\nb", &long] {
            assert!(check_project(bad).is_err(), "{bad:?}");
        }
    }
}
