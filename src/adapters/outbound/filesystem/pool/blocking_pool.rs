//! Does blocking work off the async threads, a bounded amount at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::ClockId;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::adapters::outbound::filesystem::pool::blocking_threads::on_a_thread;
use crate::adapters::outbound::filesystem::pool::pacer::{Paced, Pacer};
use crate::adapters::outbound::filesystem::pool::quick::{Answer, Batch, Quick};
use crate::application::fair_share::{DiskUser, disk_user};
use crate::application::ports::StoreError;
use crate::application::{DiskCounts, DiskWork};

/// How many slow operations of one kind, or on one project, may occupy blocking threads at once,
/// and how many threads may run quick ones.
const WIDTH: usize = 16;
const QUICK_WIDTH: usize = 8;

/// The same for a narrow pool, both for slow and for quick operations.
const NARROW_WIDTH: usize = 4;

/// The same for a project's work that goes last: as many as there are processors, but at least two.
static LAST_WIDTH: LazyLock<usize> = LazyLock::new(|| {
    thread::available_parallelism().map_or(2, |count| count.get().clamp(2, WIDTH))
});

/// Work that goes last and changes projects does not wait for other work that goes last.
static CHANGES: Pacer = Pacer::new();
static OTHERS: Pacer = Pacer::new();

/// If no quick operation begins for this long, the waiting ones get another thread: what is usually
/// quick is slow at the moment. A long queue alone is no reason at first: where the processor is
/// the bottleneck, more threads only take it from each other. It becomes a reason after `MAX_WAITS`
/// times as long. This is also the longest that a caller waits for a result while the next
/// operation hangs.
const PATIENCE: Duration = Duration::from_millis(5);
const MAX_WAITS: u32 = 10;

/// The most that a quick operation is charged: one that takes longer is waiting for the disk.
const MAX_QUICK: Duration = Duration::from_millis(1);

/// Runs a bounded number of operations at once, so that a project whose disk hangs leaves the
/// runtime's blocking threads to the others. With tokio's default of 512 such threads, the pools of
/// about sixteen projects may hang before the rest feels it.
///
/// Work for connections that go last has its own permits and queue, so work for others never waits
/// for it.
#[derive(Clone)]
pub(crate) struct BlockingPool {
    usual: Lane,
    last: Lane,
    meter: Meter,
}

/// The waiting and running work of the connections that go last, or of all others.
#[derive(Clone)]
struct Lane {
    /// `Some` for work that goes last on threads of low priority.
    pacer: Option<&'static Pacer>,
    slow: Arc<Semaphore>,
    quick_width: usize,
    quick: Arc<Quick>,
}

impl Lane {
    fn new(pacer: Option<&'static Pacer>, slow: usize, quick_width: usize) -> Self {
        Self {
            pacer,
            slow: Arc::new(Semaphore::new(slow)),
            quick_width,
            quick: Arc::default(),
        }
    }

    /// A lane that goes last, for one project's files.
    fn last(pacer: &'static Pacer, usual_width: usize) -> Self {
        let width = usual_width.min(*LAST_WIDTH);
        Self::new(Some(pacer), width, width)
    }

    fn has_low_priority(&self) -> bool {
        self.pacer.is_some()
    }

    /// Waits until the lane's work for this connection may begin.
    async fn begin(&self, user: &DiskUser) -> Option<Paced> {
        match self.pacer {
            Some(pacer) => Some(pacer.begin(user).await),
            None => None,
        }
    }

    /// Starts one more thread for the waiting quick work, if fewer than `width` run.
    fn help(&self, width: usize) {
        if self.quick.add_thread(width) {
            let quick = Arc::clone(&self.quick);
            on_a_thread(self.has_low_priority(), move || quick.run());
        }
    }
}

/// Counts the operations of one pool.
#[derive(Clone)]
struct Meter {
    counts: Arc<DiskCounts>,
    work: DiskWork,
}

