//! Which rule files were there and held rules, so that one that is just being written is not taken
//! for one without rules.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::fstat;

use crate::rules::verdict::Verdict;

/// The writer of a rule file is done after so long; until then nothing is sent that it might be
/// about.
pub const SETTLING: Duration = Duration::from_millis(300);
/// Rules that are gone, with their file or out of it, may come back for so long: somebody may be
/// writing them by hand.
const GONE: Duration = Duration::from_secs(5);

/// The rule files that held rules, and since when one of them does not.
#[derive(Debug)]
pub struct Memory {
    known: Mutex<HashMap<String, Option<Instant>>>,
    /// [`GONE`], but in tests.
    pub gone: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            gone: GONE,
        }
    }
}

impl Memory {
    /// A rule file was read, and held rules or none.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] where it was changed just now, or held rules until just now.
    pub fn read(&self, path: &str, file: &File, holds_rules: bool) -> Result<(), Verdict> {
        // The time of the last change of any kind, which nobody can set.
        let changed = fstat(file).ok().and_then(|stat| {
            let seconds = u64::try_from(stat.st_ctime).ok()?;
            let nanoseconds = u32::try_from(stat.st_ctime_nsec).ok()?;
            Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds))
        });
        // One from the future is nobody's who writes now.
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        if holds_rules {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(path.to_owned(), None);
        } else {
            self.missing(path)?;
        }
        match age {
            Some(age) if age < SETTLING => Err(Verdict::Settling),
            _ => Ok(()),
        }
    }

    /// A rule file is not there, or holds no rules.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] where it held some until just now.
    pub fn missing(&self, path: &str) -> Result<(), Verdict> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(since) = known.get_mut(path) else {
            return Ok(());
        };
        if since.get_or_insert_with(Instant::now).elapsed() < self.gone {
            return Err(Verdict::Settling);
        }
        known.remove(path);
        Ok(())
    }
}
