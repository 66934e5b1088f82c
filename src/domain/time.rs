//! Points in time: by the calendar, and since the process started.

use std::time::Duration;

macro_rules! point_in_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(u64);

        impl $name {
            /// The point `milliseconds` after zero.
            pub const fn from_millis(milliseconds: u64) -> Self {
                Self(milliseconds)
            }

            /// The point `seconds` after zero, the unit of tokens; saturates.
            pub const fn from_secs(seconds: u64) -> Self {
                Self(seconds.saturating_mul(1_000))
            }

            /// Milliseconds since zero.
            pub const fn as_millis(self) -> u64 {
                self.0
            }

            /// This point plus `duration`; saturates.
            #[must_use]
            pub fn plus(self, duration: Duration) -> Self {
                let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                Self(self.0.saturating_add(millis))
            }

            /// This point less `duration`, but not before zero.
            #[must_use]
            pub fn minus(self, duration: Duration) -> Self {
                let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                Self(self.0.saturating_sub(millis))
            }

            /// How long after `earlier` this point is; zero if it is before.
            pub const fn since(self, earlier: Self) -> Duration {
                Duration::from_millis(self.0.saturating_sub(earlier.0))
            }
        }
    };
}

point_in_time! {
    /// Milliseconds since the Unix epoch, as the protocol counts them.
    ///
    /// The system may set its clock back or forward, so durations are measured by [`Uptime`].
    Timestamp
}
point_in_time! {
    /// Milliseconds since the process started. Nobody can set this clock, so the time between two
    /// points has really passed.
    Uptime
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_before_the_other_is_no_time_since_it() {
        let (early, late) = (Timestamp::from_secs(1), Timestamp::from_millis(2_500));
        assert_eq!(late.since(early), Duration::from_millis(1_500));
        assert_eq!(early.since(late), Duration::ZERO);
        let (early, late) = (Uptime::from_secs(1), Uptime::from_millis(2_500));
        assert_eq!(late.since(early), Duration::from_millis(1_500));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(
            Timestamp::from_secs(u64::MAX)
                .plus(Duration::MAX)
                .as_millis(),
            u64::MAX
        );
        let early = Uptime::from_millis(3).minus(Duration::from_millis(2));
        assert_eq!(
            (early.as_millis(), early.minus(Duration::MAX).as_millis()),
            (1, 0)
        );
        let latest = Uptime::from_secs(u64::MAX).plus(Duration::MAX);
        assert_eq!(latest.as_millis(), u64::MAX);
    }
}
