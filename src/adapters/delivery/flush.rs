//! The tasks that bring waiting frames to the sockets of all connections.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

use crate::adapters::delivery::send_queue::Lane;
use crate::application::locks;

/// How many connections of each lane are flushed before other tasks get to run, if none of them has
/// so much to write that it has to wait for another turn.
const FEW_AT_ONCE: usize = 32;
const MANY_AT_ONCE: usize = 16;

/// How long connections are flushed before other tasks get to run: some have much to write.
const SLICE: Duration = Duration::from_micros(30);

/// Something a flush task empties.
pub(crate) trait Flush: Send + Sync {
    /// Writes a bounded part of what waits. Returns whether more could be written at once: then it
    /// is called again, after the others that are waiting.
    fn flush_some(&self) -> bool;

    /// Gives up, because [`flush_some`](Self::flush_some) panicked.
    fn abandon(&self);
}

/// Flushes connections, one after the other, in a task of its own.
pub(crate) struct FlushTask {
    waiting: Mutex<Waiting>,
    called: Notify,
    slice: Duration,
}

impl Default for FlushTask {
    fn default() -> Self {
        Self::of_slice(SLICE)
    }
}

/// The connections that wait to be flushed, by lane.
#[derive(Default)]
struct Waiting {
    few: VecDeque<Arc<dyn Flush>>,
    many: VecDeque<Arc<dyn Flush>>,
    /// Whether the last slice was over before the crowds' turn came, so that theirs is next.
    is_many_next: bool,
}

/// Writers to be flushed, each with its lane.
type Batch = Vec<(Arc<dyn Flush>, Lane)>;

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Arc<dyn Flush>> {
        match lane {
            Lane::Few => &mut self.few,
            Lane::Many => &mut self.many,
        }
    }

    /// Some writers of each lane.
    fn take_batch(&mut self) -> Batch {
        let mut batch = Vec::new();
        let mut lanes = [(Lane::Few, FEW_AT_ONCE), (Lane::Many, MANY_AT_ONCE)];
        if std::mem::take(&mut self.is_many_next) {
            lanes.reverse();
        }
        for (lane, most) in lanes {
            let waiting = self.lane(lane);
            let count = waiting.len().min(most);
            batch.extend(waiting.drain(..count).map(|writer| (writer, lane)));
        }
        batch
    }

    /// Puts writers that were not flushed back to where they were.
    fn put_back(&mut self, rest: impl DoubleEndedIterator<Item = (Arc<dyn Flush>, Lane)>) {
        for (writer, lane) in rest.rev() {
            self.lane(lane).push_front(writer);
        }
    }

    fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }
}

impl FlushTask {
    fn of_slice(slice: Duration) -> Self {
        Self {
            waiting: Mutex::default(),
            called: Notify::new(),
            slice,
        }
    }

    /// Has `writer` flushed soon.
    pub(crate) fn call(&self, writer: Arc<dyn Flush>, lane: Lane) {
        let mut waiting = locks::lock(&self.waiting);
        waiting.lane(lane).push_back(writer);
        if waiting.len() == 1 {
            drop(waiting);
            self.called.notify_one();
        }
    }

    async fn run(&self) {
        loop {
            self.called.notified().await;
            while self.flush_batch() {
                yield_now().await;
            }
        }
    }

    /// Flushes some connections of each lane. Returns whether more are waiting.
    fn flush_batch(&self) -> bool {
        let mut batch = locks::lock(&self.waiting).take_batch().into_iter();
        let (since, mut has_flushed_many) = (Instant::now(), false);
        while let Some((writer, lane)) = batch.next() {
            has_flushed_many |= lane == Lane::Many;
            // A panic in one connection must not end the task that serves many.
            let flushed = catch_unwind(AssertUnwindSafe(|| writer.flush_some()));
            let has_more = flushed.unwrap_or_else(|_| {
                tracing::error!("a connection's frames could not be written");
                writer.abandon();
                false
            });
            // One that has more to write has taken as long as many short ones do.
            if has_more || since.elapsed() > self.slice {
                let mut waiting = locks::lock(&self.waiting);
                waiting.put_back(batch);
                waiting.is_many_next = !has_flushed_many && !waiting.many.is_empty();
                drop(waiting);
                if has_more {
                    self.call(writer, Lane::Many);
                }
                break;
            }
        }
        locks::lock(&self.waiting).len() > 0
    }
}

/// The flush tasks of all connections: one for each worker thread, so that a room of thousands
/// keeps every thread busy.
pub(crate) struct FlushTasks {
    all: Vec<Arc<FlushTask>>,
    /// Ends the tasks when it is dropped.
    _tasks: JoinSet<()>,
    given: AtomicUsize,
}

