//! Names of files inside a project (protocol, section 4).

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

const MAX_PATH_BYTES: usize = 4_096;
const MAX_SEGMENT_BYTES: usize = 255;
const MAX_DEPTH: usize = 64;

/// Which rule a file's name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilePathError {
    /// The name means the project's own folder.
    #[error("the name must be that of a file, not of the project's folder")]
    NoFile,
    /// The name ends in `/` where a file is meant.
    #[error("the name of a file must not end in /")]
    TrailingSlash,
    /// A `..` segment.
    #[error("the name must not hold .. segments")]
    Climbs,
    /// NUL or another control character.
    #[error("the name must not hold control characters")]
    Control,
    /// A backslash.
    #[error("the name must not hold \\; folders are separated by /")]
    Backslash,
    /// A segment over 255 bytes.
    #[error("each segment of the name must be at most {MAX_SEGMENT_BYTES} bytes long")]
    SegmentTooLong,
    /// A path over 4,096 bytes.
    #[error("the name must be at most {MAX_PATH_BYTES} bytes long")]
    TooLong,
    /// More than 64 segments.
    #[error("the name must be at most {MAX_DEPTH} segments deep")]
    TooDeep,
}

/// A file's place in its project, or a folder's: `/src/a.rs`, always with one leading `/`.
///
/// Ordered by the bytes of the whole name, as `get` and `list` send files.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// Checks and normalises a name that means a file: empty and `.` segments are dropped.
    ///
    /// # Errors
    /// The rule that `name` breaks; the bare `/` is [`FilePathError::NoFile`].
    pub fn parse(name: &str) -> Result<Self, FilePathError> {
        normalise(name)?.ok_or(FilePathError::NoFile)
    }

    /// As [`FilePath::parse`], for a file that is to be written: a trailing `/` is refused.
    ///
    /// # Errors
    /// The rule that `name` breaks.
    pub fn parse_for_post(name: &str) -> Result<Self, FilePathError> {
        let path = Self::parse(name)?;
        if name.ends_with('/') {
            Err(FilePathError::TrailingSlash)
        } else {
            Ok(path)
        }
    }

    /// The whole name with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments from the top, at least one.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0[1..].split('/')
    }

    /// The folders above it, innermost first, each with a trailing `/`: `/a/b/`, then `/a/`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.rmatch_indices('/').map(|(end, _)| end);
        ends.take_while(|end| *end > 0).map(|end| &self.0[..=end])
    }

    /// The path of `name` in this folder.
    ///
    /// # Errors
    /// The rule that `name` or the resulting path breaks; a `name` of several segments is refused
    /// like a `..` segment.
    pub fn join(folder: Option<&Self>, name: &str) -> Result<Self, FilePathError> {
        if name.contains('/') || name == "." || name.is_empty() {
            return Err(FilePathError::Climbs);
        }
        Self::parse(&format!("{}/{name}", folder.map_or("", Self::as_str)))
    }

    /// Whether `self` lies below `folder` at any depth; no path lies below itself.
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0
            .strip_prefix(folder.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether a change to one can affect the other: the same path, or one below the other.
    pub fn touches(&self, other: &Self) -> bool {
        self == other || self.is_below(other) || other.is_below(self)
    }

    /// The first segment, and the rest below it (`None` if there is none).
    pub fn split_first(&self) -> (&str, Option<Self>) {
        match self.0[1..].split_once('/') {
            None => (&self.0[1..], None),
            Some((first, rest)) => (first, Some(Self(format!("/{rest}").into()))),
        }
    }
}

impl Borrow<str> for FilePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a `get`, `list` or `delete` names: a file or a folder, including the project's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathQuery {
    /// The path asked for; `None` is the project's own folder.
    pub path: Option<FilePath>,
    /// Whether the name can only mean a folder: the top, or a name with a trailing `/`.
    pub means_folder: bool,
}

impl PathQuery {
    /// Checks and normalises a name that may mean a folder.
    ///
    /// # Errors
    /// The rule that `name` breaks.
    pub fn parse(name: &str) -> Result<Self, FilePathError> {
        let path = normalise(name)?;
        let means_folder = path.is_none() || name.ends_with('/');
        Ok(Self { path, means_folder })
    }

    /// The normalised name with one leading `/`.
    pub fn name(&self) -> &str {
        self.path.as_ref().map_or("/", FilePath::as_str)
    }
}

fn normalise(name: &str) -> Result<Option<FilePath>, FilePathError> {
    let mut normal = String::with_capacity(name.len().min(MAX_PATH_BYTES) + 1);
    let mut depth = 0;
    let is_named = |segment: &&str| !segment.is_empty() && *segment != ".";
    for segment in name.split('/').filter(is_named) {
        depth += 1;
        check_segment(segment)?;
        // Checked along the way, so that a hostile name costs no more than an honest one.
        if depth > MAX_DEPTH {
            return Err(FilePathError::TooDeep);
        }
        if normal.len() + segment.len() > MAX_PATH_BYTES {
            return Err(FilePathError::TooLong);
        }
        normal.push('/');
        normal.push_str(segment);
    }
    Ok((depth > 0).then(|| FilePath(normal.into())))
}

