//! The places that may have changed since they were last looked at, and when to look at each: after
//! a complete save at once, at a file that is still being written when it rests, and at a file that
//! never rests less and less often.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// With more places than this, everything is looked at.
const PLACES_MAX: usize = 2_000;
/// A file that is still being written is looked at when nothing has changed for this long, …
const QUIET: Duration = Duration::from_millis(60);
/// … but no later than this.
const PATIENCE: Duration = Duration::from_millis(300);

/// Rounds that follow one another faster than this are a burst.
const BURST: Duration = Duration::from_millis(20);
/// The least and the most time between two rounds of a burst.
const GAPS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(40));

/// A file that has not changed for this long is at rest.
const REST: Duration = Duration::from_secs(1);
/// The least and the most that a file that never rests waits; a small one waits at most
/// [`SMALL_WAIT`].
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));
const SMALL_WAIT: Duration = Duration::from_secs(2);
/// A large file waits a second for each of this many bytes, …
const BYTES_PER_SECOND: u64 = 5_000_000;
/// … and at most this many times as long.
const MOST: u32 = 5;

/// The places that may have changed, by their full names; `""` means everything.
#[derive(Debug, Default)]
pub struct Dirty {
    state: Mutex<State>,
    added: Notify,
}

#[derive(Debug, Default)]
struct State {
    places: BTreeMap<String, Pending>,
    paces: HashMap<String, Pace>,
    /// When places were last taken, and how long the next round waits after that.
    taken: Option<Instant>,
    gap: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    since: Instant,
    due: Instant,
}

/// The pace at which a file that changes all the time is looked at.
#[derive(Debug, Clone, Copy)]
struct Pace {
    bytes: u64,
    /// How long to wait after it was last looked at.
    wait: Duration,
    looked: Instant,
    changed: Instant,
}

impl Pace {
    /// The next wait, if it keeps changing.
    fn slower(&self) -> Duration {
        let cost = Duration::from_millis(self.bytes / (BYTES_PER_SECOND / 1_000));
        let most = (SMALL_WAIT + cost * MOST).min(WAITS.1);
        (self.wait * 2).max(WAITS.0).max(cost).min(most)
    }

    fn has_rested(&self, now: Instant) -> bool {
        now - self.changed > REST.max(self.wait)
    }
}

impl State {
    fn add(&mut self, full: String, due: impl FnOnce(Instant) -> Instant) {
        let now = Instant::now();
        if self.places.contains_key("") && !full.is_empty() {
            return;
        }
        let full = if self.places.len() >= PLACES_MAX {
            String::new()
        } else {
            full
        };
        let since = self.places.get(&full).map_or(now, |pending| pending.since);
        let mut due = due(since);
        if self
            .paces
            .get(&full)
            .is_some_and(|pace| pace.has_rested(now))
        {
            self.paces.remove(&full);
        }
        if let Some(pace) = self.paces.get_mut(&full) {
            pace.changed = now;
            due = due.max(pace.looked + pace.wait);
        }
        if full.is_empty() {
            self.places.clear();
        }
        self.places.insert(full, Pending { since, due });
    }

    /// When the next place is due.
    fn next(&self) -> Option<Instant> {
        let due = self.places.values().map(|pending| pending.due).min()?;
        Some(self.taken.map_or(due, |taken| due.max(taken + self.gap)))
    }

    fn take(&mut self, now: Instant) -> Vec<String> {
        let is_burst = self
            .taken
            .is_some_and(|taken| now - taken < BURST.max(self.gap * 2));
        self.gap = if is_burst {
            (self.gap * 2).clamp(GAPS.0, GAPS.1)
        } else {
            Duration::ZERO
        };
        self.taken = Some(now);
        let due = self.places.iter().filter(|(_, place)| place.due <= now);
        let due: Vec<_> = due.map(|(full, _)| full.clone()).collect();
        for full in &due {
            self.places.remove(full);
            if let Some(pace) = self.paces.get_mut(full) {
                pace.wait = pace.slower();
                pace.looked = now;
            }
        }
        due
    }
}

impl Dirty {
    /// Adds a place whose change is complete.
    pub fn add(&self, full: String) {
        self.lock().add(full, |_| Instant::now());
        self.added.notify_one();
    }

    /// Adds a place that is still being changed.
    pub fn add_unfinished(&self, full: String) {
        self.lock()
            .add(full, |since| (Instant::now() + QUIET).min(since + PATIENCE));
        self.added.notify_one();
    }

