//! What may have changed since it was last looked at: a bounded set of places.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// More places than this are one: everything.
const PLACES_MAX: usize = 2_000;
/// After a time without changes the first one is acted upon almost at once: a program that saves a
/// file by way of another is done with both by then.
const FIRST: Duration = Duration::from_millis(3);
/// While changes go on they are gathered until nothing has come for so long; likewise where a file
/// is still open for writing.
const QUIET: Duration = Duration::from_millis(60);
/// Gathering ends after so many times as long.
const PATIENCE: u32 = 5;

/// The places that may have changed, by their full names; `""` is everything.
#[derive(Debug, Default)]
pub struct Dirty {
    state: Mutex<State>,
    added: Notify,
}

#[derive(Debug, Default)]
struct State {
    places: BTreeSet<String>,
    /// Those of them that somebody is still writing to.
    open: BTreeSet<String>,
    /// How long changes were gathered last, and when that ended.
    last: Option<(Duration, Instant)>,
}

impl Dirty {
    /// A place may have changed.
    pub fn add(&self, full: String) {
        self.insert(full, false);
    }

    /// A place has changed, and will probably change further: somebody has it open for writing.
    pub fn add_open(&self, full: String) {
        self.insert(full, true);
    }

    /// Anything may have changed.
    pub fn add_all(&self) {
        self.add(String::new());
    }

    fn insert(&self, full: String, is_open: bool) {
        let mut state = self.lock();
        if !state.places.contains("") {
            if full.is_empty() || state.places.len() >= PLACES_MAX {
                state.open.clear();
                state.places = [String::new()].into();
            } else {
                if is_open {
                    state.open.insert(full.clone());
                } else {
                    state.open.remove(&full);
                }
                state.places.insert(full);
            }
        }
        drop(state);
        self.added.notify_one();
    }

    /// Waits until something may have changed, and then for the end of the burst.
    pub async fn settled(&self) {
        while self.is_empty() {
            self.added.notified().await;
        }
        let began = Instant::now();
        let window = self.window(began);
        let mut changed = began;
        loop {
            let is_open = !self.lock().open.is_empty();
            let quiet = if is_open { QUIET } else { window };
            let until = (changed + quiet).min(began + quiet * PATIENCE);
            if timeout_at(until, self.added.notified()).await.is_err() {
                break;
            }
            changed = Instant::now();
        }
        self.lock().last = Some((window, Instant::now()));
    }

    /// How long to gather: longer from time to time while changes go on.
    fn window(&self, now: Instant) -> Duration {
        match self.lock().last {
            Some((window, ended)) if now < ended + window * 2 => (window * 2).min(QUIET),
            _ => FIRST,
        }
    }

    /// Takes all places; of one and what lies below it only that one.
    pub fn take(&self) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        let places = {
            let mut state = self.lock();
            state.open.clear();
            std::mem::take(&mut state.places)
        };
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
        self.lock().places.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn the_first_change_is_acted_upon_almost_at_once_and_what_follows_is_gathered() {
        let dirty = Dirty::default();
        let settled = async || {
            let began = Instant::now();
            dirty.settled().await;
            dirty.take();
            began.elapsed()
        };
        dirty.add("/a".to_owned());
        assert_eq!(settled().await, FIRST);
        let mut waited = Vec::new();
        for _ in 0..8 {
            dirty.add("/a".to_owned());
            waited.push(settled().await);
        }
        assert!(
            waited.is_sorted() && waited.last() == Some(&QUIET),
            "{waited:?}"
        );
        tokio::time::sleep(QUIET * 3).await;
        dirty.add("/a".to_owned());
        assert_eq!(settled().await, FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_is_waited_for_until_it_is_closed_or_rests() {
        let dirty = Dirty::default();
        dirty.add_open("/a".to_owned());
        let began = Instant::now();
        dirty.settled().await;
        assert_eq!(began.elapsed(), QUIET);
        dirty.take();
        tokio::time::sleep(QUIET * 3).await;
        dirty.add_open("/a".to_owned());
        dirty.add("/a".to_owned());
        let began = Instant::now();
        dirty.settled().await;
        assert_eq!(began.elapsed(), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_waited_for_but_not_for_ever() {
        let dirty = std::sync::Arc::new(Dirty::default());
        let writer = std::sync::Arc::clone(&dirty);
        tokio::spawn(async move {
            loop {
                writer.add_open("/a".to_owned());
                tokio::time::sleep(QUIET / 2).await;
            }
        });
        let began = Instant::now();
        dirty.settled().await;
        let waited = began.elapsed();
        assert!(
            waited >= QUIET && waited <= QUIET * (PATIENCE + 1),
            "{waited:?}"
        );
    }
}
