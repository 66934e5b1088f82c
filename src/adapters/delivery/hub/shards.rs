//! A map in many parts, each with a lock of its own.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::Mutex;

/// How many parts there are: enough that two busy keys rarely share a lock.
const SHARDS: usize = 64;

/// A map whose keys are spread over many locks, so that work on one key rarely delays another.
pub(crate) struct Shards<K, V> {
    shards: Vec<Mutex<HashMap<K, V>>>,
    hasher: RandomState,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl<K: Hash + Eq, V> Shards<K, V> {
    /// The part that has `key`, if anything does.
    pub(crate) fn of(&self, key: &K) -> &Mutex<HashMap<K, V>> {
        // The remainder is less than `SHARDS`.
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        &self.shards[place]
    }

    /// Whether nothing is left.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        use crate::application::locks::lock;
        self.shards.iter().all(|shard| lock(shard).is_empty())
    }
}
