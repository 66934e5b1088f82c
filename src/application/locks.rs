//! How this whole crate takes locks. What they guard is changed in single steps, so a panic
//! elsewhere corrupts nothing and poison is ignored.
//!
//! In tests [`interleaved`] makes every lock a point at which another task may run in between, and
//! tries many orders of tasks.

pub(crate) mod keyed;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&mutex.try_lock()));
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&lock.try_read()));
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    #[cfg(test)]
    interleaved::until_free(|| interleaved::is_free(&lock.try_write()));
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Random orders of the tasks of a test, by shuttle: all of them run in one system thread, which
/// switches from one to another when a lock is taken and when a future waits.
#[cfg(test)]
pub(crate) mod interleaved {
    use std::cell::Cell;
    use std::sync::TryLockError;

    use shuttle::sync::atomic::{AtomicBool, Ordering};

    thread_local! {
        static IS_ON: Cell<bool> = const { Cell::new(false) };
    }

    /// Tries `test` in many orders of its tasks. A task that waits forever fails it.
    pub(crate) fn check(orders: usize, test: impl Fn() + Send + Sync + 'static) {
        let test = move || {
            IS_ON.set(true);
            test();
        };
        // Half of them choose a task anew at every point; the other half let one run on and
        // interrupt it at a few points, which finds problems that a single late task causes.
        let test = std::sync::Arc::new(test);
        let same = std::sync::Arc::clone(&test);
        shuttle::check_random(move || same(), orders / 2);
        shuttle::check_pct(move || test(), orders / 2, 3);
        IS_ON.set(false);
    }

    pub(crate) fn is_free<G>(tried: &Result<G, TryLockError<G>>) -> bool {
        !matches!(tried, Err(TryLockError::WouldBlock))
    }

    /// Lets others run until `is_free`.
    pub(crate) fn until_free(is_free: impl Fn() -> bool) {
        if !IS_ON.get() {
            return;
        }
        point();
        while !is_free() {
            shuttle::thread::yield_now();
        }
    }

    /// A point at which another task may run in between.
    pub(crate) fn point() {
        if IS_ON.get() {
            // Shuttle tracks this; the value means nothing.
            AtomicBool::new(false).load(Ordering::Relaxed);
        }
    }
}
