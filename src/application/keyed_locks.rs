//! Changes of one file happen one after the other, in the order in which they were asked for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::OwnedMutexGuard;

use crate::application::locks::lock;

/// One lock per key that is in use. Waiters get it in the order in which they asked.
#[derive(Debug)]
pub(crate) struct KeyedLocks<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for KeyedLocks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone> KeyedLocks<K> {
    /// Waits until nobody else holds `key`.
    pub(crate) async fn lock(&self, key: K) -> KeyGuard<'_, K> {
        let own = {
            let mut locks = lock(&self.0);
            Arc::clone(locks.entry(key.clone()).or_default())
        };
        // Made before the wait, so that a waiter who gives up leaves no entry behind either.
        let mut guard = KeyGuard {
            locks: self,
            key,
            held: None,
        };
        guard.held = Some(own.lock_owned().await);
        guard
    }
}

/// Holds one key until it is dropped.
pub(crate) struct KeyGuard<'a, K: Hash + Eq> {
    locks: &'a KeyedLocks<K>,
    key: K,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K: Hash + Eq> Drop for KeyGuard<'_, K> {
    fn drop(&mut self) {
        let mut locks = lock(&self.locks.0);
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
    use crate::application::locks::interleaved::check;
    use futures_util::FutureExt;
    use shuttle::future::{block_on, spawn};
    use shuttle::sync::atomic::{AtomicBool, Ordering};

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

    #[test]
    fn in_no_order_of_events_do_two_hold_the_same_key_or_is_one_forgotten() {
        check(2_000, || {
            block_on(async {
                let locks = Arc::new(KeyedLocks::default());
                let holders = Arc::new([0, 1].map(|_| AtomicBool::new(false)));
                let tasks: Vec<_> = [0, 1, 0, 0]
                    .into_iter()
                    .map(|key: usize| {
                        let (locks, holders) = (Arc::clone(&locks), Arc::clone(&holders));
                        spawn(async move {
                            for _ in 0..2 {
                                let _guard = locks.lock(key).await;
                                let held = holders[key].swap(true, Ordering::SeqCst);
                                assert!(!held, "{key} is held already");
                                shuttle::future::yield_now().await;
                                holders[key].store(false, Ordering::SeqCst);
                            }
                        })
                    })
                    .collect();
                // One who gives up while he waits, wherever he is by then.
                let given_up = {
                    let locks = Arc::clone(&locks);
                    spawn(async move { drop(locks.lock(0).await) })
                };
                given_up.abort();
                for task in tasks {
                    task.await.expect("no panic");
                }
                drop(given_up);
                assert!(lock(&locks.0).is_empty());
            });
        });
    }
}