    /// Adds everything.
    pub fn add_all(&self) {
        self.add(String::new());
    }

    /// Notes the size of a file that has been looked at, so that a large one that never rests is
    /// looked at less often.
    pub fn weigh(&self, full: &str, bytes: u64) {
        let now = Instant::now();
        let mut state = self.lock();
        if let Some(pace) = state.paces.get_mut(full) {
            pace.bytes = bytes;
            return;
        }
        if state.paces.len() >= PLACES_MAX {
            state.paces.retain(|_, pace| !pace.has_rested(now));
        }
        if state.paces.len() < PLACES_MAX {
            let pace = Pace {
                bytes,
                wait: Duration::ZERO,
                looked: now,
                changed: now,
            };
            state.paces.insert(full.to_owned(), pace);
        }
    }

    /// Waits until a place is due.
    pub async fn settled(&self) {
        loop {
            let next = self.lock().next();
            match next {
                None => self.added.notified().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => {
                    let _ = timeout_at(due, self.added.notified()).await;
                }
            }
        }
    }

    /// Takes all places that are due. If one lies below another, only the upper one is returned.
    pub fn take(&self) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        let places = self.lock().take(Instant::now());
        let covers = |above: &String, place: &str| {
            let rest = place.strip_prefix(above.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        for place in places {
            // An upper place comes before those below it, but others may come in between.
            if !taken.iter().rev().any(|above| covers(above, &place)) {
                taken.push(place);
            }
        }
        taken
    }

    /// Whether a place is due.
    pub fn is_due(&self) -> bool {
        let next = self.lock().next();
        next.is_some_and(|due| due <= Instant::now())
    }

    /// Whether no place is known to have changed.
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
    async fn what_is_still_written_is_waited_for_but_not_for_ever_and_not_by_others() {
        let dirty = std::sync::Arc::new(Dirty::default());
        let writer = std::sync::Arc::clone(&dirty);
        tokio::spawn(async move {
            loop {
                writer.add_unfinished("/a".to_owned());
                tokio::time::sleep(QUIET / 2).await;
            }
        });
        tokio::task::yield_now().await;
        let began = Instant::now();
        dirty.add("/b".to_owned());
        dirty.settled().await;
        assert_eq!(
            (dirty.take(), began.elapsed()),
            (vec!["/b".to_owned()], Duration::ZERO)
        );
        dirty.settled().await;
        assert_eq!(dirty.take(), ["/a"]);
        let waited = began.elapsed();
        assert!(waited >= QUIET && waited <= PATIENCE + QUIET, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_save_after_quiet_is_due_at_once_and_a_burst_is_gathered_behind_it() {
        let dirty = Dirty::default();
        let mut rounds = Vec::new();
        for number in 0..200 {
            dirty.add(format!("/{number}"));
            if dirty.is_due() {
                rounds.push(dirty.take().len());
            }
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(rounds[..5], [1, 1, 5, 10, 20]);
        assert_eq!(*rounds.last().unwrap(), 40);
    }

    /// How often a file of that size is looked at if it changes ten times a second.
    async fn looks(dirty: &Dirty, bytes: u64, time: Duration) -> usize {
        let (began, mut looks) = (Instant::now(), 0);
        while began.elapsed() < time {
            dirty.add("/log".to_owned());
            if dirty.is_due() {
                looks += dirty.take().len();
                dirty.weigh("/log", bytes);
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        looks
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_never_rests_is_looked_at_ever_less_often_and_others_do_not_wait() {
        for (bytes, most) in [(50_000_000, 8), (1_000, 70)] {
            let dirty = Dirty::default();
            let looks = looks(&dirty, bytes, Duration::from_secs(120)).await;
            assert!((3..=most).contains(&looks), "{bytes}: {looks}");
            tokio::time::advance(GAPS.1).await;
            dirty.add("/other".to_owned());
            assert!(dirty.is_due());
            assert!(dirty.take().contains(&"/other".to_owned()));
            // Its last change is not forgotten …
            tokio::time::advance(WAITS.1 * 2).await;
            dirty.take();
            assert!(dirty.is_empty());
            // … and once it has rested, the next one is due at once.
            dirty.add("/log".to_owned());
            assert!(dirty.is_due());
        }
    }
}
