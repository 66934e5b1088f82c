//! A token bucket: a burst at first, then a number per second.

use std::time::Duration;

use super::time::Uptime;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many per second in the long run; 0 means no limit.
    pub per_second: u32,
    /// How many at once after a pause; at least 1.
    pub burst: u32,
}

/// What is left of a [`RateLimit`] for one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBucket {
    /// Thousandths of a permit, so that whole milliseconds refill exactly.
    milli_permits: u64,
    refilled: Uptime,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(limit: RateLimit, now: Uptime) -> Self {
        Self {
            milli_permits: u64::from(limit.burst) * 1_000,
            refilled: now,
        }
    }

    /// Takes one permit.
    ///
    /// # Errors
    /// How long until the next permit.
    pub fn take(&mut self, limit: RateLimit, now: Uptime) -> Result<(), Duration> {
        if limit.per_second == 0 {
            return Ok(());
        }
        self.refill(limit, now);
        if let Some(left) = self.milli_permits.checked_sub(1_000) {
            self.milli_permits = left;
            return Ok(());
        }
        let missing = 1_000 - self.milli_permits;
        Err(Duration::from_millis(
            missing.div_ceil(u64::from(limit.per_second)),
        ))
    }

    /// Whether the bucket is full again, so that forgetting it changes nothing.
    pub fn is_full(&self, limit: RateLimit, now: Uptime) -> bool {
        let mut probe = *self;
        probe.refill(limit, now);
        probe.milli_permits >= u64::from(limit.burst) * 1_000
    }

    fn refill(&mut self, limit: RateLimit, now: Uptime) {
        let elapsed = u64::try_from(now.since(self.refilled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(u64::from(limit.per_second));
        let most = u64::from(limit.burst) * 1_000;
        self.milli_permits = self.milli_permits.saturating_add(gained).min(most);
        self.refilled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit {
        per_second: 5,
        burst: 20,
    };

    #[test]
    fn the_burst_passes_and_one_more_waits_for_its_share_of_a_second() {
        let start = Uptime::from_secs(100);
        let mut bucket = TokenBucket::full(LIMIT, start);
        for _ in 0..20 {
            assert_eq!(bucket.take(LIMIT, start), Ok(()));
        }
        assert_eq!(bucket.take(LIMIT, start), Err(Duration::from_millis(200)));
        let later = start.plus(Duration::from_millis(199));
        assert_eq!(bucket.take(LIMIT, later), Err(Duration::from_millis(1)));
        assert_eq!(
            bucket.take(LIMIT, start.plus(Duration::from_millis(200))),
            Ok(())
        );
    }

    #[test]
    fn a_rest_refills_no_more_than_the_burst() {
        let start = Uptime::from_secs(100);
        let mut bucket = TokenBucket::full(LIMIT, start);
        let later = start.plus(Duration::from_secs(3_600));
        assert!(bucket.is_full(LIMIT, later));
        for _ in 0..20 {
            assert_eq!(bucket.take(LIMIT, later), Ok(()));
        }
        assert!(bucket.take(LIMIT, later).is_err());
        assert!(!bucket.is_full(LIMIT, later));
    }

    #[test]
    fn none_per_second_is_no_limit() {
        let unlimited = RateLimit {
            per_second: 0,
            burst: 1,
        };
        let mut bucket = TokenBucket::full(unlimited, Uptime::default());
        for _ in 0..1_000 {
            assert_eq!(bucket.take(unlimited, Uptime::default()), Ok(()));
        }
    }
}