impl Meter {
    /// Does `work` for `user`, and counts how long it takes and whether the system refuses it. A
    /// quick operation hardly waits, so it is charged the time that it takes, unless it goes last:
    /// reading the thread's own clock would add a tenth to its cost.
    fn measure<T>(
        &self,
        user: &DiskUser,
        paced: Option<Paced>,
        is_quick: bool,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let may_use_much = !is_quick || paced.is_some();
        let (begun, before) = (Instant::now(), may_use_much.then(time_of_thread));
        let result = work();
        let took = begun.elapsed();
        let spent = before.map_or(took.min(MAX_QUICK), |before| {
            time_of_thread().saturating_sub(before)
        });
        if let Some(paced) = paced {
            paced.end(took, spent);
        }
        user.charge(spent);
        self.counts.operations.of(self.work).add(took);
        if matches!(result, Err(StoreError::Failed(_))) {
            self.counts.errors.of(self.work).one();
        }
        result
    }
}

/// How much of the processor this thread has used.
fn time_of_thread() -> Duration {
    rustix::time::clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

impl BlockingPool {
    /// A pool for work under locks that all projects share; the system, too, locks a folder while
    /// it changes. A thread that lets others go first would hold up all of them.
    pub fn shared(work: DiskWork, counts: &Arc<DiskCounts>) -> Self {
        let lane = || Lane::new(None, WIDTH, QUICK_WIDTH);
        Self::of(lane(), lane(), work, counts)
    }

    /// A pool for changes of a project's files. Those of connections that go last let all others go
    /// first.
    pub fn changes(work: DiskWork, counts: &Arc<DiskCounts>) -> Self {
        let usual = Lane::new(None, WIDTH, QUICK_WIDTH);
        Self::of(usual, Lane::last(&CHANGES, WIDTH), work, counts)
    }

    /// The same for the drafts or pull requests of all projects.
    pub fn changes_of_all(work: DiskWork, counts: &Arc<DiskCounts>) -> Self {
        let lane = |pacer| Lane::new(pacer, WIDTH, QUICK_WIDTH);
        Self::of(lane(None), lane(Some(&OTHERS)), work, counts)
    }

    /// The same for reads of a project: a pool of few threads, which must leave most of the disk's
    /// turns to others.
    pub fn reads(work: DiskWork, counts: &Arc<DiskCounts>) -> Self {
        let usual = Lane::new(None, NARROW_WIDTH, NARROW_WIDTH);
        Self::of(usual, Lane::last(&OTHERS, NARROW_WIDTH), work, counts)
    }

    fn of(usual: Lane, last: Lane, work: DiskWork, counts: &Arc<DiskCounts>) -> Self {
        let counts = Arc::clone(counts);
        Self {
            usual,
            last,
            meter: Meter { counts, work },
        }
    }

    /// Runs `work`, which may wait for the disk, on a blocking thread in parallel with others. Once
    /// started, it runs to its end even if the caller is gone, and keeps its permit until then.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let user = disk_user();
        let lane = self.lane(&user);
        let permit = Arc::clone(&lane.slow).acquire_owned().await;
        let permit = permit.map_err(StoreError::failed)?;
        let paced = lane.begin(&user).await;
        let (span, meter) = (tracing::Span::current(), self.meter.clone());
        let task = on_a_thread(lane.has_low_priority(), move || {
            let result = span.in_scope(|| meter.measure(&user, paced, false, work));
            drop(permit);
            result
        });
        logged(task.await.map_err(StoreError::failed).flatten())
    }

    /// Runs `work`, which finishes soon unless the disk has trouble, on a blocking thread after
    /// others of its kind. Once started it runs to its end even if the caller is gone.
    pub async fn run_quick<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, mut result) = oneshot::channel();
        let user = disk_user();
        let lane = self.lane(&user);
        let paced = lane.begin(&user).await;
        let (span, meter) = (tracing::Span::current(), self.meter.clone());
        let job = move |batch: &mut Batch| {
            if done.is_closed() {
                return nothing();
            }
            let work = || span.in_scope(|| meter.measure(&user, paced, true, || work(batch)));
            let result = catch_unwind(AssertUnwindSafe(work));
            let result = result.map_err(|_| StoreError::failed("an operation panicked"));
            if done.is_closed() {
                return nothing();
            }
            // The caller may be gone by then.
            Box::new(move || drop(done.send(result.flatten())))
        };
        if lane.quick.push(Box::new(job)) {
            // The thread starts only after this poll: one that is woken up at once would often take
            // the processor from this thread, do the only operation there is, and sleep again.
            let lane = lane.clone();
            tokio::spawn(async move { lane.help(1) });
            // Nothing waits before it, so its caller is told at once.
            return logged(result.await.map_err(StoreError::failed).flatten());
        }
        let mut begun = None;
        let mut waits = 0;
        let received = loop {
            if let Ok(received) = timeout(PATIENCE, &mut result).await {
                break received;
            }
            // Tells of what is done now, because the next operation may hang.
            lane.quick.answer_all();
            let now = lane.quick.begun();
            waits += 1;
            if begun.replace(now) == Some(now) || waits % MAX_WAITS == 0 {
                lane.help(lane.quick_width);
            }
        };
        logged(received.map_err(StoreError::failed).flatten())
    }

    fn lane(&self, user: &DiskUser) -> &Lane {
        if user.goes_last() {
            &self.last
        } else {
            &self.usual
        }
    }
}

