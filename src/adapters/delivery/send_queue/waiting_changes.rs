//! Changes that wait as names, in order of first change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::application::FileKey;
use crate::domain::{ProjectId, Version};

/// What a waiting entry takes up, about, in bytes; names are shared by all receivers and do not
/// count here.
const ENTRY_BYTES: usize = 80;

/// What an entry is about; there is one entry for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    File(Arc<FileKey>),
    Presence(ProjectId),
}

/// The latest that happened to it.
#[derive(Debug)]
pub(crate) enum Change<F> {
    /// New content, to be read back.
    Updated(Version),
    Deleted(Version, F),
    Presence(F),
}

/// Waiting changes.
#[derive(Debug)]
pub(crate) struct WaitingChanges<F> {
    /// By place: the order of first change.
    entries: BTreeMap<u64, (Key, Change<F>)>,
    places: HashMap<Key, u64>,
    next_place: u64,
}

impl<F> Default for WaitingChanges<F> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
        }
    }
}

impl<F> WaitingChanges<F> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What all entries take up, about.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * ENTRY_BYTES
    }

    /// Notes a change in the place of an earlier one of the same key, else behind all others.
    pub(crate) fn note(&mut self, key: Key, change: Change<F>) {
        let next = self.next_place;
        let place = *self.places.entry(key.clone()).or_insert(next);
        self.next_place += u64::from(place == next);
        self.entries.insert(place, (key, change));
    }

    /// The oldest entry.
    pub(crate) fn pop(&mut self) -> Option<(Key, Change<F>)> {
        let (_, (key, change)) = self.entries.pop_first()?;
        self.places.remove(&key);
        if self.entries.is_empty() {
            // Room for a burst that is over is given back.
            self.places = HashMap::new();
        }
        Some((key, change))
    }

    /// Drops all entries of `project`.
    pub(crate) fn forget(&mut self, project: &ProjectId) {
        let is_kept = |key: &Key| match key {
            Key::File(file) => file.project != *project,
            Key::Presence(of) => of != project,
        };
        self.entries.retain(|_, (key, _)| is_kept(key));
        self.places.retain(|key, _| is_kept(key));
    }

    /// Drops the entry of `file` unless it is newer than `version`.
    pub(crate) fn supersede(&mut self, file: &FileKey, version: Version) {
        if self.entries.is_empty() {
            return;
        }
        let key = Key::File(Arc::new(file.clone()));
        let Some(&place) = self.places.get(&key) else {
            return;
        };
        let is_newer = match self.entries.get(&place) {
            Some((_, Change::Updated(waiting) | Change::Deleted(waiting, _))) => *waiting > version,
            Some((_, Change::Presence(_))) | None => true,
        };
        if !is_newer {
            self.entries.remove(&place);
            self.places.remove(&key);
        }
    }
}
