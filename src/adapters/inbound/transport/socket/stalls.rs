//! How long the process has stood still.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::application::locks::lock;

/// How often it is noted that the process runs.
const TICK: Duration = Duration::from_millis(250);

/// If that is not noted for this many milliseconds, the process has stood still.
const STALLED_MILLIS: u64 = 500;

/// Counts the time in which the process stood still: it was stopped, or it got no processor. What
/// came meanwhile lay unread, though the server was ready to read it.
#[derive(Debug)]
pub(in crate::adapters::inbound::transport) struct Stalls {
    begun: Instant,
    /// The last millisecond after `begun` in which the process was seen running.
    seen: AtomicU64,
    /// How many milliseconds it has stood still, in all.
    total: AtomicU64,
    counting: Mutex<()>,
}

impl Default for Stalls {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            seen: AtomicU64::new(0),
            total: AtomicU64::new(0),
            counting: Mutex::new(()),
        }
    }
}

impl Stalls {
    /// Notes again and again that the process runs. Never ends.
    pub(in crate::adapters::inbound::transport) async fn watch(&self) {
        loop {
            self.total();
            self.seen.fetch_max(self.now(), Ordering::Release);
            sleep(TICK).await;
        }
    }

    /// How long the process has stood still, in all, also if it has only just gone on.
    pub(super) fn total(&self) -> Duration {
        let now = self.now();
        let unseen = || now.saturating_sub(self.seen.load(Ordering::Acquire));
        if unseen() >= STALLED_MILLIS {
            let _alone = lock(&self.counting);
            let millis = unseen();
            if millis >= STALLED_MILLIS {
                self.total.fetch_add(millis, Ordering::Relaxed);
                // After the total, so that whoever sees this sees that too.
                self.seen.fetch_max(now, Ordering::Release);
                tracing::info!(millis, "the server has stood still");
            }
        }
        Duration::from_millis(self.total.load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_time_in_which_nobody_notes_that_the_process_runs_counts_and_only_once() {
        let stalls = Stalls::default();
        let mut watching = pin!(stalls.watch());
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            assert!(watching.as_mut().poll(&mut cx).is_pending());
            tokio::time::advance(TICK).await;
            assert_eq!(stalls.total(), Duration::ZERO);
        }
        assert!(watching.as_mut().poll(&mut cx).is_pending());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(stalls.total(), Duration::from_secs(30));
        assert_eq!(stalls.total(), Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(watching.as_mut().poll(&mut cx).is_pending());
        assert_eq!(stalls.total(), Duration::from_secs(31));
    }
}
