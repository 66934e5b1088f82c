//! Projects in memory: what is known about their files, and how much of the budget that takes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::adapters::outbound::system::random_number;
use crate::application::locks::lock;
use crate::application::memory::{FREE_BYTES, MemoryBudget, Reservation};
use crate::application::ports::StoreError;
use crate::domain::{Project, Revision};

/// The kind of user that a project is held in memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// A reader.
    Reader,
    /// Its streamer, who writes.
    Streamer,
}

/// Projects that only readers use may take one byte in this many of the memory budget.
const READERS_PART: usize = 2;

/// What the projects in memory share.
#[derive(Debug)]
pub(crate) struct ProjectMemory {
    pub budget: Arc<MemoryBudget>,
    /// The bytes of the projects that only readers use.
    pub readers: AtomicUsize,
}

impl ProjectMemory {
    /// Waits until there is room for a reader's project.
    pub async fn room(&self) {
        self.budget.shared_account().room(FREE_BYTES + 1).await;
    }
}

/// The memory that one project takes; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    memory: Arc<ProjectMemory>,
    reservation: Reservation,
    user: User,
}

impl Share {
    pub fn new(memory: &Arc<ProjectMemory>, user: User) -> Self {
        Self {
            reservation: memory.budget.reserve(0),
            memory: Arc::clone(memory),
            user,
        }
    }

    /// Whether the project must wait for memory. A reader's project waits while connections have
    /// taken all of it; for a streamer's project, some connections are closed instead.
    pub fn is_short(&self) -> bool {
        self.user == User::Reader && self.memory.budget.is_exhausted()
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    /// `Unavailable` if the readers' part has no room for them. There is always room for a
    /// streamer's project.
    pub fn grow(&mut self, bytes: usize) -> Result<(), StoreError> {
        let most = self.memory.budget.max() / READERS_PART;
        let readers = self.memory.readers.load(Ordering::Relaxed);
        if self.user == User::Reader && readers + bytes > most {
            return Err(StoreError::Unavailable);
        }
        self.set(self.reservation.bytes() + bytes);
        Ok(())
    }

    /// Sets how many bytes it takes in total.
    pub fn set(&mut self, bytes: usize) {
        if self.user == User::Reader {
            let readers = &self.memory.readers;
            readers.fetch_add(bytes, Ordering::Relaxed);
            readers.fetch_sub(self.reservation.bytes(), Ordering::Relaxed);
        }
        self.reservation.set(bytes);
    }

    /// Notes that a streamer uses it from now on.
    fn becomes_written(&mut self) {
        if self.user == User::Reader {
            let readers = &self.memory.readers;
            readers.fetch_sub(self.reservation.bytes(), Ordering::Relaxed);
            self.user = User::Streamer;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// A project in memory, shared by all who read and write it.
#[derive(Debug)]
pub(crate) struct LoadedProject {
    state: Mutex<State>,
    used: Mutex<Used>,
    /// A random number, different for every load.
    origin: u64,
}

#[derive(Debug)]
struct State {
    project: Project,
    share: Share,
}

/// When a project was last used, and when last written.
#[derive(Debug, Clone, Copy)]
struct Used {
    last: Instant,
    written: Option<Instant>,
}

impl LoadedProject {
    /// `share` is the memory that was reserved while the project was loaded.
    pub fn new(project: Project, mut share: Share) -> Self {
        share.set(project.memory_bytes());
        Self {
            state: Mutex::new(State { project, share }),
            used: Mutex::new(Used {
                last: Instant::now(),
                written: None,
            }),
            origin: random_number(),
        }
    }

    /// The state that the project is in.
    pub fn revision(&self) -> Revision {
        Revision {
            origin: self.origin,
            changes: self.with(|project| project.changes()),
        }
    }

    /// Reads the project, or changes it in a way that leaves its size alone.
    pub fn with<T>(&self, work: impl FnOnce(&mut Project) -> T) -> T {
        work(&mut lock(&self.state).project)
    }

    /// Changes the project, and keeps its memory reservation up to date.
    pub fn change<T>(&self, work: impl FnOnce(&mut Project) -> T) -> T {
        let mut state = lock(&self.state);
        let result = work(&mut state.project);
        let bytes = state.project.memory_bytes();
        state.share.set(bytes);
        result
    }

    /// Notes that it is used now.
    pub fn touch(&self, user: User) {
        let now = Instant::now();
        let mut times = lock(&self.used);
        times.last = now;
        if user == User::Streamer {
            times.written = Some(now);
            lock(&self.state).share.becomes_written();
        }
    }

    /// When it was last used.
    pub fn last_used(&self) -> Instant {
        lock(&self.used).last
    }

    /// Whether its streamer has written after `since`.
    pub fn is_written_since(&self, since: Instant) -> bool {
        lock(&self.used)
            .written
            .is_some_and(|written| written > since)
    }
}
