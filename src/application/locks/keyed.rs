//! One lock for each key, as long as somebody holds it or waits for it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::application::locks::lock;

/// Locks, one for each key.
#[derive(Debug)]
pub(crate) struct KeyedLocks<K>(Mutex<HashMap<K, Arc<AsyncMutex<()>>>>);

/// The lock for one key; dropping this frees it.
#[derive(Debug)]
pub(crate) struct KeyedLock<K: Hash + Eq> {
    locks: Arc<KeyedLocks<K>>,
    key: K,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K> Default for KeyedLocks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> KeyedLocks<K> {
    /// Waits until nobody else holds the lock for `key`; waiters get it in the order in which they
    /// asked.
    pub async fn lock(self: &Arc<Self>, key: &K) -> KeyedLock<K> {
        let one = Arc::clone(lock(&self.0).entry(key.clone()).or_default());
        // Created before the wait: a caller that is dropped while waiting leaves no trace either.
        let mut granted = KeyedLock {
            locks: Arc::clone(self),
            key: key.clone(),
            held: None,
        };
        granted.held = Some(one.lock_owned().await);
        granted
    }
}

impl<K: Hash + Eq> Drop for KeyedLock<K> {
    fn drop(&mut self) {
        let mut all = lock(&self.locks.0);
        self.held = None;
        // Every waiter holds a clone, taken under the lock that we hold.
        if all
            .get(&self.key)
            .is_some_and(|one| Arc::strong_count(one) == 1)
        {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn one_key_is_locked_once_and_no_lock_is_remembered() {
        let locks = Arc::new(KeyedLocks::default());
        let held = locks.lock(&"a").await;
        let soon = Duration::from_millis(5);
        assert!(timeout(soon, locks.lock(&"a")).await.is_err(), "it waits");
        drop(timeout(soon, locks.lock(&"b")).await.expect("is free"));
        drop(held);
        drop(timeout(soon, locks.lock(&"a")).await.expect("is free"));
        assert!(lock(&locks.0).is_empty());
    }
}