/// An answer that tells nobody.
fn nothing() -> Answer {
    Box::new(|| {})
}

fn logged<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    if let Err(StoreError::Failed(cause)) = &result {
        tracing::debug!(%cause, "the file system refused");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use crate::adapters::outbound::filesystem::pool::blocking_threads::{LOWEST_PRIORITY, soon};
    use crate::application::fair_share::{FairShare, as_heavy};
    use crate::application::locks::lock;
    use futures_util::FutureExt as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, mpsc};
    use tokio::runtime::Builder;

    fn new_pool() -> BlockingPool {
        BlockingPool::changes(DiskWork::Writes, &Arc::default())
    }

    #[tokio::test]
    async fn each_operation_is_counted_and_what_the_system_refuses_is_an_error() {
        let counts = Arc::default();
        let pool = BlockingPool::reads(DiskWork::Reads, &counts);
        pool.run(|| Ok(())).await.expect("is done");
        pool.run_quick(|_| Ok(())).await.expect("is done");
        let refused = pool.run(|| -> Result<(), _> { Err(StoreError::failed("EIO")) });
        refused.await.expect_err("is refused");
        let absent = pool.run_quick(|_| -> Result<(), _> { Err(StoreError::NotFound) });
        absent.await.expect_err("is not there, which is no error");
        let classes = |work| counts.operations.of(work).classes().iter().sum::<u64>();
        assert_eq!(classes(DiskWork::Reads), 4);
        assert_eq!(classes(DiskWork::Writes), 0);
        assert_eq!(counts.errors.of(DiskWork::Reads).get(), 1);
    }

    #[tokio::test]
    async fn what_hangs_behind_one_pool_leaves_threads_to_the_others() {
        let (pool, begun) = (new_pool(), Arc::new(AtomicUsize::new(0)));
        let (release, hang) = mpsc::channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        let hanging = || {
            let (pool, hang, begun) = (pool.clone(), Arc::clone(&hang), Arc::clone(&begun));
            tokio::spawn(async move {
                let work = move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let _ = hang.lock().map(|hang| hang.recv());
                    Ok(())
                };
                pool.run(work).await
            })
        };
        let tasks: Vec<_> = (0..WIDTH * 3).map(|_| hanging()).collect();
        while begun.load(Ordering::SeqCst) < WIDTH {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        new_pool().run(|| Ok(())).await.expect("is free");
        assert_eq!(begun.load(Ordering::SeqCst), WIDTH);
        drop(release);
        for task in tasks {
            task.await.expect("ends").expect("is released");
        }
    }

    #[test]
    fn what_is_to_be_done_soon_is_done_also_if_the_runtime_ends_before() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        let (release, hang) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        runtime.block_on(async {
            soon(move || {
                let _ = hang.recv();
            });
            soon(move || tell.send(()).expect("heard"));
        });
        drop(release);
        runtime.shutdown_timeout(Duration::from_secs(10));
        told.recv_timeout(Duration::from_secs(10)).expect("is done");
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_of_the_one_operation() {
        let pool = new_pool();
        for _ in 0..WIDTH * 2 {
            let failed = pool.run(|| -> Result<(), _> { panic!("a bug") }).await;
            assert!(matches!(failed, Err(StoreError::Failed(_))));
            let failed = pool.run_quick(|_| -> Result<(), _> { panic!("a bug") });
            assert!(matches!(failed.await, Err(StoreError::Failed(_))));
        }
        pool.run(|| Ok(())).await.expect("no permit is lost");
        pool.run_quick(|_| Ok(())).await.expect("no thread is lost");
    }

    #[tokio::test(start_paused = true)]
    async fn quick_operations_are_done_in_order_by_one_thread() {
        let pool = new_pool();
        let done = Arc::new(Mutex::new(Vec::new()));
        let (release, hang) = mpsc::channel::<()>();
        let mut hang = Some(hang);
        let operations = (0..100).map(|number: usize| {
            let (done, hang) = (Arc::clone(&done), hang.take());
            pool.run_quick(move |_| {
                // The first operation hangs until all of them wait.
                let _ = hang.map(|hang| hang.recv());
                lock(&done).push((number, std::thread::current().id()));
                Ok(())
            })
        });
        let all = futures_util::future::join_all(operations);
        let mut all = std::pin::pin!(all);
        assert!(futures_util::poll!(&mut all).is_pending());
        drop(release);
        assert!(all.await.iter().all(Result::is_ok));
        let done = lock(&done);
        let numbers: Vec<_> = done.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        assert!(done.iter().all(|(_, thread)| *thread == done[0].1));
    }

    #[tokio::test]
    async fn an_operation_that_waits_behind_a_hanging_quick_one_gets_a_thread() {
        let pool = new_pool();
        let (release, hang) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let hanging = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run_quick(move |_| {
                    let _ = begun.send(());
                    let _ = hang.recv();
                    Ok(())
                })
                .await
            }
        });
        has_begun.await.expect("it begins");
        pool.run_quick(|_| Ok(())).await.expect("is done beside it");
        drop(release);
        hanging.await.expect("ends").expect("is released");
    }

    #[test]
    fn nothing_waits_for_what_is_done_for_connections_that_go_last() {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .expect("a runtime");
        let hang = Arc::new(tokio::sync::Mutex::new(()));
        let all = async {
            let pool = new_pool();
            let hanging = |is_quick: bool| {
                let (pool, hang) = (pool.clone(), Arc::clone(&hang));
                let work = move || {
                    drop(hang.blocking_lock());
                    Ok(())
                };
                tokio::spawn(as_heavy(async move {
                    if is_quick {
                        pool.run_quick(move |_| work()).await
                    } else {
                        pool.run(work).await
                    }
                }))
            };
            let held = hang.lock().await;
            let tasks: Vec<_> = (0..4 * WIDTH)
                .map(|number| hanging(number % 2 == 0))
                .collect();
            let last = &pool.last;
            while last.slow.available_permits() > 0 || last.quick.threads() < *LAST_WIDTH {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            pool.run(|| Ok(())).await.expect("is done");
            pool.run_quick(|_| Ok(())).await.expect("is done");
            drop(held);
            for task in tasks {
                task.await.expect("ends").expect("is released");
            }
        };
        let all = async { timeout(Duration::from_secs(10), all).await };
        runtime.block_on(all).expect("nothing waits for what hangs");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_changes_and_reads_of_connections_that_go_last_have_low_priority() {
        let own = || rustix::process::getpriority_process(None).expect("is known");
        let priority = async |pool: &BlockingPool| pool.run(move || Ok(own())).await.expect("runs");
        let (pool, usual) = (new_pool(), own());
        assert!(usual < LOWEST_PRIORITY);

        // This comes first, while there is no common thread yet: a new thread inherits the priority
        // of the thread that makes it.
        let (found, priority_soon) = oneshot::channel();
        let tell = move || {
            soon(move || found.send(own()).expect("heard"));
            Ok(())
        };
        as_heavy(pool.run(tell)).await.expect("is done");
        assert_eq!(priority_soon.await, Ok(usual));

        let shared = BlockingPool::shared(DiskWork::Uploads, &Arc::default());
        assert_eq!(as_heavy(priority(&pool)).await, LOWEST_PRIORITY);
        assert_eq!(as_heavy(priority(&shared)).await, usual);
        assert_eq!(priority(&pool).await, usual);
    }

    #[tokio::test]
    async fn what_a_thread_uses_of_the_processor_is_charged_to_the_connection() {
        let (pool, all) = (new_pool(), FairShare::default());
        let other = all.open();
        // Long work, so that some of it is still owed when the test asks, even on a busy machine.
        let long = || {
            let enough = time_of_thread() + Duration::from_millis(100);
            while time_of_thread() < enough {}
            Ok(())
        };
        let quick = async {
            let sleep = |_: &mut Batch| {
                thread::sleep(2 * MAX_QUICK);
                Ok(())
            };
            let one = || pool.run_quick(sleep);
            let all = futures_util::future::join_all((0..100).map(|_| one())).await;
            all.into_iter().collect()
        };
        for work in [pool.run(long).boxed(), quick.boxed()] {
            let streamer = all.open();
            streamer.work(work).await.expect("is done");
            other.work(pool.run(|| Ok(()))).await.expect("is done");
            let goes_last = streamer.work(async { disk_user().goes_last() }).await;
            assert!(goes_last, "another needs the disk, too");
        }
        let waiting = all.open();
        let waits = move || {
            let (_end, never) = mpsc::channel::<()>();
            let _ = never.recv_timeout(Duration::from_millis(10));
            Ok(())
        };
        waiting.work(pool.run(waits)).await.expect("is done");
        other.work(pool.run(|| Ok(()))).await.expect("is done");
        assert!(!waiting.work(async { disk_user().goes_last() }).await);
    }

    #[tokio::test]
    async fn an_operation_that_nobody_waits_for_any_more_is_not_started() {
        let pool = new_pool();
        let (release, hang) = mpsc::channel::<()>();
        let first = pool.run_quick(move |_| {
            let _ = hang.recv();
            Ok(())
        });
        let second = pool.run_quick(|_| -> Result<(), _> { unreachable!("nobody waits for it") });
        let mut first = std::pin::pin!(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        {
            let mut second = std::pin::pin!(second);
            assert!(futures_util::poll!(&mut second).is_pending());
        }
        drop(release);
        first.await.expect("is done");
        pool.run_quick(|_| Ok(())).await.expect("is done");
    }

    #[tokio::test]
    async fn what_is_done_is_told_though_the_next_operation_hangs() {
        let pool = new_pool();
        let (release, hang) = mpsc::channel::<()>();
        let done = pool.run_quick(|_| Ok(()));
        let hangs = pool.run_quick(move |_| {
            let _ = hang.recv();
            Ok(())
        });
        let (mut done, mut hangs) = (std::pin::pin!(done), std::pin::pin!(hangs));
        // Both operations wait before a thread begins.
        assert!(futures_util::poll!(&mut done).is_pending());
        assert!(futures_util::poll!(&mut hangs).is_pending());
        let told = timeout(Duration::from_secs(10), done).await;
        told.expect("is told").expect("is done");
        drop(release);
        hangs.await.expect("is done");
    }
}
