//! Which changed files of a project a connection gets with their contents (protocol, section 4,
//! `watch`).

use std::collections::BTreeSet;

use super::file_path::FilePath;

/// About how many bytes of memory a name takes beside itself.
const NAME_BYTES: usize = 64;

/// Which changed files come with their contents; of the others only the change is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Contents {
    /// All of them.
    #[default]
    All,
    /// These, which may be none.
    Of(BTreeSet<FilePath>),
}

impl Contents {
    /// At most how many names [`Contents::Of`] has.
    pub const MOST_NAMES: usize = 256;

    /// Whether this file comes with its contents.
    pub fn include(&self, path: &FilePath) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(path),
        }
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Of(names) => {
                let names = names.iter().map(|path| path.as_str().len() + NAME_BYTES);
                names.sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_none_or_the_named_files_come_with_their_contents() {
        let path = |name: &str| FilePath::parse(name).expect("valid");
        let of = |names: &[&str]| Contents::Of(names.iter().map(|name| path(name)).collect());
        for (contents, a, below) in [
            (Contents::All, true, true),
            (of(&[]), false, false),
            (of(&["/a"]), true, false),
            (of(&["/a/b", "/c"]), false, true),
        ] {
            assert_eq!(contents.include(&path("/a")), a, "{contents:?}");
            assert_eq!(contents.include(&path("/a/b")), below, "{contents:?}");
        }
    }

    #[test]
    fn names_take_memory() {
        assert_eq!(Contents::All.bytes(), 0);
        let one = BTreeSet::from([FilePath::parse("/abc").expect("valid")]);
        assert_eq!(Contents::Of(one).bytes(), NAME_BYTES + 4);
    }
}
