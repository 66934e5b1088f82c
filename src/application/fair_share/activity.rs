//! Whether several connections use the server at the moment, or one alone.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// For how long, after another connection was served, several connections count as active.
const LATELY: Duration = Duration::from_millis(100);

/// How long work may go on while one connection is alone: another one that comes waits no longer
/// than this.
const ALONE: Duration = Duration::from_micros(300);

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The activity of all connections of this process.
pub(super) static PROCESS: Activity = Activity::new();

/// Which connection was served last, and when this last changed.
#[derive(Debug)]
pub(super) struct Activity {
    last: AtomicUsize,
    /// In microseconds after `BEGIN`; 0 if it has never changed.
    changed: AtomicU64,
}

impl Activity {
    pub(super) const fn new() -> Self {
        Self {
            last: AtomicUsize::new(0),
            changed: AtomicU64::new(0),
        }
    }

    /// Notes that a connection is served or waits for its turn. `own` tells it from others, and may
    /// have belonged to a connection that is gone.
    pub(super) fn note(&self, own: usize, now: Instant) {
        let last = self.last.load(Ordering::Relaxed);
        if last == own {
            return;
        }
        self.last.store(own, Ordering::Relaxed);
        // The very first connection is alone.
        if last != 0 {
            self.changed.store(micros(now), Ordering::Relaxed);
        }
    }

    pub(super) fn is_one_alone(&self, now: Instant) -> bool {
        let changed = self.changed.load(Ordering::Relaxed);
        let since = Duration::from_micros(micros(now).saturating_sub(changed));
        changed == 0 || since >= LATELY
    }
}

fn micros(time: Instant) -> u64 {
    let micros = (time - *BEGIN).as_micros();
    u64::try_from(micros).unwrap_or(u64::MAX).max(1)
}

/// Whether only one connection of this process has been served lately; it need not let others go
/// first. Connections for which work is done elsewhere, such as on the disk, do not count.
pub fn is_one_alone() -> bool {
    PROCESS.is_one_alone(Instant::now())
}

/// Whether work that began at `since` should let others run now. Without others it may go on for
/// longer: each interruption costs something, because threads wake up and find nothing to do.
pub fn is_slice_over(since: Instant, slice: Duration) -> bool {
    is_over(since.elapsed(), slice, is_one_alone)
}

fn is_over(took: Duration, slice: Duration, is_one_alone: impl FnOnce() -> bool) -> bool {
    took > slice && (took > ALONE || !is_one_alone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_several_until_one_has_been_alone_for_a_while() {
        let activity = Activity::new();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        activity.note(1, at(0));
        assert!(activity.is_one_alone(at(1)), "it is the first");
        activity.note(2, at(1_000));
        activity.note(1, at(1_000));
        assert!(!activity.is_one_alone(at(1_099)));
        assert!(activity.is_one_alone(at(1_100)));
        for millis in 1_100..1_200 {
            activity.note(1, at(millis));
        }
        assert!(activity.is_one_alone(at(1_200)));
        activity.note(2, at(1_200));
        assert!(!activity.is_one_alone(at(1_200)));
        activity.note(1, at(1_250));
        assert!(!activity.is_one_alone(at(1_349)));
        assert!(activity.is_one_alone(at(1_350)));
    }

    #[test]
    fn a_slice_is_longer_while_one_is_alone_but_has_an_end() {
        let micros = Duration::from_micros;
        for (took, is_over_alone, is_over_among_several) in [
            (30, false, false),
            (31, false, true),
            (300, false, true),
            (301, true, true),
        ] {
            let is_over = |alone| is_over(micros(took), micros(30), || alone);
            assert_eq!(is_over(true), is_over_alone, "{took}");
            assert_eq!(is_over(false), is_over_among_several, "{took}");
        }
    }
}
