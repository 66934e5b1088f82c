//! Decides how often work that goes last may begin. If it is done for several connections, or uses
//! much of a processor at a time, it begins only often enough to use a sixth of the processors.
//!
//! A low priority alone is not enough. A thread that is stopped in the middle of an operation may
//! hold a lock of the file system, or keep its journal from being written. Everybody who waits for
//! that waits until the processor has nothing better to do. Nobody waits for work that has not
//! begun.

use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use crate::application::fair_share::DiskUser;
use crate::application::locks::lock;

/// Work that goes last for several connections takes one part in this many of the time of all
/// processors.
const PART: u32 = 6;

/// A connection that is alone, such as one of a streamer who uploads a project while others watch,
/// does not pause after work that uses less processor time than this.
const ALONE: Duration = Duration::from_millis(1);

/// How long work counts as done for several connections after one connection's work has followed
/// another's.
const LATELY: Duration = Duration::from_secs(1);

/// Work that takes longer is waiting for the disk, or hangs, and costs the others no more than
/// this.
const MAX_TIME: Duration = Duration::from_millis(5);

/// How long work is taken to last before any has been measured.
const FIRST_ESTIMATE: Duration = Duration::from_micros(100);

/// The estimate is a moving average: the latest time counts as one part in this many.
const SMOOTHING: u32 = 8;

static PROCESSORS: LazyLock<u32> = LazyLock::new(|| {
    thread::available_parallelism()
        .ok()
        .and_then(|count| count.get().try_into().ok())
        .unwrap_or(1)
});

/// Lets pieces of work begin one after another, with pauses that depend on how long they take.
pub(super) struct Pacer(Mutex<Pace>);

struct Pace {
    /// When the next work may begin.
    next: Option<Instant>,
    /// How long work is likely to take.
    estimate: Duration,
    /// The connection whose work began last, and when that last changed.
    user: Option<DiskUser>,
    changed: Option<Instant>,
}

impl Pace {
    const fn new() -> Self {
        Self {
            next: None,
            estimate: FIRST_ESTIMATE,
            user: None,
            changed: None,
        }
    }

    /// How long after the beginning of work that takes this long, and uses this much processor
    /// time, the next work may begin.
    fn pause(&self, took: Duration, used: Duration, now: Instant) -> Duration {
        let is_of_several = self.changed.is_some_and(|changed| now < changed + LATELY);
        let time = if is_of_several {
            took
        } else {
            used.saturating_sub(ALONE)
        };
        time.min(MAX_TIME) * PART / *PROCESSORS
    }

    /// When work for this connection may begin, and how long the pause after it is likely to be.
    fn place(&mut self, user: &DiskUser, now: Instant) -> (Instant, Duration) {
        self.note(user, now);
        let cost = self.pause(self.estimate, Duration::ZERO, now);
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = Some(at + cost);
        (at, cost)
    }

    fn note(&mut self, user: &DiskUser, now: Instant) {
        match &self.user {
            Some(last) if last.is(user) => return,
            Some(_) => self.changed = Some(now),
            None => {}
        }
        self.user = Some(user.clone());
    }

    /// Replaces the likely cost of some work by what it did cost.
    fn correct(&mut self, likely: Duration, cost: Duration) {
        self.next = self.next.and_then(|next| (next + cost).checked_sub(likely));
    }

    /// Learns from work that took this long and used this much processor time, and returns the
    /// pause after it.
    fn learn(&mut self, took: Duration, used: Duration, now: Instant) -> Duration {
        self.estimate = (self.estimate * (SMOOTHING - 1) + took.min(MAX_TIME)) / SMOOTHING;
        self.pause(took, used, now)
    }
}

impl Pacer {
    pub const fn new() -> Self {
        Self(Mutex::new(Pace::new()))
    }

    /// Waits until work for this connection may begin. Until the work has [ended](Paced::end), it
    /// costs what it is likely to take. This holds nothing while it waits, so a caller that is not
    /// polled holds up nobody.
    pub async fn begin(&'static self, user: &DiskUser) -> Paced {
        let now = Instant::now();
        let (at, cost) = lock(&self.0).place(user, now);
        let paced = Paced { pacer: self, cost };
        if at > now {
            sleep_until(at.into()).await;
        }
        paced
    }
}

/// Work that may begin. It costs nothing if it is dropped without having been done.
pub(super) struct Paced {
    pacer: &'static Pacer,
    /// The pause that is planned after it.
    cost: Duration,
}

