//! The numbers of a project's changes.

/// The number of a change within its project; later changes have greater numbers.
///
/// A reader that has received a file at one version must not receive an older one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// Older than every change: a file that was not written through the server.
    pub const UNKNOWN: Self = Self(0);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The number of a change made at `now_nanos`, in nanoseconds since the Unix epoch, after the
    /// change with this number: the time, or one more than this number if the clock lags.
    #[must_use]
    pub const fn next(self, now_nanos: u64) -> Self {
        let least = self.0.saturating_add(1);
        Self(if now_nanos > least { now_nanos } else { least })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_although_the_clock_stands_still_or_goes_back() {
        for (last, now, next) in [
            (0, 0, 1),
            (0, 1, 1),
            (0, 2, 2),
            (7, 6, 8),
            (7, 7, 8),
            (7, 8, 8),
            (7, 9, 9),
            (7, 1_000, 1_000),
        ] {
            let found = Version::new(last).next(now);
            assert_eq!(found, Version::new(next), "{last} at {now}");
        }
    }
}
