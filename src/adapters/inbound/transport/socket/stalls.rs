//! When the process has stood still.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::application::locks::lock;

/// How often it is noted that the process runs.
const TICK: Duration = Duration::from_millis(250);

/// If that is not noted for this many milliseconds, the process has stood still.
const STALLED_MILLIS: u64 = 500;

/// Two stalls count as one if the process runs for less than this between them.
const TOGETHER: Duration = Duration::from_secs(1);

/// A time in which the process stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stall {
    /// When it was last seen running before that.
    pub begun: Instant,
    /// When it was seen running again.
    pub ended: Instant,
}

/// Notes when the process stood still: it was stopped, or it got no processor. What came meanwhile
/// lay unread, though the server was ready to read it.
#[derive(Debug)]
pub(in crate::adapters::inbound::transport) struct Stalls {
    started: Instant,
    /// The last millisecond after `started` in which the process was seen running.
    seen: AtomicU64,
    /// The millisecond in which the last stall ended.
    ended: AtomicU64,
    last: Mutex<Option<Stall>>,
}

impl Default for Stalls {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            seen: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }
}

impl Stalls {
    /// Notes again and again that the process runs. Never ends.
    pub(in crate::adapters::inbound::transport) async fn watch(&self) {
        loop {
            let now = self.note_stall();
            self.seen.fetch_max(now, Ordering::Release);
            sleep(TICK).await;
        }
    }

    /// The last time in which the process stood still, if that has ended after `since`, even if
    /// only just now.
    pub(super) fn since(&self, since: Instant) -> Option<Stall> {
        self.note_stall();
        let ended = Duration::from_millis(self.ended.load(Ordering::Acquire));
        // Rarely more than one comparison, because this is asked for all that is read.
        if self.started + ended < since {
            return None;
        }
        lock(&self.last).filter(|stall| stall.ended >= since)
    }

    /// Notes a stall that has just ended. Returns the current millisecond.
    fn note_stall(&self) -> u64 {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let unseen = || now.saturating_sub(self.seen.load(Ordering::Acquire));
        if unseen() >= STALLED_MILLIS {
            let mut last = lock(&self.last);
            let millis = unseen();
            if millis >= STALLED_MILLIS {
                let at = |millis| self.started + Duration::from_millis(millis);
                let (begun, ended) = (at(now - millis), at(now));
                // Between two stalls the reader may not have had its turn.
                let one = last.filter(|last| begun < last.ended + TOGETHER);
                let begun = one.map_or(begun, |last| last.begun);
                *last = Some(Stall { begun, ended });
                self.ended.store(now, Ordering::Release);
                // Last, so that whoever sees this sees the stall as well.
                self.seen.fetch_max(now, Ordering::Release);
                tracing::info!(millis, "the server has stood still");
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    /// Notes of a process, which this test stops.
    struct Process<'a> {
        stalls: &'a Stalls,
        watching: Pin<Box<dyn Future<Output = ()> + 'a>>,
    }

    impl<'a> Process<'a> {
        fn of(stalls: &'a Stalls) -> Self {
            let watching = Box::pin(stalls.watch());
            Self { stalls, watching }
        }

        /// It runs for so many ticks, without a stall.
        async fn run(&mut self, ticks: u32) {
            let since = Instant::now();
            for _ in 0..ticks {
                self.tick();
                tokio::time::advance(TICK).await;
            }
            self.tick();
            let last = self.stalls.since(since);
            assert!(last.is_none_or(|last| last.ended <= since), "{last:?}");
        }

        fn tick(&mut self) {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(self.watching.as_mut().poll(&mut cx).is_pending());
        }

        /// It stands still for this long.
        async fn stop(&self, time: Duration) -> Stall {
            let begun = Instant::now();
            tokio::time::advance(time).await;
            let ended = Instant::now();
            Stall { begun, ended }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_time_in_which_nobody_notes_that_the_process_runs_is_a_stall() {
        let (stalls, started) = (Stalls::default(), Instant::now());
        let mut process = Process::of(&stalls);
        process.run(100).await;
        assert_eq!(stalls.since(started), None);
        let first = process.stop(TICK * 100).await;
        assert_eq!(stalls.since(started), Some(first), "also before the tick");
        assert_eq!(stalls.since(first.ended), Some(first));
        process.run(1).await;
        assert_eq!(stalls.since(Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn two_stalls_that_are_close_are_one() {
        let (stalls, started) = (Stalls::default(), Instant::now());
        let mut process = Process::of(&stalls);
        process.run(1).await;
        let Stall { begun, .. } = process.stop(TICK * 4).await;
        process.run(3).await;
        let Stall { ended, .. } = process.stop(TICK * 4).await;
        assert_eq!(stalls.since(started), Some(Stall { begun, ended }));
        process.run(4).await;
        let last = process.stop(TICK * 4).await;
        assert_eq!(stalls.since(started), Some(last));
    }
}
