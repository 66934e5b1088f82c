//! Changes of one file happen one after the other, in the order in which they were asked for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// One lock per key that is in use. Waiters get it in the order in which they asked.
#[derive(Debug)]
pub(super) struct KeyedLocks<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for KeyedLocks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> KeyedLocks<K> {
    /// Waits until nobody else holds `key`.
    pub(super) async fn lock(&self, key: K) -> KeyGuard<'_, K> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(key.clone()).or_default())
        };
        // Made before the wait, so that a waiter who gives up leaves no entry behind either.
        let mut guard = KeyGuard {
            locks: self,
            key,
            held: None,
        };
        guard.held = Some(lock.lock_owned().await);
        guard
    }
}

/// Holds one key until it is dropped.
pub(super) struct KeyGuard<'a, K: Hash + Eq> {
    locks: &'a KeyedLocks<K>,
    key: K,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K: Hash + Eq> Drop for KeyGuard<'_, K> {
    fn drop(&mut self) {
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.held = None;
        // Nobody else can take a reference meanwhile: that needs the map's lock.
        if locks
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn the_same_key_waits_its_turn_and_another_does_not() {
        let locks = KeyedLocks::default();
        let first = locks.lock("a").await;
        let mut second = Box::pin(locks.lock("a"));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(locks.lock("b").now_or_never().is_some());
        drop(first);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn keys_that_nobody_uses_take_no_room() {
        let locks = KeyedLocks::default();
        let first = locks.lock("a").await;
        let mut waiter = Box::pin(locks.lock("a"));
        assert!(waiter.as_mut().now_or_never().is_none());
        drop(waiter);
        drop(first);
        assert!(locks.0.lock().expect("not poisoned").is_empty());
    }
}
