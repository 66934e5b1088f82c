//! The tasks that bring waiting frames to the sockets of all connections.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

use crate::adapters::delivery::send_queue::Lane;
use crate::application::fair_share::is_slice_over;
use crate::application::locks;

/// How long connections are flushed before other tasks run: some connections have much to write.
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
    is_slice_over: fn(Instant) -> bool,
}

impl Default for FlushTask {
    fn default() -> Self {
        Self::with(|since| is_slice_over(since, SLICE))
    }
}

/// The connections that wait to be flushed, by lane.
#[derive(Default)]
struct Waiting {
    few: VecDeque<Arc<dyn Flush>>,
    many: VecDeque<Arc<dyn Flush>>,
    /// Whether the last slice ended before `many` had its turn, so this slice starts with `many`.
    is_many_first: bool,
    /// Whether the flush task has been woken up and has not found both lanes empty since.
    is_awake: bool,
}

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Arc<dyn Flush>> {
        match lane {
            Lane::Few => &mut self.few,
            Lane::Many => &mut self.many,
        }
    }

    fn next(&mut self) -> Option<(Arc<dyn Flush>, Lane)> {
        let mut lanes = [Lane::Few, Lane::Many];
        if self.is_many_first {
            lanes.reverse();
        }
        let mut next = lanes.into_iter();
        let next = next.find_map(|lane| Some((self.lane(lane).pop_front()?, lane)));
        if next.is_none() {
            (self.is_many_first, self.is_awake) = (false, false);
        }
        next
    }

    fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }
}

impl FlushTask {
    fn with(is_slice_over: fn(Instant) -> bool) -> Self {
        Self {
            waiting: Mutex::default(),
            called: Notify::new(),
            is_slice_over,
        }
    }

    /// Has `writer` flushed soon.
    pub(crate) fn call(self: &Arc<Self>, writer: Arc<dyn Flush>, lane: Lane) {
        let is_awake = {
            let mut waiting = locks::lock(&self.waiting);
            waiting.lane(lane).push_back(writer);
            waiting.is_awake
        };
        if !is_awake {
            HELD.with_borrow_mut(|held| match held {
                None => self.wake(),
                Some(held) if held.iter().any(|other| Arc::ptr_eq(other, self)) => {}
                Some(held) => held.push(Arc::clone(self)),
            });
        }
    }

    fn wake(&self) {
        let was_awake = std::mem::replace(&mut locks::lock(&self.waiting).is_awake, true);
        if !was_awake {
            self.called.notify_one();
        }
    }

    async fn run(&self) {
        loop {
            self.called.notified().await;
            while self.flush_slice() {
                yield_now().await;
            }
        }
    }

    /// Flushes connections for a slice. Returns whether more are waiting; if not, the task has to
    /// be woken up again.
    fn flush_slice(&self) -> bool {
        let (since, mut has_flushed_many) = (Instant::now(), false);
        loop {
            let Some((writer, lane)) = locks::lock(&self.waiting).next() else {
                return false;
            };
            has_flushed_many |= lane == Lane::Many;
            // A panic in one connection must not end the task that serves many.
            let flushed = catch_unwind(AssertUnwindSafe(|| writer.flush_some()));
            let has_more = flushed.unwrap_or_else(|_| {
                tracing::error!("a connection's frames could not be written");
                writer.abandon();
                false
            });
            // A connection that has more to write has taken as long as many short ones do.
            if has_more || (self.is_slice_over)(since) {
                let mut waiting = locks::lock(&self.waiting);
                waiting.is_many_first = !has_flushed_many && !waiting.many.is_empty();
                if has_more {
                    waiting.many.push_back(writer);
                }
                waiting.is_awake = waiting.len() > 0;
                return waiting.is_awake;
            }
        }
    }
}

thread_local! {
    /// The flush tasks that this thread wakes up later.
    static HELD: RefCell<Option<Vec<Arc<FlushTask>>>> = const { RefCell::new(None) };
}

