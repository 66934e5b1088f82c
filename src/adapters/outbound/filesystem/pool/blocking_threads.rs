//! The threads on which the disk is waited for: those of light connections, and those of heavy ones.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How much work waits for a blocking thread, in the whole process.
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

/// The blocking threads for what heavy connections have the disk do. Where processors are short, the
/// system runs all other threads before these: a light connection would otherwise wait
/// milliseconds for each thing that is done for it.
static HEAVY_THREADS: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .thread_name("heavy")
        .on_thread_start(lower_priority)
        .build();
    runtime
        .inspect_err(|error| tracing::warn!(%error, "no threads for heavy connections"))
        .ok()
});

/// Has this thread let all others go first. Where that is forbidden, it is like the others, and so
/// it is where the system knows only the priority of whole processes.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "the priority of a thread cannot be lowered");
    }
}

/// The greatest nice value.
#[cfg(target_os = "linux")]
pub(super) const LOWEST_PRIORITY: i32 = 19;

/// Does `work` on a blocking thread, one for heavy connections if it is theirs. If the thread has
/// more to do afterwards, it first lets others have the processor: otherwise it would keep it for
/// milliseconds of one operation after the other, while the threads that read sockets wait.
pub(super) fn on_a_thread<T: Send + 'static>(
    is_heavy: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let (waits, runtime) = (Waits::new(), Handle::current());
    let heavy = HEAVY_THREADS.as_ref().filter(|_| is_heavy);
    let threads = heavy.map_or(&runtime, Runtime::handle).clone();
    threads.spawn_blocking(move || {
        // So that `soon` has the common threads do it.
        let _entered = runtime.enter();
        drop(waits);
        let result = work();
        if WAITING.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        result
    })
}
