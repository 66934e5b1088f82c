//! What the server has, as far as we know, and what must be done to make it equal to the folder.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::fs::fingerprint::Fingerprint;
use crate::names::FileName;
use crate::publish::look::Found;
use crate::publish::plan::{Plan, Remote, is_unseen};

/// What the server has under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    remote: Remote,
    /// The fingerprint that the file here had when its content was last known to be the same.
    fingerprint: Option<Fingerprint>,
}

/// What the server has.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<FileName, Held>);

impl Known {
    /// Takes over the server's list. Fingerprints of files here are kept if the server still has
    /// the same content.
    pub fn listed(&mut self, remote: BTreeMap<FileName, Remote>) {
        let mut before = std::mem::take(&mut self.0);
        self.0 = remote
            .into_iter()
            .map(|(name, remote)| {
                let known = before.remove(&name).filter(|held| held.remote == remote);
                let fingerprint = known.and_then(|held| held.fingerprint);
                (
                    name,
                    Held {
                        remote,
                        fingerprint,
                    },
                )
            })
            .collect();
    }

    /// Notes that the server has stored this content.
    pub fn posted(&mut self, name: FileName, remote: Remote, fingerprint: Option<Fingerprint>) {
        self.0.insert(
            name,
            Held {
                remote,
                fingerprint,
            },
        );
    }

    /// Notes that the server no longer has the file.
    pub fn deleted(&mut self, name: &FileName) {
        self.0.remove(name);
    }

    /// Whether the server has a file of that name.
    pub fn has(&self, name: &FileName) -> bool {
        self.0.contains_key(name)
    }

    /// What the server has under a name.
    pub fn remote(&self, name: &FileName) -> Option<&Remote> {
        self.0.get(name).map(|held| &held.remote)
    }

    /// How many files the server has.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What must be done in the place `full` and below it. `fingerprint` reads a file and returns
    /// its SHA-256, if it can be read.
    pub fn plan(
        &mut self,
        full: &str,
        found: &Found,
        mut fingerprint: impl FnMut(&FileName) -> Option<(Remote, Option<Fingerprint>)>,
    ) -> Plan {
        let mut plan = Plan::default();
        let unseen = found.unseen();
        for name in self.below(full) {
            if found.files.contains_key(name) {
                continue;
            }
            if is_unseen(name, &unseen) {
                plan.spared += 1;
            } else {
                plan.delete.push(name.clone());
            }
        }
        for (name, seen) in &found.files {
            match self.0.get_mut(name) {
                Some(held) if held.fingerprint == Some(*seen) => plan.same += 1,
                Some(held) if held.remote.size == seen.size => match fingerprint(name) {
                    Some((remote, seen)) if remote == held.remote => {
                        held.fingerprint = seen;
                        plan.same += 1;
                    }
                    _ => plan.post.push((name.clone(), seen.size)),
                },
                _ => plan.post.push((name.clone(), seen.size)),
            }
        }
        plan
    }