/// Delays waking the flush tasks that this thread calls until this is dropped, or until another
/// thread calls them. A flush task that is woken for the first of many receivers would take the
/// processor from this thread, only to wait for the next receiver.
pub(crate) struct Together {
    /// Whether this thread had no other one when this one began.
    is_outermost: bool,
    /// Not `Send`: it must end in the thread in which it began.
    _stays: PhantomData<*const ()>,
}

impl Together {
    pub(crate) fn begin() -> Self {
        HELD.with_borrow_mut(|held| {
            let is_outermost = held.is_none();
            held.get_or_insert_default();
            Self {
                is_outermost,
                _stays: PhantomData,
            }
        })
    }

    /// Wakes up the flush tasks that have been called so far.
    pub(crate) fn flush(&self) {
        if self.is_outermost {
            wake(HELD.replace(Some(Vec::new())));
        }
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        if self.is_outermost {
            wake(HELD.take());
        }
    }
}

fn wake(called: Option<Vec<Arc<FlushTask>>>) {
    for flush_task in called.into_iter().flatten() {
        flush_task.wake();
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
    /// Starts the tasks on the current runtime.
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
    use futures_util::FutureExt as _;

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
        let task = Arc::new(FlushTask::with(|_| true));
        for _ in 0..100 {
            task.call(Arc::new(writer('m')), Lane::Many);
        }
        assert!(task.flush_slice());
        task.call(Arc::new(writer('f')), Lane::Few);
        while task.flush_slice() {}
        let order = locks::lock(&order);
        assert_eq!(order.find('f'), Some(1));
        assert_eq!(order.len(), 101);
    }

    #[tokio::test]
    async fn a_crowd_is_flushed_once_all_of_it_waits_and_none_is_forgotten() {
        let task = Arc::new(FlushTask::with(|_| false));
        let nothing = || {
            Arc::new(Endless {
                name: 'a',
                left: AtomicUsize::new(1),
                order: Arc::default(),
                done: Arc::default(),
            })
        };
        let is_called = || task.called.notified().now_or_never().is_some();
        let together = Together::begin();
        {
            let inner = Together::begin();
            task.call(nothing(), Lane::Many);
            inner.flush();
        }
        task.call(nothing(), Lane::Many);
        assert!(!is_called());
        together.flush();
        assert!(is_called());
        assert!(!task.flush_slice());
        task.call(nothing(), Lane::Many);
        assert!(!is_called());
        drop(together);
        assert!(is_called());
        assert!(!task.flush_slice());
        task.call(nothing(), Lane::Few);
        assert!(is_called(), "nothing is held any more");
        assert!(!task.flush_slice());

        let _together = Together::begin();
        task.call(nothing(), Lane::Many);
        let other = Arc::clone(&task);
        let answer = nothing();
        let calls = std::thread::spawn(move || other.call(answer, Lane::Few));
        calls.join().expect("no panic");
        assert!(is_called(), "what is held here holds up no other thread");
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
        let task = Arc::new(FlushTask::with(|_| false));
        task.call(writer('a', 1), Lane::Few);
        task.call(writer('b', 2), Lane::Few);
        task.call(writer('c', 1), Lane::Few);
        task.call(writer('d', 1), Lane::Many);
        assert!(task.flush_slice());
        assert_eq!(*locks::lock(&order), "ab");
        assert!(!task.flush_slice());
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
        let task = Arc::new(FlushTask::with(|_| true));
        for (name, lane) in [
            ('f', Lane::Few),
            ('g', Lane::Few),
            ('h', Lane::Few),
            ('m', Lane::Many),
        ] {
            task.call(Arc::new(writer(name)), lane);
        }
        while task.flush_slice() {}
        assert_eq!(*locks::lock(&order), "fmgh");
        for (name, lane) in [('i', Lane::Few), ('m', Lane::Many)] {
            task.call(Arc::new(writer(name)), lane);
        }
        while task.flush_slice() {}
        task.call(Arc::new(writer('m')), Lane::Many);
        task.call(Arc::new(writer('j')), Lane::Few);
        while task.flush_slice() {}
        assert_eq!(*locks::lock(&order), "fmghimjm");
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