fn check_segment(segment: &str) -> Result<(), FilePathError> {
    if segment == ".." {
        Err(FilePathError::Climbs)
    } else if segment.chars().any(char::is_control) {
        Err(FilePathError::Control)
    } else if segment.contains('\\') {
        Err(FilePathError::Backslash)
    } else if segment.len() > MAX_SEGMENT_BYTES {
        Err(FilePathError::SegmentTooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(name: &str) -> Result<String, FilePathError> {
        FilePath::parse(name).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn harmless_oddities_are_dropped() {
        for (name, normal) in [
            ("a", "/a"),
            ("/a", "/a"),
            ("//a", "/a"),
            ("./a", "/a"),
            ("a/./b", "/a/b"),
            ("a//b", "/a/b"),
            ("a/", "/a"),
            ("....//x", "/..../x"),
            ("..%2fx", "/..%2fx"),
            ("．．/x", "/．．/x"),
            ("é", "/é"),
            ("e\u{301}", "/e\u{301}"),
            ("constructor", "/constructor"),
            ("C:x", "/C:x"),
        ] {
            assert_eq!(parsed(name).as_deref(), Ok(normal), "{name:?}");
        }
    }

    #[test]
    fn names_that_climb_or_hide_are_refused() {
        use FilePathError::{Backslash, Climbs, Control, NoFile};
        for (name, error) in [
            ("", NoFile),
            ("/", NoFile),
            ("./.", NoFile),
            ("..", Climbs),
            ("../x", Climbs),
            ("a/../../x", Climbs),
            ("a/..", Climbs),
            ("a\0.txt", Control),
            ("a\nb", Control),
            ("\u{1b}[2J", Control),
            ("\u{7f}", Control),
            ("\u{85}", Control),
            ("..\\x", Backslash),
            ("C:\\x", Backslash),
        ] {
            assert_eq!(parsed(name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn each_bound_holds_at_its_limit_and_not_one_past_it() {
        let segment = |bytes| "s".repeat(bytes);
        assert!(parsed(&segment(255)).is_ok());
        assert_eq!(parsed(&segment(256)), Err(FilePathError::SegmentTooLong));

        let deep = |depth: usize| vec!["d"; depth].join("/");
        assert!(parsed(&deep(64)).is_ok());
        assert_eq!(parsed(&deep(65)), Err(FilePathError::TooDeep));
        assert_eq!(parsed(&deep(5_000)), Err(FilePathError::TooDeep));

        let long = |last: usize| {
            format!(
                "{}{}",
                format!("{}/", segment(255)).repeat(15),
                segment(last)
            )
        };
        assert_eq!(long(255).len(), 4_095);
        assert!(parsed(&long(255)).is_ok());
        let sixteen = format!("{}/{}", segment(254), long(255));
        assert_eq!(parsed(&sixteen), Err(FilePathError::TooLong));
        let exact = format!("{}/x{}", long(254), "");
        assert_eq!(exact.len(), 4_096);
        assert!(parsed(&exact).is_ok());
        assert_eq!(
            parsed(&format!("/{exact}")),
            parsed(&exact),
            "a leading / does not count"
        );
        assert_eq!(parsed(&format!("{exact}y")), Err(FilePathError::TooLong));
    }

    #[test]
    fn only_one_segment_is_joined_to_a_folder() {
        let folder = FilePath::parse("d").expect("valid");
        for (name, joined) in [
            ("x", Ok("/d/x")),
            ("...", Ok("/d/...")),
            ("", Err(FilePathError::Climbs)),
            (".", Err(FilePathError::Climbs)),
            ("..", Err(FilePathError::Climbs)),
            ("a/b", Err(FilePathError::Climbs)),
            ("/", Err(FilePathError::Climbs)),
        ] {
            let found = FilePath::join(Some(&folder), name);
            assert_eq!(
                found.as_ref().map(FilePath::as_str),
                joined.as_ref().copied(),
                "{name:?}"
            );
        }
        let top = FilePath::join(None, "x").expect("valid");
        assert_eq!(top.as_str(), "/x");
    }

    #[test]
    fn a_post_needs_the_name_of_a_file() {
        assert_eq!(
            FilePath::parse_for_post("a/"),
            Err(FilePathError::TrailingSlash)
        );
        assert_eq!(FilePath::parse_for_post("/"), Err(FilePathError::NoFile));
        assert!(FilePath::parse_for_post("a/b").is_ok());
    }

    #[test]
    fn a_query_knows_whether_only_a_folder_can_be_meant() {
        for (name, normal, folder) in [
            ("", "/", true),
            ("/", "/", true),
            ("a", "/a", false),
            ("a/", "/a", true),
            ("./", "/", true),
        ] {
            let query = PathQuery::parse(name).expect("valid");
            assert_eq!(
                (query.name(), query.means_folder),
                (normal, folder),
                "{name:?}"
            );
        }
        assert_eq!(PathQuery::parse(".."), Err(FilePathError::Climbs));
    }

    #[test]
    fn below_is_by_segment_and_not_by_prefix() {
        let path = |name| FilePath::parse(name).expect("valid");
        assert!(path("a/b/c").is_below(&path("a")));
        assert!(!path("ab").is_below(&path("a")));
        assert!(!path("a").is_below(&path("a")));
        assert!(path("a").touches(&path("a/b")) && path("a/b").touches(&path("a")));
        assert!(!path("a/b").touches(&path("a/c")));
    }

    #[test]
    fn the_first_segment_splits_off() {
        let path = FilePath::parse("id/src/a").expect("valid");
        let (first, rest) = path.split_first();
        assert_eq!(
            (first, rest.as_ref().map(FilePath::as_str)),
            ("id", Some("/src/a"))
        );
        assert_eq!(
            FilePath::parse("id").expect("valid").split_first(),
            ("id", None)
        );
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_in_normal_form(name in "[a./\\\\\u{0}-\u{ff}]{0,40}") {
            if let Ok(path) = FilePath::parse(&name) {
                prop_assert!(path.as_str().starts_with('/'));
                prop_assert!(path.segments().all(|s| !s.is_empty() && s != "." && s != ".."));
                prop_assert!(!path.as_str().contains(['\\', '\0']));
                prop_assert_eq!(FilePath::parse(path.as_str()), Ok(path));
            }
        }
    }
}
