//! Changes that wait as names, in order of first change.

use std::hash::RandomState;
use std::sync::Arc;

use hashlink::LinkedHashMap;
use hashlink::linked_hash_map::Entry;

use crate::application::FileKey;
use crate::domain::{ProjectId, Version};

/// What the map adds to an entry, in bytes: two links, the allocator's overhead, and at worst 16/7
/// of a slot (a pointer and a control byte) in a table that has just grown.
const OVERHEAD_BYTES: usize = 2 * size_of::<usize>() + 16 + 9 * 16 / 7;

/// What an entry is about; there is one entry for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    File(Arc<FileKey>),
    Latest(Latest, Arc<ProjectId>),
}

/// A fact about a project, besides its files, of which only the latest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Latest {
    /// Whether its streamer is connected.
    Streamer,
    /// How many view it.
    Viewers,
    /// Where its streamer is looking.
    Focus,
}

/// The latest change of what an entry is about.
#[derive(Debug)]
pub(crate) enum Change<F> {
    /// New content, to be read back.
    Updated(Version),
    /// A deletion, or a change whose content the connection does not want.
    Told(Version, F),
    Latest(F),
}

/// Waiting changes.
#[derive(Debug)]
pub(crate) struct WaitingChanges<F> {
    entries: LinkedHashMap<Key, Change<F>, RandomState>,
    /// How many entries there is memory for: the map keeps the memory of removed entries.
    kept: usize,
}

impl<F> Default for WaitingChanges<F> {
    fn default() -> Self {
        Self {
            entries: LinkedHashMap::with_hasher(RandomState::new()),
            kept: 0,
        }
    }
}

impl<F> WaitingChanges<F> {
    /// How many bytes an entry takes; its name is shared by all receivers and does not count.
    pub(crate) const ENTRY_BYTES: usize = size_of::<(Key, Change<F>)>() + OVERHEAD_BYTES;

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes the entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.kept * Self::ENTRY_BYTES
    }

    /// Records a change in place of an earlier one of the same key, otherwise after all others.
    /// Returns whether there was an earlier one.
    pub(crate) fn note(&mut self, key: Key, change: Change<F>) -> bool {
        let is_later = match self.entries.entry(key) {
            // Replaces the key, too: all other receivers of this change share its name.
            Entry::Occupied(earlier) => {
                drop(earlier.replace_entry(change));
                true
            }
            Entry::Vacant(first) => {
                first.insert(change);
                false
            }
        };
        self.kept = self.kept.max(self.entries.len());
        is_later
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The oldest entry.
    pub(crate) fn pop(&mut self) -> Option<(Key, Change<F>)> {
        let oldest = self.entries.pop_front();
        self.give_back();
        oldest
    }

    /// Drops all entries of `project`.
    pub(crate) fn forget(&mut self, project: &ProjectId) {
        self.entries.retain(|key, _| match key {
            Key::File(file) => file.project != *project,
            Key::Latest(_, of) => **of != *project,
        });
        self.give_back();
    }

    /// Drops the entry of `file` unless it is newer than `version`.
    pub(crate) fn supersede(&mut self, file: &FileKey, version: Version) {
        if self.entries.is_empty() {
            return;
        }
        let key = Key::File(Arc::new(file.clone()));
        let is_newer = match self.entries.get(&key) {
            Some(Change::Updated(waiting) | Change::Told(waiting, _)) => *waiting > version,
            Some(Change::Latest(_)) | None => true,
        };
        if !is_newer {
            self.entries.remove(&key);
            self.give_back();
        }
    }

    /// Frees the memory of a burst once all or most of its entries are gone.
    fn give_back(&mut self) {
        if self.entries.is_empty() {
            *self = Self::default();
        } else if self.entries.len() < self.kept / 4 {
            self.entries.shrink_to_fit();
            self.kept = self.entries.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FilePath, ProjectName, UserName};

    fn key(number: usize) -> Key {
        Key::File(Arc::new(FileKey {
            project: ProjectId {
                streamer: UserName::parse("ana").expect("valid"),
                name: ProjectName::parse("demo").expect("valid"),
            },
            path: FilePath::parse(&format!("f{number}")).expect("valid"),
        }))
    }

    #[test]
    fn viewers_who_came_at_different_times_share_the_name_of_the_latest_change() {
        let (mut first, mut second) = Default::default();
        let note = |waiting: &mut WaitingChanges<()>, key: &Key| {
            waiting.note(key.clone(), Change::Updated(Version::default()));
        };
        let (earlier, later) = (key(1), key(1));
        note(&mut first, &earlier);
        for waiting in [&mut first, &mut second] {
            note(waiting, &later);
        }
        let holders = |key: &Key| match key {
            Key::File(name) => Arc::strong_count(name) - 1,
            Key::Latest(_, name) => Arc::strong_count(name) - 1,
        };
        assert_eq!((holders(&earlier), holders(&later)), (0, 2));
    }

    #[test]
    fn entries_that_are_gone_count_until_their_memory_is_given_back() {
        let mut waiting = WaitingChanges::<Arc<()>>::default();
        for number in 0..100 {
            waiting.note(key(number), Change::Updated(Version::default()));
        }
        let all = waiting.bytes();
        assert!(all >= 100 * (size_of::<(Key, Change<Arc<()>>)>() + 32));
        (0..75).for_each(|_| assert!(waiting.pop().is_some()));
        assert_eq!(waiting.bytes(), all, "a quarter is left");
        waiting.pop();
        assert_eq!(waiting.bytes(), all / 100 * 24);
        while waiting.pop().is_some() {}
        assert_eq!(waiting.bytes(), 0);
    }
}