    /// The names in a place and below it.
    fn below<'a>(&'a self, full: &'a str) -> impl Iterator<Item = &'a FileName> {
        let from = FileName::parse(full).map_or(Bound::Unbounded, Bound::Included);
        let names = self.0.range((from, Bound::Unbounded)).map(|(name, _)| name);
        names
            // All names below a place come after it; only names that also begin with it can come in
            // between.
            .take_while(move |name| name.as_str().starts_with(full))
            .filter(move |name| full.is_empty() || name.as_str() == full || name.is_below(full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn remote(size: u64, content: &str) -> Remote {
        Remote {
            size,
            sha256: content.to_owned(),
            executable: false,
        }
    }

    fn known(names: &[&str]) -> Known {
        let files = names.iter().map(|text| (name(text), remote(1, "x")));
        let mut known = Known::default();
        known.listed(files.collect());
        known
    }

    #[test]
    fn only_what_lies_at_or_below_a_place_is_taken_for_gone() {
        let names = ["/a", "/a-b", "/a.c/d", "/a/b", "/a/b/c", "/a0", "/b"];
        for (place, gone) in [
            ("", &names[..]),
            ("/a", &["/a", "/a/b", "/a/b/c"]),
            ("/a/b", &["/a/b", "/a/b/c"]),
            ("/a/b/c", &["/a/b/c"]),
            ("/a.c", &["/a.c/d"]),
            ("/missing", &[]),
        ] {
            let plan = known(&names).plan(place, &Found::default(), |_| None);
            let deleted: Vec<_> = plan.delete.iter().map(FileName::as_str).collect();
            let mut gone = gone.to_vec();
            gone.sort_unstable();
            assert_eq!(deleted, gone, "{place}");
        }
    }

    #[test]
    fn a_file_is_read_once_for_each_time_it_was_touched() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "x").unwrap();
        let root = crate::fs::dirfd::open_root(dir.path()).unwrap();
        let stat = crate::fs::dirfd::look(&root, "a").unwrap().unwrap();
        let seen = Fingerprint::of(&stat);
        let mut found = Found::default();
        found.files.insert(name("/a"), seen);
        let mut known = known(&["/a"]);
        let mut asked = 0;
        for _ in 0..3 {
            let plan = known.plan("", &found, |_| {
                asked += 1;
                Some((remote(1, "x"), Some(seen)))
            });
            assert_eq!((plan.same, plan.post.len()), (1, 0));
        }
        assert_eq!(asked, 1);
        // If the list has another content for the file, the file does not count as the same.
        known.listed([(name("/a"), remote(1, "y"))].into());
        let plan = known.plan("", &found, |_| Some((remote(1, "x"), Some(seen))));
        assert_eq!(plan.post, [(name("/a"), 1)]);
    }

    fn found(files: &[(&str, u64)]) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let mut found = Found::default();
        for (text, size) in files {
            let path = dir.path().join("file");
            std::fs::write(&path, vec![0; usize::try_from(*size).unwrap()]).unwrap();
            let root = crate::fs::dirfd::open_root(dir.path()).unwrap();
            let stat = crate::fs::dirfd::look(&root, "file").unwrap().unwrap();
            found.files.insert(name(text), Fingerprint::of(&stat));
        }
        found
    }

    #[test]
    fn only_what_differs_is_sent_and_only_equal_sizes_are_read() {
        let mut asked = Vec::new();
        let found = found(&[("/same", 1), ("/edited", 1), ("/grown", 2), ("/new", 0)]);
        let plan = known(&["/same", "/edited", "/grown", "/gone"]).plan("", &found, |n| {
            asked.push(n.as_str().to_owned());
            let content = if n.as_str() == "/same" { "x" } else { "y" };
            Some((remote(1, content), None))
        });
        assert_eq!(plan.delete, [name("/gone")]);
        let posts = [(name("/edited"), 1), (name("/grown"), 2), (name("/new"), 0)];
        assert_eq!(plan.post, posts);
        assert_eq!(
            (plan.same, asked),
            (1, vec!["/edited".to_owned(), "/same".to_owned()])
        );
    }

    #[test]
    fn a_file_that_became_a_folder_is_deleted_and_the_reverse() {
        let found = found(&[("/a/x", 1), ("/b", 1)]);
        let plan = known(&["/a", "/b/y", "/b/z/w"]).plan("", &found, |_| None);
        assert_eq!(plan.delete, [name("/a"), name("/b/y"), name("/b/z/w")]);
        assert_eq!(plan.post, [(name("/a/x"), 1), (name("/b"), 1)]);
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_taken_for_gone() {
        let mut found = Found::default();
        for path in ["/locked", "/file"] {
            found.unreadable.insert(path.to_owned(), "no".to_owned());
        }
        let plan = known(&["/locked/a/b", "/file", "/lockedx"]).plan("", &found, |_| None);
        assert_eq!(plan.delete, [name("/lockedx")]);
        assert_eq!(plan.spared, 2);
    }
}
