//! The system's clock and randomness: the only place that uses either.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::application::ports::{Clock, IdGenerator};
use crate::domain::{PullRequestId, Timestamp, Uptime};

/// A longer step forward is logged, because it makes tokens expire.
const LONG_STEP: Duration = Duration::from_secs(60);

/// When the process started, or at least when this was first read.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The one view of the time that the whole process shares.
static CALENDAR: Calendar = Calendar::new();

/// The system's clock. All values of this type are the same clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one adapter that asks the system"
    )]
    fn now(&self) -> Timestamp {
        // A time before the epoch counts as the epoch.
        let millis = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap_or_default();
        let (now, step) = CALENDAR.read(Timestamp::from_millis(millis), self.uptime());
        if let Some(step) = step {
            let seconds = step.as_secs();
            tracing::warn!(
                seconds,
                "the system's clock was set forward; tokens expire by it"
            );
        }
        now
    }

    fn uptime(&self) -> Uptime {
        let millis = STARTED.elapsed().as_millis();
        Uptime::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// The time in nanoseconds since the Unix epoch, by which the stores number changes. It is for the
/// stores' own use, and finer than the `Clock`'s.
#[expect(
    clippy::disallowed_methods,
    reason = "the one adapter that asks the system"
)]
pub(crate) fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0))
}

/// A number that almost never repeats.
pub(crate) fn random_number() -> u64 {
    RandomState::new().hash_one(())
}

/// Turns the system's time into one that is never set back.
#[derive(Debug)]
struct Calendar {
    /// The greatest time so far, in milliseconds since the epoch.
    latest: AtomicU64,
    /// The greatest difference so far between the time and the uptime, in milliseconds; 0 at first.
    ahead: AtomicU64,
}

impl Calendar {
    const fn new() -> Self {
        Self {
            latest: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
        }
    }

    /// The time to report when the system's clock shows `shown` at `uptime`. Comes with the length
    /// of the step if the clock was set forward by more than [`LONG_STEP`] since the last time.
    fn read(&self, shown: Timestamp, uptime: Uptime) -> (Timestamp, Option<Duration>) {
        let shown = shown.as_millis();
        let before = self.latest.fetch_max(shown, Ordering::SeqCst);
        let ahead = shown.saturating_sub(uptime.as_millis());
        // If several callers see a step, only the first finds the old difference.
        let was_ahead = self.ahead.fetch_max(ahead, Ordering::SeqCst);
        let step = Duration::from_millis(ahead.saturating_sub(was_ahead));
        let is_long = was_ahead > 0 && step > LONG_STEP;
        let now = Timestamp::from_millis(before.max(shown));
        (now, is_long.then_some(step))
    }
}

/// 32 bytes that nobody can guess, from the system's generator.
///
/// # Errors
/// The system has no such generator.
pub(crate) fn random_bytes() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    // The system gives so few bytes whole or not at all.
    let given = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if given == bytes.len() {
        Ok(bytes)
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Random UUIDs (version 4) from the system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdGenerator for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one adapter that asks the system"
    )]
    fn pull_request_id(&self) -> PullRequestId {
        PullRequestId::from_u128(uuid::Uuid::new_v4().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_and_do_not_repeat() {
        let (a, b) = (RandomIds.pull_request_id(), RandomIds.pull_request_id());
        assert_ne!(a, b);
        for id in [a, b] {
            let parsed = uuid::Uuid::parse_str(&id.to_string()).expect("the usual form");
            assert_eq!(parsed.get_version_num(), 4);
        }
    }

    #[test]
    fn random_bytes_do_not_repeat() {
        let (a, b) = (random_bytes(), random_bytes());
        assert_ne!(a.expect("random"), b.expect("random"));
    }

    #[test]
    fn the_clock_counts_from_the_epoch() {
        let year_2025 = Timestamp::from_secs(1_735_689_600);
        assert!(SystemClock.now() > year_2025);
    }

    const SHOWN: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn the_uptime_grows_as_time_passes_and_all_clocks_agree_on_it() {
        let before = SystemClock.uptime();
        let started = Instant::now();
        while SystemClock.uptime() == before {
            std::thread::yield_now();
        }
        let passed = SystemClock.uptime().since(before);
        assert!(passed <= started.elapsed() + Duration::from_millis(1));
    }

    #[test]
    fn a_clock_set_back_revives_no_expired_token() {
        let calendar = Calendar::new();
        let read = |shown, uptime| calendar.read(shown, Uptime::from_secs(uptime)).0;
        let expires_at = SHOWN.plus(Duration::from_secs(10));
        assert!(read(SHOWN, 0) < expires_at);
        assert!(read(expires_at, 10) >= expires_at, "expired");
        let set_back = Timestamp::from_secs(1_700_000_000);
        assert!(read(set_back, 11) >= expires_at);
        assert!(read(set_back.plus(Duration::from_secs(3_600)), 3_611) >= expires_at);
        let right_again = expires_at.plus(Duration::from_secs(3_602));
        assert_eq!(read(right_again, 3_612), right_again, "and it goes on");
    }

    #[test]
    fn a_step_forward_is_noticed_once_beyond_a_minute_and_not_at_it() {
        let calendar = Calendar::new();
        let mut uptime = 5;
        let mut read_after_step = |offset: u64| {
            uptime += 1;
            let shown = SHOWN.plus(Duration::from_millis(uptime * 1_000 + offset));
            calendar.read(shown, Uptime::from_secs(uptime)).1
        };
        assert_eq!(read_after_step(0), None, "the first time");
        assert_eq!(read_after_step(60_000), None, "a minute");
        assert_eq!(
            read_after_step(120_001),
            Some(Duration::from_millis(60_001)),
            "one millisecond more"
        );
        assert_eq!(read_after_step(120_001), None, "told once");
        assert_eq!(read_after_step(0), None, "set back");
        assert_eq!(read_after_step(120_001), None, "set right");
        assert_eq!(
            read_after_step(7_200_000),
            Some(Duration::from_millis(7_079_999))
        );
    }

    #[test]
    fn time_that_passes_is_no_step() {
        let calendar = Calendar::new();
        for day in 0..1_000 {
            let passed = Duration::from_secs(day * 86_400);
            let uptime = Uptime::default().plus(passed);
            let shown = SHOWN.plus(passed);
            assert_eq!(calendar.read(shown, uptime), (shown, None));
        }
    }
}
