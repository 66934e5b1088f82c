//! How much processor time a connection may use before it is heavy.

use std::time::Duration;

use tokio::time::Instant;

/// How much processor time a connection may use at once before it is heavy.
pub(super) const FULL: Duration = Duration::from_millis(1);

/// A connection earns one part in this many of the time in which it has nothing to do: 5 %. It
/// earns nothing while it only waits for the processor. Otherwise a hundred floods would earn as
/// much as they spend, and none would be heavy.
pub(super) const REFILL: u32 = 20;

/// The most that one poll costs. Most polls that take longer do so only because the system ran
/// another process in between, and that must not make a light connection heavy.
pub(super) const MAX_CHARGE: Duration = Duration::from_micros(500);

/// The bucket of processor time of one connection.
#[derive(Debug)]
pub(super) struct Credit {
    /// In nanoseconds; negative if the last polls took more than there was.
    pub(super) nanos: i64,
    /// When the last poll was over.
    polled: Instant,
}

impl Credit {
    pub(super) fn full() -> Self {
        Self {
            nanos: nanos(FULL),
            polled: Instant::now(),
        }
    }

    /// Adds what the connection has earned while it had nothing to do: from the last poll of any of
    /// its tasks until `woken`.
    pub(super) fn refill(&mut self, woken: Instant, now: Instant) {
        let idle = woken - self.polled;
        let earned = nanos(idle / REFILL);
        self.nanos = self.nanos.saturating_add(earned).min(nanos(FULL));
        self.polled = self.polled.max(now);
    }

    /// Charges a poll that has just ended.
    pub(super) fn charge(&mut self, started: Instant) {
        self.polled = Instant::now();
        let charge = nanos((self.polled - started).min(MAX_CHARGE));
        self.nanos = (self.nanos - charge).max(-nanos(FULL));
    }

    /// Uses up what is left.
    pub(super) fn spend(&mut self) {
        self.nanos = self.nanos.min(0);
    }

    pub(super) fn is_positive(&self) -> bool {
        self.nanos > 0
    }
}

pub(super) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
