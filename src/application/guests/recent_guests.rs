//! Which addresses have taken guests' names lately, so that no address takes all names.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use crate::application::locks::lock;
use crate::application::request_error::RequestError;
use crate::domain::{ClientAddress, Uptime};

/// How long a name counts towards the names that its address may take.
const PERIOD: Duration = Duration::from_secs(3_600);

/// How many names are remembered; they take about 200 kB. If more are taken within an hour, the
/// oldest are forgotten, so nobody with many addresses shuts the others out.
const MOST: usize = 4_096;

/// The names given within the last hour, oldest first, and the address that took each.
#[derive(Debug, Default)]
pub(crate) struct RecentGuests(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    taken: VecDeque<Taken>,
    last_id: u64,
}

#[derive(Debug)]
struct Taken {
    id: u64,
    address: ClientAddress,
    at: Uptime,
}

/// The right to take one name. Unless it is used, dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    recent: &'a RecentGuests,
    id: u64,
    is_used: bool,
}

impl RecentGuests {
    /// Permits `address` one more name, if it has then taken at most `most` (0: no limit) within
    /// the hour.
    ///
    /// # Errors
    /// 429, with the time until it may take another name.
    pub(crate) fn permit(
        &self,
        address: ClientAddress,
        most: usize,
        now: Uptime,
    ) -> Result<Permit<'_>, RequestError> {
        let mut recent = lock(&self.0);
        recent.forget_what_is_over(now);
        let mut own = recent.taken.iter().filter(|taken| taken.address == address);
        // The name at `count - most` must expire before the address may take another.
        let count = own.clone().count();
        if most > 0
            && count >= most
            && let Some(oldest) = own.nth(count - most)
        {
            let retry_after = PERIOD.saturating_sub(now.since(oldest.at));
            return Err(RequestError::RateLimited { retry_after });
        }
        if recent.taken.len() >= MOST {
            recent.taken.pop_front();
        }
        recent.last_id += 1;
        let id = recent.last_id;
        recent.taken.push_back(Taken {
            id,
            address,
            at: now,
        });
        Ok(Permit {
            recent: self,
            id,
            is_used: false,
        })
    }
}

impl Recent {
    fn forget_what_is_over(&mut self, now: Uptime) {
        let is_over = |taken: &Taken| now.since(taken.at) >= PERIOD;
        while self.taken.front().is_some_and(is_over) {
            self.taken.pop_front();
        }
    }
}

impl Permit<'_> {
    /// Notes that the name has been given.
    pub(crate) fn used(mut self) {
        self.is_used = true;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            let mut recent = lock(&self.recent.0);
            recent.taken.retain(|taken| taken.id != self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> ClientAddress {
        ClientAddress(number.into())
    }

    fn take(recent: &RecentGuests, number: u32, seconds: u64) -> Result<(), RequestError> {
        let now = Uptime::from_secs(seconds);
        recent.permit(address(number), 2, now).map(Permit::used)
    }

    fn wait(seconds: u64) -> Result<(), RequestError> {
        Err(RequestError::RateLimited {
            retry_after: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn an_address_takes_so_many_names_an_hour_and_is_told_when_it_may_go_on() {
        let recent = RecentGuests::default();
        assert_eq!(take(&recent, 1, 100), Ok(()));
        assert_eq!(take(&recent, 1, 200), Ok(()));
        assert_eq!(take(&recent, 1, 300), wait(3_400));
        assert_eq!(take(&recent, 2, 300), Ok(()), "another address");
        assert_eq!(take(&recent, 1, 3_699), wait(1));
        assert_eq!(take(&recent, 1, 3_700), Ok(()));
        assert_eq!(take(&recent, 1, 3_700), wait(100));
    }

    #[test]
    fn a_name_that_was_not_given_does_not_count() {
        let recent = RecentGuests::default();
        for _ in 0..5 {
            drop(
                recent
                    .permit(address(1), 2, Uptime::from_secs(1))
                    .expect("may"),
            );
        }
        let first = recent.permit(address(1), 2, Uptime::from_secs(1));
        let second = recent.permit(address(1), 2, Uptime::from_secs(1));
        assert!(recent.permit(address(1), 2, Uptime::from_secs(1)).is_err());
        drop(first);
        second.expect("may").used();
        assert_eq!(take(&recent, 1, 1), Ok(()));
        assert_eq!(take(&recent, 1, 1), wait(3_600));
    }

    #[test]
    fn without_a_limit_everybody_may() {
        let recent = RecentGuests::default();
        for _ in 0..100 {
            recent
                .permit(address(1), 0, Uptime::from_secs(1))
                .expect("may")
                .used();
        }
    }

    #[test]
    fn so_many_are_remembered_and_then_the_oldest_are_forgotten() {
        let recent = RecentGuests::default();
        for number in 0..2 * MOST {
            let number = u32::try_from(number).expect("is small");
            assert_eq!(take(&recent, number, 1), Ok(()));
        }
        assert_eq!(lock(&recent.0).taken.len(), MOST);
        let last = u32::try_from(2 * MOST - 1).expect("is small");
        assert_eq!(take(&recent, last, 1), Ok(()));
        assert_eq!(take(&recent, last, 1), wait(3_600));
        assert_eq!(take(&recent, 0, 2), Ok(()));
        assert_eq!(lock(&recent.0).taken.len(), MOST);
        let over = 2 + PERIOD.as_secs();
        assert_eq!(take(&recent, 0, over), Ok(()));
        assert_eq!(lock(&recent.0).taken.len(), 1, "what is over goes");
    }
}
