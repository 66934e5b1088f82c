//! How much connections use the disk, and which of them let others go first.

#[cfg(test)]
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::application::locks::lock;

/// A connection is light on the disk as long as the threads that do its disk work use at most one
/// part in this many of one processor's time for it.
const LIGHT_PART: u32 = 10;

/// How long it takes to earn what it may use at once: 2 ms of the processor's time.
const AHEAD: Duration = Duration::from_millis(20);

/// How long it takes to earn the most that it can owe: 100 ms of the processor's time.
const MOST_OWED: Duration = Duration::from_secs(1);

/// For how long, after a light connection has used the disk, heavy ones let others go first. A
/// connection that uploads a project while nobody else needs the disk gets all of it.
const LATELY: Duration = Duration::from_secs(1);

tokio::task_local! {
    static USER: DiskUser;
}

/// The connection whose task is being polled now, as a user of the disk. There is none outside the
/// tasks of connections, and none in tasks that these spawn, such as the loading of a project,
/// because other connections may wait for them.
pub fn disk_user() -> DiskUser {
    USER.try_with(Clone::clone).unwrap_or_default()
}

/// The connection for which the disk works, if it works for one.
#[derive(Debug, Clone, Default)]
pub struct DiskUser {
    disk_use: Option<Arc<DiskUse>>,
    makes_others_wait: bool,
}

impl DiskUser {
    /// The connection with this `disk_use`; `makes_others_wait` says whether it is heavy while
    /// others wait for its turn.
    pub(super) fn new(disk_use: &Arc<DiskUse>, makes_others_wait: bool) -> Self {
        Self {
            disk_use: Some(Arc::clone(disk_use)),
            makes_others_wait,
        }
    }

    /// Polls something for it.
    pub(super) fn scope<T>(self, poll: impl FnOnce() -> T) -> T {
        USER.sync_scope(self, poll)
    }

    /// Whether work for it must not hold up work for others: it is heavy while others wait for its
    /// turn, or heavy on the disk while light connections use it. A connection that is heavy while
    /// no others are there, such as a streamer who uploads a project, may use all that the machine
    /// can give.
    pub fn goes_last(&self) -> bool {
        let disk_use = self.disk_use.as_deref();
        self.makes_others_wait || disk_use.is_some_and(DiskUse::holds_up_others)
    }

    /// Whether both are the same connection, or none.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.disk_use, &other.disk_use) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// Charges it for what a thread has used of the processor.
    pub fn charge(&self, time: Duration) {
        if let Some(disk_use) = &self.disk_use {
            disk_use.charge(time);
        }
    }
}

/// How much a connection uses the disk.
#[derive(Debug)]
pub(super) struct DiskUse {
    /// When its part of the time will have paid for all that it has used.
    paid: Mutex<Instant>,
    users: Arc<DiskUsers>,
}

impl DiskUse {
    pub(super) fn new(users: &Arc<DiskUsers>) -> Arc<Self> {
        Arc::new(Self {
            paid: Mutex::new(Instant::now()),
            users: Arc::clone(users),
        })
    }

    fn charge(&self, time: Duration) {
        let now = Instant::now();
        let mut paid = lock(&self.paid);
        *paid = ((*paid).max(now) + time.saturating_mul(LIGHT_PART)).min(now + MOST_OWED);
    }

    /// Whether it is heavy while others need the disk. If it is light, it counts as one of those
    /// others from now on.
    fn holds_up_others(&self) -> bool {
        let now = Instant::now();
        let is_heavy = *lock(&self.paid) > now + AHEAD;
        let own = std::ptr::from_ref(self).addr();
        if is_heavy {
            self.users.are_there_others(own)
        } else {
            self.users.note(own, now);
            false
        }
    }
}

/// The two light connections that used the disk last, by the address of their `DiskUse`. If there
/// are two, at least one of them is not the connection that asks. A new connection may have the
/// address of one that is gone, and is taken for it for at most a second.
#[derive(Debug, Default)]
pub(super) struct DiskUsers(Mutex<[Option<(usize, Instant)>; 2]>);

