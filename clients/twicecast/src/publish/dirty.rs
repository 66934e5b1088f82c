//! What may have changed since it was last looked at: a bounded set of places.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// More places than this are one: everything.
const PLACES_MAX: usize = 2_000;
/// A burst of changes is waited for until nothing has come for so long, …
const QUIET: Duration = Duration::from_millis(60);
/// … but no longer than this.
const PATIENCE: Duration = Duration::from_millis(300);

/// The places that may have changed, by their full names; `""` is everything.
#[derive(Debug, Default)]
pub struct Dirty {
    places: Mutex<BTreeSet<String>>,
    added: Notify,
}

impl Dirty {
    /// A place may have changed.
    pub fn add(&self, full: String) {
        let mut places = self.lock();
        if places.contains("") {
            return;
        }
        if full.is_empty() || places.len() >= PLACES_MAX {
            places.clear();
            places.insert(String::new());
        } else {
            places.insert(full);
        }
        drop(places);
        self.added.notify_one();
    }

    /// Anything may have changed.
    pub fn add_all(&self) {
        self.add(String::new());
    }

    /// Waits until something may have changed, and then for the end of the burst.
    pub async fn settled(&self) {
        while self.lock().is_empty() {
            self.added.notified().await;
        }
        let patience = Instant::now() + PATIENCE;
        let mut quiet = Instant::now() + QUIET;
        while quiet < patience && timeout_at(quiet, self.added.notified()).await.is_ok() {
            quiet = (Instant::now() + QUIET).min(patience);
        }
    }

    /// Takes all places; of one and what lies below it only that one.
    pub fn take(&self) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        let places = std::mem::take(&mut *self.lock());
        let covers = |above: &String, place: &str| {
            let rest = place.strip_prefix(above.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        for place in places {
            // Those above come first, though others may come between.
            if !taken.iter().rev().any(|above| covers(above, &place)) {
                taken.push(place);
            }
        }
        taken
    }

    /// Whether nothing is known to have changed.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_another_place_is_looked_at_with_it() {
        let dirty = Dirty::default();
        for place in ["/a/b", "/a", "/a-b", "/a/b/c", "/c"] {
            dirty.add(place.to_owned());
        }
        assert_eq!(dirty.take(), ["/a", "/a-b", "/c"]);
        assert!(dirty.is_empty());
    }

    #[test]
    fn very_many_places_are_one() {
        let dirty = Dirty::default();
        for number in 0..=PLACES_MAX {
            dirty.add(format!("/{number}"));
        }
        dirty.add("/more".to_owned());
        assert_eq!(dirty.take(), [""]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_waited_for_but_not_for_ever() {
        let dirty = std::sync::Arc::new(Dirty::default());
        let writer = std::sync::Arc::clone(&dirty);
        tokio::spawn(async move {
            loop {
                writer.add("/a".to_owned());
                tokio::time::sleep(QUIET / 2).await;
            }
        });
        let began = Instant::now();
        dirty.settled().await;
        let waited = began.elapsed();
        assert!(waited >= QUIET && waited <= PATIENCE + QUIET, "{waited:?}");
    }
}
