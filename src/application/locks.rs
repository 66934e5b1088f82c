//! Locks as all of this crate takes them. What they guard is changed in single steps, so a panic
//! elsewhere spoils nothing and poison is ignored.
//!
//! In tests [`interleaved`] makes every taking of a lock a point at which another task may come in
//! between, and tries many orders of these.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Locks `mutex`.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&mutex.try_lock()));
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks `lock` for reading.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&lock.try_read()));
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks `lock` for writing.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&lock.try_write()));
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Random orders of the tasks of a test, by shuttle: all of them run in one thread of the system,
/// which goes from one to another where a lock is taken and where a future waits.
#[cfg(test)]
pub(crate) mod interleaved {
    use std::cell::Cell;
    use std::sync::TryLockError;

    use shuttle::sync::atomic::{AtomicBool, Ordering};

    thread_local! {
        static IS_ON: Cell<bool> = const { Cell::new(false) };
    }

    /// Tries `test` in so many orders of its tasks. A task that waits for ever fails it.
    pub(crate) fn check(orders: usize, test: impl Fn() + Send + Sync + 'static) {
        let test = move || {
            IS_ON.set(true);
            test();
        };
        // Half of them pick a task anew at every point; the other half let one run on and
        // interrupt it at a few points, which finds what a single late task does.
        let test = std::sync::Arc::new(test);
        let same = std::sync::Arc::clone(&test);
        shuttle::check_random(move || same(), orders / 2);
        shuttle::check_pct(move || test(), orders / 2, 3);
        IS_ON.set(false);
    }

    pub(crate) fn is_free<G>(tried: &Result<G, TryLockError<G>>) -> bool {
        !matches!(tried, Err(TryLockError::WouldBlock))
    }

    /// Lets others run, and goes on letting them until `is_free`.
    pub(crate) fn until_free(is_free: impl Fn() -> bool) {
        if !IS_ON.get() {
            return;
        }
        point();
        while !is_free() {
            shuttle::thread::yield_now();
        }
    }

    /// A point at which another task may come in between.
    pub(crate) fn point() {
        if IS_ON.get() {
            // What shuttle takes note of; the value is nothing.
            AtomicBool::new(false).load(Ordering::Relaxed);
        }
    }
}