impl FlushTasks {
    /// Starts them on the current runtime.
    pub(crate) fn start() -> Self {
        let count = tokio::runtime::Handle::current().metrics().num_workers();
        let all: Vec<_> = (0..count).map(|_| Arc::<FlushTask>::default()).collect();
        let mut tasks = JoinSet::new();
        for flush_task in &all {
            let flush_task = Arc::clone(flush_task);
            tasks.spawn(async move { flush_task.run().await });
        }
        Self {
            all,
            _tasks: tasks,
            given: AtomicUsize::new(0),
        }
    }

    /// The flush task for one more connection, round-robin.
    pub(crate) fn next(&self) -> Arc<FlushTask> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.all[given % self.all.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always has more to write, until it has been called `left` times.
    struct Endless {
        name: char,
        left: AtomicUsize,
        order: Arc<Mutex<String>>,
        done: Arc<Notify>,
    }

    impl Flush for Endless {
        fn flush_some(&self) -> bool {
            locks::lock(&self.order).push(self.name);
            let has_more = self.left.fetch_sub(1, Ordering::Relaxed) > 1;
            if !has_more {
                self.done.notify_one();
            }
            has_more
        }

        fn abandon(&self) {}
    }

    #[tokio::test]
    async fn a_fast_reader_lets_the_others_be_flushed_between_its_turns() {
        let (order, done) = (Arc::default(), Arc::<Notify>::default());
        let tasks = FlushTasks::start();
        let task = tasks.next();
        for (name, turns) in [('a', 3), ('b', 1)] {
            let endless = Endless {
                name,
                left: AtomicUsize::new(turns),
                order: Arc::clone(&order),
                done: Arc::clone(&done),
            };
            task.call(Arc::new(endless), Lane::Few);
        }
        done.notified().await;
        done.notified().await;
        assert_eq!(*locks::lock(&order), "abaa");
    }

    #[tokio::test]
    async fn what_is_for_few_is_written_before_the_rest_of_a_crowd() {
        let (order, done) = (Arc::default(), Arc::<Notify>::default());
        let writer = |name| Endless {
            name,
            left: AtomicUsize::new(1),
            order: Arc::clone(&order),
            done: Arc::clone(&done),
        };
        let task = FlushTask::of_slice(Duration::MAX);
        for _ in 0..100 {
            task.call(Arc::new(writer('m')), Lane::Many);
        }
        assert!(task.flush_batch());
        task.call(Arc::new(writer('f')), Lane::Few);
        while task.flush_batch() {}
        let order = locks::lock(&order);
        assert_eq!(order.find('f'), Some(MANY_AT_ONCE));
        assert_eq!(order.len(), 101);
    }

    #[test]
    fn a_writer_that_has_more_to_write_ends_the_turn_and_waits_behind_its_crowd() {
        let (order, done) = (Arc::default(), Arc::<Notify>::default());
        let writer = |name, left| {
            Arc::new(Endless {
                name,
                left: AtomicUsize::new(left),
                order: Arc::clone(&order),
                done: Arc::clone(&done),
            })
        };
        let task = FlushTask::of_slice(Duration::MAX);
        task.call(writer('a', 1), Lane::Few);
        task.call(writer('b', 2), Lane::Few);
        task.call(writer('c', 1), Lane::Few);
        task.call(writer('d', 1), Lane::Many);
        assert!(task.flush_batch());
        assert_eq!(*locks::lock(&order), "ab");
        assert!(!task.flush_batch());
        assert_eq!(*locks::lock(&order), "abdbc");
    }

    #[test]
    fn other_tasks_run_after_a_slice_and_the_crowd_has_the_next_one() {
        let order = Arc::default();
        let writer = |name| Endless {
            name,
            left: AtomicUsize::new(1),
            order: Arc::clone(&order),
            done: Arc::default(),
        };
        let task = FlushTask::of_slice(Duration::ZERO);
        for (name, lane) in [
            ('f', Lane::Few),
            ('g', Lane::Few),
            ('h', Lane::Few),
            ('m', Lane::Many),
        ] {
            task.call(Arc::new(writer(name)), lane);
        }
        while task.flush_batch() {}
        assert_eq!(*locks::lock(&order), "fmgh");
    }

    struct Panics(Notify);

    impl Flush for Panics {
        fn flush_some(&self) -> bool {
            panic!("planted");
        }

        fn abandon(&self) {
            self.0.notify_one();
        }
    }

    #[tokio::test]
    async fn a_panic_abandons_one_connection_and_the_task_goes_on() {
        let tasks = FlushTasks::start();
        let task = tasks.next();
        for _ in 0..2 {
            let panics = Arc::new(Panics(Notify::new()));
            task.call(Arc::clone(&panics) as _, Lane::Few);
            panics.0.notified().await;
        }
    }
}
