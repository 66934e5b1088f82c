//! The system's clock and randomness: the only place that asks for either.

use crate::application::ports::{Clock, IdGenerator};
use crate::domain::{PullRequestId, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one adapter that asks the system"
    )]
    fn now(&self) -> Timestamp {
        // Before the epoch is no time that this server knows.
        let millis = chrono::Utc::now().timestamp_millis();
        Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
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
    fn the_clock_counts_from_the_epoch() {
        let year_2025 = Timestamp::from_secs(1_735_689_600);
        assert!(SystemClock.now() > year_2025);
    }
}
