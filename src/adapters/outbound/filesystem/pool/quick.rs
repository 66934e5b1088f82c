//! Does quick operations one after another: waking up a thread for each would cost as much as the
//! operation itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::application::fair_share::is_one_alone;
use crate::application::locks::lock;
use crate::application::ports::StoreError;

/// How long a thread does quick operations before it yields the processor or, if there is only one
/// connection, answers it.
const SLICE: Duration = Duration::from_micros(300);

/// How long the folder that one operation has found is used for the next ones.
const FRESH: Duration = Duration::from_millis(5);

/// Does an operation.
pub(super) type Job = Box<dyn FnOnce(&mut Batch) -> Answer + Send>;

/// Tells the caller that an operation is done.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// What the quick operations done in one go share: the folder of the project, which each of them
/// would otherwise have to look up. It is used for a few milliseconds, as if all of them had begun
/// when it was found.
#[derive(Default)]
pub(crate) struct Batch(Option<(Folder, Instant)>);

impl Batch {
    /// The project's folder, found by `find` if it has not just been found.
    pub fn root(
        &mut self,
        find: impl FnOnce() -> Result<Folder, StoreError>,
    ) -> Result<Folder, StoreError> {
        if let Some((root, found)) = &self.0
            && found.elapsed() < FRESH
        {
            return Ok(root.clone());
        }
        let root = find()?;
        self.0 = Some((root.clone(), Instant::now()));
        Ok(root)
    }
}

/// The quick operations that wait, and the threads that do them.
#[derive(Default)]
pub(super) struct Quick(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// The answers to operations that are done but whose callers have not been told.
    answers: Vec<Answer>,
    threads: usize,
    /// How many operations have begun.
    begun: u64,
}

impl Quick {
    /// Adds an operation. Returns whether it is the first, for which there is no thread yet.
    pub fn push(&self, job: Job) -> bool {
        let mut state = lock(&self.0);
        state.waiting.push_back(job);
        state.threads == 0 && state.waiting.len() == 1
    }

    /// How many operations have begun.
    pub fn begun(&self) -> u64 {
        lock(&self.0).begun
    }

    /// How many threads do operations.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        lock(&self.0).threads
    }

    /// Adds a thread, if something waits and there are fewer than `width`. Returns whether it did:
    /// then [`run`](Self::run) must be called on it.
    pub fn add_thread(&self, width: usize) -> bool {
        let mut state = lock(&self.0);
        let is_needed = !state.waiting.is_empty() && state.threads < width;
        state.threads += usize::from(is_needed);
        is_needed
    }

    /// Does the waiting operations until there are none. If there are several connections, each is
    /// told of its operation at once. A connection that is alone is told of the first operation at
    /// once, and of the others in batches: each time wakes up its task, which takes the processor
    /// from this thread.
    pub fn run(&self) {
        let mut batch = Batch::default();
        let mut since = Instant::now();
        let mut is_first = true;
        while let Some(job) = self.next() {
            let answer = job(&mut batch);
            lock(&self.0).answers.push(answer);
            let (is_over, is_one_alone) = (since.elapsed() > SLICE, is_one_alone());
            if is_over || !is_one_alone || std::mem::take(&mut is_first) {
                self.answer_all();
            }
            if is_over {
                if !is_one_alone {
                    thread::yield_now();
                }
                since = Instant::now();
            }
        }
        self.answer_all();
    }

    /// Tells the callers of what has been done.
    pub fn answer_all(&self) {
        let answers = std::mem::take(&mut lock(&self.0).answers);
        for answer in answers {
            answer();
        }
    }

    /// The next operation for a thread. If there is none, the thread ends.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.0);
        let job = state.waiting.pop_front();
        state.threads -= usize::from(job.is_none());
        state.begun += 1;
        job
    }
}