impl Paced {
    /// Replaces the planned pause by one that depends on how long the work took, or how much
    /// processor time it used.
    pub fn end(mut self, took: Duration, used: Duration) {
        let mut pace = lock(&self.pacer.0);
        let cost = pace.learn(took, used, Instant::now());
        pace.correct(std::mem::take(&mut self.cost), cost);
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        if !self.cost.is_zero() {
            lock(&self.pacer.0).correct(self.cost, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::fair_share::{FairShare, disk_user};
    use futures_util::poll;
    use std::pin::pin;

    fn new_pacer() -> &'static Pacer {
        Box::leak(Box::new(Pacer::new()))
    }

    async fn two_users() -> [DiskUser; 2] {
        let all = FairShare::default();
        let user = async || all.open().work(async { disk_user() }).await;
        [user().await, user().await]
    }

    /// The pause after work that takes this long, with several connections.
    fn pause_after(time: Duration) -> Duration {
        time.min(MAX_TIME) * PART / *PROCESSORS
    }

    #[tokio::test]
    async fn work_of_several_takes_its_part_of_the_time() {
        const ROUNDS: u32 = 10;
        let users = two_users().await;
        for time in [MAX_TIME / 4, MAX_TIME, MAX_TIME * 1_000] {
            let pacer = new_pacer();
            for user in &users {
                pacer.begin(user).await.end(Duration::ZERO, Duration::ZERO);
            }
            let begun = Instant::now();
            for _ in 0..ROUNDS {
                for user in &users {
                    pacer.begin(user).await.end(time, Duration::ZERO);
                }
            }
            pacer.begin(&users[0]).await;
            let least = pause_after(time) * 2 * ROUNDS;
            assert!(begun.elapsed() >= least, "after {:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn one_alone_waits_only_after_work_that_uses_much_of_a_processor() {
        let ([user, _], pacer) = (two_users().await, new_pacer());
        let work = async |used| pacer.begin(&user).await.end(MAX_TIME * 1_000, used);
        for _ in 0..20 {
            assert!(poll!(pin!(work(ALONE))).is_ready(), "it waits");
        }
        for used in [MAX_TIME, MAX_TIME * 1_000] {
            let begun = Instant::now();
            work(ALONE + used).await;
            work(ALONE).await;
            let least = pause_after(MAX_TIME);
            assert!(begun.elapsed() >= least, "after {:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn there_are_several_for_a_while_after_another_has_begun() {
        let [one, other] = two_users().await;
        let (mut pace, now) = (Pace::new(), Instant::now());
        for (user, several) in [(&one, false), (&one, false), (&other, true), (&other, true)] {
            pace.note(user, now);
            for (after, several) in [
                (Duration::ZERO, several),
                (LATELY.saturating_sub(Duration::from_nanos(1)), several),
                (LATELY, false),
            ] {
                let pause = if several {
                    pause_after(MAX_TIME)
                } else {
                    Duration::ZERO
                };
                assert_eq!(pace.pause(MAX_TIME, Duration::ZERO, now + after), pause);
            }
        }
    }

    #[tokio::test]
    async fn work_that_hangs_costs_what_it_was_likely_to_take() {
        let [one, other] = two_users().await;
        let (mut pace, now) = (Pace::new(), Instant::now());
        assert_eq!(pace.place(&one, now), (now, Duration::ZERO));
        let likely = pause_after(FIRST_ESTIMATE);
        for (user, hanging) in [(&other, 0), (&one, 1), (&other, 2)] {
            assert_eq!(pace.place(user, now), (now + likely * hanging, likely));
        }
        let cost = pace.learn(MAX_TIME * 1_000, Duration::ZERO, now);
        assert_eq!(cost, pause_after(MAX_TIME));
        let estimate = pace.estimate;
        assert!(
            estimate > FIRST_ESTIMATE && estimate < MAX_TIME,
            "{estimate:?}"
        );
        pace.correct(likely, cost);
        assert_eq!(pace.place(&one, now).0, now + likely * 2 + cost);
    }

    #[tokio::test]
    async fn work_begins_in_order_and_who_gives_up_costs_nothing() {
        let ([one, other], pacer) = (two_users().await, new_pacer());
        let next = || lock(&pacer.0).next;
        pacer.begin(&one).await.end(MAX_TIME, Duration::ZERO);
        pacer.begin(&other).await.end(MAX_TIME, Duration::ZERO);
        let (free, likely) = (next(), pause_after(lock(&pacer.0).estimate));
        let mut first = Box::pin(pacer.begin(&one));
        let mut second = Box::pin(pacer.begin(&other));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        assert_eq!(next(), free.map(|free| free + likely * 2));
        drop(second);
        assert_eq!(next(), free.map(|free| free + likely));
        drop(first.await);
        assert_eq!(next(), free);
    }

    #[tokio::test]
    async fn whoever_waits_without_being_polled_holds_up_nobody() {
        let ([one, other], pacer) = (two_users().await, new_pacer());
        pacer.begin(&one).await.end(MAX_TIME, Duration::ZERO);
        pacer.begin(&other).await.end(MAX_TIME, Duration::ZERO);
        let mut forgotten = pin!(pacer.begin(&one));
        assert!(poll!(&mut forgotten).is_pending());
        pacer.begin(&other).await;
    }
}
