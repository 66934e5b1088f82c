//! How long to wait before a lost connection is tried again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
/// While a server may just be starting anew, …
const SOON: Duration = Duration::from_secs(1);
/// … which is for so many attempts, …
const ATTEMPTS: u32 = 90;
/// … and when it has been away for longer.
const LATE: Duration = Duration::from_secs(30);

/// Attempts since the connection was lost.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// The connection is there.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// How long to wait now: each time longer, and for everybody a little different, so that those
    /// that one server has lost do not all come back in the same moment.
    pub fn next_wait(&mut self) -> Duration {
        let longest = if self.0 < ATTEMPTS { SOON } else { LATE };
        let wait = FIRST.saturating_mul(1 << self.0.min(8)).min(longest);
        self.0 = self.0.saturating_add(1);
        wait.mul_f64(0.5 + random())
    }
}

/// Between 0 and 1. The standard library's hash keys are random.
fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32);
    f64::from(bits.unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_bounded_and_begin_anew() {
        let mut backoff = Backoff::default();
        assert!(backoff.next_wait() <= FIRST.mul_f64(1.5));
        for _ in 0..ATTEMPTS - 1 {
            assert!(backoff.next_wait() <= SOON.mul_f64(1.5));
        }
        let late = (0..20).map(|_| backoff.next_wait()).max().unwrap();
        assert!(late > SOON.mul_f64(1.5) && late <= LATE.mul_f64(1.5));
        backoff.reset();
        assert!(backoff.next_wait() <= FIRST.mul_f64(1.5));
    }
}
