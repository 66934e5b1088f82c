//! The threads that wait for the disk: common ones, and ones of low priority.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task;

/// How many pieces of work wait for a blocking thread, in the whole process.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Counts in [`WAITING`] as long as it exists.
struct Waits;

impl Waits {
    fn new() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The blocking threads that work for connections that go last. Where processors are short, the
/// system runs all other threads before these. Otherwise other connections would wait milliseconds
/// for each thing that is done for them.
///
/// At least one thread is always there, so that work finds a thread even if the system refuses
/// more. If the system refuses even the first, there are none, and the common threads do
/// everything.
static LOW_PRIORITY_THREADS: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let first = thread::Builder::new().spawn(|| ()).map(JoinHandle::join);
    let threads = first.and_then(|_| {
        Builder::new_current_thread()
            .thread_name("low-priority")
            .on_thread_start(lower_priority)
            .thread_keep_alive(FOR_EVER)
            .max_blocking_threads(MAX_OF_LOW_PRIORITY)
            .build()
    });
    match threads {
        Ok(threads) => {
            threads.spawn_blocking(|| ());
            Some(threads)
        }
        Err(error) => {
            tracing::warn!(%error, "there are no threads of low priority");
            None
        }
    }
});

/// These threads stay, so there are fewer of them than of the common ones, of which tokio has at
/// most 512.
const MAX_OF_LOW_PRIORITY: usize = 128;

/// Longer than any server runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Makes this thread let all others go first. Where that is forbidden, or the system knows only the
/// priority of whole processes, this thread stays like the others.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "the priority of a thread cannot be lowered");
    }
}

/// The greatest nice value.
#[cfg(target_os = "linux")]
pub(super) const LOWEST_PRIORITY: i32 = 19;

/// Does `work` on a common blocking thread, or on one of low priority. If more work waits
/// afterwards, the thread first yields the processor: otherwise it would do one operation after
/// another for milliseconds, while the threads that read sockets wait.
pub(super) fn on_a_thread<T: Send + 'static>(
    has_low_priority: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> task::JoinHandle<T> {
    let (waits, runtime) = (Waits::new(), Handle::current());
    let own = has_low_priority
        .then(|| LOW_PRIORITY_THREADS.as_ref())
        .flatten();
    let threads = own.map_or(&runtime, Runtime::handle).clone();
    threads.spawn_blocking(move || {
        // So that `soon` uses the common threads.
        let _entered = runtime.enter();
        drop(waits);
        let result = work();
        if WAITING.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        result
    })
}

/// Does `work` soon, on a common thread if there are any, otherwise at once. It is also done if the
/// runtime ends before its turn comes.
pub(crate) fn soon(work: impl FnOnce() + Send + 'static) {
    let work = AtLatestWhenDropped(Some(work));
    match Handle::try_current() {
        // A new thread inherits the priority of its maker. This way, its maker is a worker.
        Ok(runtime) => drop(runtime.spawn(async { task::spawn_blocking(|| drop(work)).await })),
        Err(_) => drop(work),
    }
}

/// Work that is done when this is dropped: a runtime that ends drops what waits for a thread.
struct AtLatestWhenDropped<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtLatestWhenDropped<F> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}