impl DiskUsers {
    fn note(&self, user: usize, now: Instant) {
        let mut last = lock(&self.0);
        if last[0].is_some_and(|(other, _)| other != user) {
            last[1] = last[0];
        }
        last[0] = Some((user, now));
    }

    /// Whether a light connection other than this one has used the disk lately.
    fn are_there_others(&self, user: usize) -> bool {
        let last = *lock(&self.0);
        let mut others = last
            .into_iter()
            .flatten()
            .filter(|(other, _)| *other != user);
        others.any(|(_, used)| used.elapsed() < LATELY)
    }
}

/// Polls `work` as work of a heavy connection while others wait.
#[cfg(test)]
pub(crate) fn as_heavy<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let user = DiskUser {
        disk_use: None,
        makes_others_wait: true,
    };
    USER.scope(user, work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::fair_share::{FairShare, ProcessorShare};

    const MUCH: Duration = Duration::from_millis(3);
    const LITTLE: Duration = Duration::from_micros(100);

    fn three() -> [Arc<ProcessorShare>; 3] {
        let all = FairShare::default();
        [(); 3].map(|()| all.open())
    }

    /// Charges the connection for `time` on the disk's threads; returns whether it went last.
    async fn uses(share: &Arc<ProcessorShare>, time: Duration) -> bool {
        let work = share.work(async move {
            let user = disk_user();
            let goes_last = user.goes_last();
            user.charge(time);
            goes_last
        });
        work.await
    }

    async fn after(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_uses_the_disk_much_goes_last_while_others_use_it_a_little() {
        let [streamer, other, third] = three();
        assert!(!uses(&streamer, LITTLE).await);
        for _ in 0..10 {
            assert!(!uses(&streamer, MUCH).await, "nobody else uses the disk");
        }
        for light in [&other, &third, &other] {
            assert!(!uses(light, LITTLE).await);
            assert!(uses(&streamer, MUCH).await);
            assert!(!uses(light, LITTLE).await, "it is light");
        }
        for _ in 0..9 {
            after(LATELY / 10).await;
            assert!(uses(&streamer, 10 * MUCH).await);
        }
        after((LATELY / 10).saturating_sub(Duration::from_millis(1))).await;
        assert!(uses(&streamer, MUCH).await);
        after(Duration::from_millis(1)).await;
        assert!(!uses(&streamer, MUCH).await, "that was long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_used_at_once_is_owed_until_it_is_earned_and_no_more_than_a_limit() {
        let [streamer, other, _] = three();
        for used in [MUCH, MUCH * 10, MUCH * 100] {
            let owed = (used * LIGHT_PART).min(MOST_OWED).saturating_sub(AHEAD);
            assert!(!uses(&streamer, used).await, "it was light");
            after(owed.saturating_sub(Duration::from_millis(1))).await;
            uses(&other, LITTLE).await;
            assert!(uses(&streamer, Duration::ZERO).await);
            after(Duration::from_millis(1)).await;
            uses(&other, LITTLE).await;
            assert!(!uses(&streamer, Duration::ZERO).await);
            after(AHEAD).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_a_processor_is_light() {
        let [streamer, other, _] = three();
        for _ in 0..100 {
            uses(&other, LITTLE).await;
            assert!(!uses(&streamer, MUCH / 2).await);
            after(LIGHT_PART * MUCH / 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_spawned_is_done_for_no_connection() {
        let [streamer, other, _] = three();
        let spawns = async { tokio::spawn(async { disk_user().charge(MUCH) }).await };
        streamer.work(spawns).await.expect("is done");
        uses(&other, LITTLE).await;
        assert!(!uses(&streamer, LITTLE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn several_who_all_use_the_disk_much_soon_do_not_go_after_each_other() {
        let all = three();
        for share in &all {
            uses(share, LITTLE).await;
        }
        for _ in 0..=LATELY.as_millis() / 5 {
            for share in &all {
                uses(share, MUCH).await;
            }
            after(Duration::from_millis(5)).await;
        }
        for share in &all {
            assert!(!uses(share, MUCH).await);
        }
    }
}
