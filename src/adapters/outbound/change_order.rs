//! The order of two changes of one file: the first to ask goes first, and is alone until it is done
//! and not merely until its caller is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::application::locks::lock;
use crate::domain::FilePath;

/// The files of a project that are being changed, by whichever connections. A caller that is
/// dropped half-way leaves its change running, and the next one waits for that, too.
#[derive(Debug, Default)]
pub(crate) struct FileLocks(Mutex<HashMap<FilePath, Arc<AsyncMutex<()>>>>);

/// The right to change one file.
#[derive(Debug)]
pub(crate) struct FileLock {
    locks: Arc<FileLocks>,
    path: FilePath,
    held: Option<OwnedMutexGuard<()>>,
}

impl FileLocks {
    /// Waits until nobody changes `path`.
    pub async fn lock(self: &Arc<Self>, path: &FilePath) -> FileLock {
        let file = Arc::clone(lock(&self.0).entry(path.clone()).or_default());
        // Created before the wait: a caller that is dropped while waiting leaves no trace either.
        let mut granted = FileLock {
            locks: Arc::clone(self),
            path: path.clone(),
            held: None,
        };
        granted.held = Some(file.lock_owned().await);
        granted
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let mut files = lock(&self.locks.0);
        self.held = None;
        // Every waiter holds a clone, taken under the lock that we hold.
        if files
            .get(&self.path)
            .is_some_and(|file| Arc::strong_count(file) == 1)
        {
            files.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn one_file_is_locked_once_and_no_lock_is_remembered() {
        let locks = Arc::new(FileLocks::default());
        let path = FilePath::parse("a").expect("valid");
        let held = locks.lock(&path).await;
        let soon = Duration::from_millis(5);
        assert!(timeout(soon, locks.lock(&path)).await.is_err(), "it waits");
        let other = FilePath::parse("b").expect("valid");
        drop(timeout(soon, locks.lock(&other)).await.expect("is free"));
        drop(held);
        drop(timeout(soon, locks.lock(&path)).await.expect("is free"));
        assert!(lock(&locks.0).is_empty());
    }
}
