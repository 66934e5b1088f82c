//! What to do so that the project on the server equals a folder: a comparison of two sets of files,
//! without either at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::FileName;
use crate::protocol::ListedFile;

/// What the server has under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// In bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// What is to be done, deletions first, so that a file can come where a folder was and the reverse.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files that only the server has.
    pub delete: Vec<FileName>,
    /// Files that only the folder has, or that differ, with their sizes.
    pub post: Vec<(FileName, u64)>,
    /// Files that are the same on both sides.
    pub same: usize,
    /// Files that only the server has, in places that were not looked into here.
    pub spared: usize,
}

/// Sorts a list from the server into the names that can be ours and those that no push of ours
/// could have made, which are left alone.
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
                    },
                );
            }
            Err(_) => left_alone += 1,
        }
    }
    (remote, left_alone)
}

/// Compares. `same` is asked, for files of equal size, whether the local content has that hash;
/// `unseen` are local places that were not looked into, because that failed or because they are
/// never sent: at and below them nothing is deleted.
pub fn plan(
    local: &BTreeMap<FileName, u64>,
    remote: &BTreeMap<FileName, Remote>,
    unseen: &BTreeSet<String>,
    mut same: impl FnMut(&FileName, &Remote) -> bool,
) -> Plan {
    let mut plan = Plan::default();
    for name in remote.keys().filter(|name| !local.contains_key(name)) {
        if is_unseen(name, unseen) {
            plan.spared += 1;
        } else {
            plan.delete.push(name.clone());
        }
    }
    for (name, size) in local {
        match remote.get(name) {
            Some(there) if there.size == *size && same(name, there) => plan.same += 1,
            _ => plan.post.push((name.clone(), *size)),
        }
    }
    plan
}

/// Whether a name lies at or below one of these places, `""` being the whole folder.
pub fn is_unseen(name: &FileName, unseen: &BTreeSet<String>) -> bool {
    unseen.contains("")
        || unseen.contains(name.as_str())
        || name.folders().any(|folder| unseen.contains(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn local(files: &[(&str, u64)]) -> BTreeMap<FileName, u64> {
        files.iter().map(|(n, size)| (name(n), *size)).collect()
    }

    fn remote(files: &[(&str, u64)]) -> BTreeMap<FileName, Remote> {
        files
            .iter()
            .map(|(n, size)| {
                (
                    name(n),
                    Remote {
                        size: *size,
                        sha256: "same".into(),
                    },
                )
            })
            .collect()
    }

    #[test]
    fn only_what_differs_is_sent_and_only_equal_sizes_are_hashed() {
        let mut asked = Vec::new();
        let plan = plan(
            &local(&[("/same", 3), ("/edited", 3), ("/grown", 4), ("/new", 0)]),
            &remote(&[("/same", 3), ("/edited", 3), ("/grown", 3), ("/gone", 1)]),
            &BTreeSet::new(),
            |n, _| {
                asked.push(n.as_str().to_owned());
                n.as_str() == "/same"
            },
        );
        assert_eq!(plan.delete, [name("/gone")]);
        assert_eq!(
            plan.post,
            [(name("/edited"), 3), (name("/grown"), 4), (name("/new"), 0)]
        );
        assert_eq!(plan.same, 1);
        assert_eq!(asked, ["/edited", "/same"]);
    }

    #[test]
    fn a_file_that_became_a_folder_is_deleted_first_and_the_reverse() {
        let plan = plan(
            &local(&[("/a/x", 1), ("/b", 1)]),
            &remote(&[("/a", 1), ("/b/y", 1), ("/b/z/w", 1)]),
            &BTreeSet::new(),
            |_, _| true,
        );
        assert_eq!(plan.delete, [name("/a"), name("/b/y"), name("/b/z/w")]);
        assert_eq!(plan.post, [(name("/a/x"), 1), (name("/b"), 1)]);
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_taken_for_gone() {
        let hidden = BTreeSet::from(["/locked".to_owned(), "/file".to_owned()]);
        let plan = plan(
            &local(&[]),
            &remote(&[("/locked/a/b", 1), ("/file", 1), ("/lockedx", 1)]),
            &hidden,
            |_, _| true,
        );
        assert_eq!(plan.delete, [name("/lockedx")]);
        assert_eq!(plan.spared, 2);
    }

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
