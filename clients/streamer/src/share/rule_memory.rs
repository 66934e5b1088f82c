//! Which rule files were there, so that one that is just being written is not taken for one without rules.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::fstat;

use super::rules::Verdict;

/// Whoever writes a rule file anew empties it first, or takes it away; after so long he is done. Until then nothing is
/// sent that it might be about.
pub const SETTLING: Duration = Duration::from_millis(300);

/// The rule files that were there, and since when one of them is not.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<String, Option<Instant>>>);

impl Memory {
    /// A rule file is there.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] where it was changed just now.
    pub fn there(&self, path: &str, file: &File) -> Result<(), Verdict> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.to_owned(), None);
        drop(known);
        // The time of the last change of any kind, which nobody can set.
        let changed = fstat(file).ok().and_then(|stat| {
            let seconds = u64::try_from(stat.st_ctime).ok()?;
            let nanoseconds = u32::try_from(stat.st_ctime_nsec).ok()?;
            Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds))
        });
        // One from the future is nobody's who writes now.
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        match age {
            Some(age) if age < SETTLING => Err(Verdict::Settling),
            _ => Ok(()),
        }
    }

    /// A rule file is not there.
    ///
    /// # Errors
    ///
    /// [`Verdict::Settling`] where it was until just now.
    pub fn missing(&self, path: &str) -> Result<(), Verdict> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(since) = known.get_mut(path) else {
            return Ok(());
        };
        if since.get_or_insert_with(Instant::now).elapsed() < SETTLING {
            return Err(Verdict::Settling);
        }
        known.remove(path);
        Ok(())
    }
}
