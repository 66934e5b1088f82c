//! Which files other nodes have changed since this one was asked to.
//!
//! A client that gets no answer goes to another node and writes there. What this node was asked
//! before must not come on top of that: it counts as made just before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::application::locks::lock;
use crate::domain::{FilePath, Version};

/// The files of a project that this node is asked to change.
#[derive(Default)]
pub(crate) struct OpenChanges(Mutex<HashMap<FilePath, Open>>);

struct Open {
    /// How many changes of it are open.
    changes: usize,
    /// The last change of another node since the first of them began; 0: none.
    foreign: u64,
}

/// A change that was asked for and has not ended.
pub(crate) struct OpenChange {
    all: Arc<OpenChanges>,
    path: FilePath,
    /// `foreign` when it began.
    before: u64,
}

impl OpenChanges {
    /// A change is asked for.
    pub fn begin(self: &Arc<Self>, path: &FilePath) -> OpenChange {
        let mut all = lock(&self.0);
        let open = all.entry(path.clone()).or_insert(Open {
            changes: 0,
            foreign: 0,
        });
        open.changes += 1;
        OpenChange {
            all: Arc::clone(self),
            path: path.clone(),
            before: open.foreign,
        }
    }

    /// The log tells that another node has changed a file.
    pub fn note_foreign(&self, path: &FilePath, sequence: u64) {
        if let Some(open) = lock(&self.0).get_mut(path) {
            open.foreign = sequence;
        }
    }
}

impl OpenChange {
    /// The change of another node that has come since this one was asked for.
    pub fn overtaken_by(&self) -> Option<Version> {
        let all = lock(&self.all.0);
        let foreign = all.get(&self.path)?.foreign;
        (foreign != self.before).then_some(Version::new(foreign))
    }
}

impl Drop for OpenChange {
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        if let Some(open) = all.get_mut(&self.path) {
            open.changes -= 1;
            if open.changes == 0 {
                all.remove(&self.path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> FilePath {
        FilePath::parse(name).expect("valid")
    }

    #[test]
    fn a_change_is_overtaken_by_what_another_node_does_to_that_file_from_then_on() {
        let open = Arc::<OpenChanges>::default();
        open.note_foreign(&path("a"), 1);
        let first = open.begin(&path("a"));
        assert_eq!(first.overtaken_by(), None);
        open.note_foreign(&path("b"), 2);
        assert_eq!(first.overtaken_by(), None);
        open.note_foreign(&path("a"), 3);
        let second = open.begin(&path("a"));
        assert_eq!(first.overtaken_by(), Some(Version::new(3)));
        assert_eq!(second.overtaken_by(), None, "it was asked for afterwards");
        drop(first);
        open.note_foreign(&path("a"), 4);
        assert_eq!(second.overtaken_by(), Some(Version::new(4)));
        drop(second);
        assert!(lock(&open.0).is_empty(), "nothing is remembered");
    }
}
