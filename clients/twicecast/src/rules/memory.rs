//! Remembers which rule files existed and contained rules, so that a file that is just being
//! written is not taken for one without rules.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::fstat;

use crate::rules::verdict::Verdict;

/// After this long a rule file counts as written completely; until then nothing is sent that it
/// might be about.
pub const SETTLING: Duration = Duration::from_millis(300);
/// Rules that have disappeared, with or from their file, may come back for this long: somebody may
/// be rewriting them by hand.
const GONE: Duration = Duration::from_secs(5);

/// The rule files that contained rules, and since when a file no longer does.
#[derive(Debug)]
pub struct Memory {
    known: Mutex<HashMap<String, Option<Instant>>>,
    /// [`GONE`], except in tests.
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
    /// Notes that a rule file was read, and whether it contained rules.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] if it was changed only just now, or contained rules until just now.
    pub fn read(&self, path: &str, file: &File, holds_rules: bool) -> Result<(), Verdict> {
        // This is the time of the last change of any kind, which no program can set.
        let changed = fstat(file).ok().and_then(|stat| {
            let seconds = u64::try_from(stat.st_ctime).ok()?;
            let nanoseconds = u32::try_from(stat.st_ctime_nsec).ok()?;
            Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds))
        });
        // If the time is in the future, nobody is writing the file now.
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

    /// Notes that a rule file does not exist, or contains no rules.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] if it contained some until just now.
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
