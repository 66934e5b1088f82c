//! Things that may be discarded while work on them is still in progress.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, RwLock};

use crate::application::locks::{lock, read, write};
use crate::application::ports::StoreError;

/// The things being put together, by key. A caller may drop a write half-way and discard the whole
/// thing. Without this, the write would still run and bring it back.
#[derive(Debug)]
pub(crate) struct InFlight<K>(Mutex<HashMap<K, Arc<InFlightEntry>>>);

/// The life of one such thing; the flag says whether it has ended.
#[derive(Debug, Default)]
pub(crate) struct InFlightEntry(RwLock<bool>);

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> InFlight<K> {
    /// The life under `key`, started here if there is none.
    pub fn join(&self, key: K) -> Arc<InFlightEntry> {
        Arc::clone(lock(&self.0).entry(key).or_default())
    }

    /// Whether there is a life under `key`.
    pub fn contains(&self, key: &K) -> bool {
        lock(&self.0).contains_key(key)
    }

    /// Removes and returns the life under `key`, if there is one.
    pub fn take(&self, key: &K) -> Option<Arc<InFlightEntry>> {
        lock(&self.0).remove(key)
    }
}

impl InFlightEntry {
    /// Does some of the work, in parallel with others; fails if the life has ended.
    pub fn share<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let ended = read(&self.0);
        if *ended {
            return Err(discarded());
        }
        work()
    }

    /// Does the last of the work, alone; the life ends if that succeeds.
    pub fn complete<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut ended = write(&self.0);
        if *ended {
            return Err(discarded());
        }
        let result = work()?;
        *ended = true;
        Ok(result)
    }

    /// Ends the life once the work in progress is done, and cleans up, alone. Does nothing if the
    /// life has already ended.
    pub fn end(&self, clean: impl FnOnce()) {
        let mut ended = write(&self.0);
        if !*ended {
            *ended = true;
            clean();
        }
    }
}

fn discarded() -> StoreError {
    StoreError::failed("it was discarded meanwhile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_comes_after_the_end_is_not_done() {
        let lives = InFlight::default();
        let late = lives.join(1);
        lives.take(&1).expect("has begun").end(|| {});
        assert!(late.share(|| Ok(())).is_err());
        assert!(late.complete(|| Ok(())).is_err());
        assert!(lives.take(&1).is_none(), "nothing is remembered");
    }

    #[test]
    fn what_was_completed_is_not_cleaned_up() {
        let life = InFlight::default().join(1);
        let failed = life.complete(|| Err::<(), _>(StoreError::NotFound));
        assert!(failed.is_err());
        life.complete(|| Ok(())).expect("goes on after a failure");
        life.end(|| panic!("it is somebody else's by now"));
    }
}
