//! What to do to make the project on the server equal to a folder: compares two sets of files, and
//! accesses neither.

use std::collections::{BTreeMap, BTreeSet};

use twicecast_client::protocol::ListedFile;

use crate::names::FileName;

/// What the server has under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// In bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Whether it is executable.
    pub executable: bool,
}

impl Remote {
    /// For a file of which only the name is known: nothing equals it.
    pub fn unknown() -> Self {
        Self {
            size: u64::MAX,
            sha256: String::new(),
            executable: false,
        }
    }

    /// Whether size and hash are known.
    pub fn is_known(&self) -> bool {
        self.size != u64::MAX
    }
}

/// What to do. Deletions come first, so that a file can take the place of a folder and the reverse.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files that only the server has.
    pub delete: Vec<FileName>,
    /// Files that only the folder has, or that differ, with their sizes.
    pub post: Vec<(FileName, u64)>,
    /// Files that are the same on both sides.
    pub same: usize,
    /// Files that only the server has, in places that could not be read here.
    pub spared: usize,
}

/// Sorts the server's list into names that can be ours, and others, which no share of ours can have
/// made and which are left alone.
pub fn known(listed: Vec<ListedFile>) -> (BTreeMap<FileName, Remote>, usize) {
    let mut left_alone = 0;
    let mut remote = BTreeMap::new();
    for file in listed {
        match FileName::parse(&file.name) {
            Ok(name) => {
                remote.insert(
                    name,
                    Remote {
                        size: file.size,
                        sha256: file.sha256,
                        executable: file.executable,
                    },
                );
            }
            Err(_) => left_alone += 1,
        }
    }
    (remote, left_alone)
}

/// Whether a name is in or below one of these places; `""` is the whole folder.
pub fn is_unseen(name: &FileName, unseen: &BTreeSet<String>) -> bool {
    unseen.contains("")
        || unseen.contains(name.as_str())
        || name.folders().any(|folder| unseen.contains(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_server_that_no_push_makes_are_left_alone() {
        let file = |name: &str| ListedFile {
            name: name.into(),
            size: 0,
            sha256: String::new(),
            modified: 0,
            executable: false,
        };
        let (remote, left_alone) = known(vec![
            file("/a"),
            file("/.git/config"),
            file("/.twicecast/x"),
            file("/../b"),
        ]);
        assert_eq!(
            remote.keys().map(FileName::as_str).collect::<Vec<_>>(),
            ["/a"]
        );
        assert_eq!(left_alone, 3);
    }
}
