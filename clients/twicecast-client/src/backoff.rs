//! How long to wait before the next attempt to restore a lost connection.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
/// The longest wait while the server may just be restarting.
const SOON: Duration = Duration::from_secs(1);
/// For so many attempts, the server may just be restarting.
const ATTEMPTS: u32 = 90;
/// The longest wait after that.
const LATE: Duration = Duration::from_secs(30);

/// Counts the attempts since the connection was lost.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// Starts over, once the connection is there again.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// How long to wait now. The wait grows with each attempt and is random, so that the clients
    /// that one server has lost do not all come back at the same moment.
    pub fn next_wait(&mut self) -> Duration {
        let longest = if self.0 < ATTEMPTS { SOON } else { LATE };
        let wait = FIRST.saturating_mul(1 << self.0.min(8)).min(longest);
        self.0 = self.0.saturating_add(1);
        wait.mul_f64(0.5 + random())
    }
}

/// A random number between 0 and 1: the standard library seeds its hashers randomly.
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
