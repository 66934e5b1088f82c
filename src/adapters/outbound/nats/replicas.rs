//! The projects that this node knows, each from when it is first asked for until it has not been
//! used for a while.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::adapters::outbound::loaded_project::{LoadedProject, ProjectMemory, Share, User};
use crate::adapters::outbound::nats::apply_relay::NatsApplyRelay;
use crate::adapters::outbound::nats::blobs::Blobs;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::entry::{Entry, Head, What};
use crate::adapters::outbound::nats::follower::Position;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::own_changes::{ChangeNames, OwnChanges};
use crate::adapters::outbound::nats::presence::NatsPresence;
use crate::adapters::outbound::nats::replica::{Placed, Ready, Replica};
use crate::adapters::outbound::nats::reviews::Reviews;
use crate::adapters::outbound::nats::silence::{ELECTION, SILENT};
use crate::adapters::outbound::nats::tombstones::Tombstones;
use crate::application::locks::lock;
use crate::application::ports::{Decided, EventPublisher, StoreError};
use crate::domain::{FilePath, Project, ProjectEntry, ProjectId};

/// How long an unused project stays in memory.
const UNUSED: Duration = Duration::from_secs(5 * 60);

/// How long a reader waits for what other nodes have just acknowledged. Without an answer, the
/// reader gets what is known here.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait for a server that does not have the latest yet.
const AGAIN: Duration = Duration::from_millis(20);

/// What all stores of a node share.
pub(crate) struct Node {
    pub engine: Arc<Engine>,
    /// How far the log has been followed.
    pub position: Position,
    pub blobs: Blobs,
    pub own: OwnChanges,
    pub names: ChangeNames,
    pub reviews: Reviews,
    pub tombstones: Arc<Tombstones>,
    pub presence: Arc<NatsPresence>,
    pub apply_relay: Arc<NatsApplyRelay>,
    /// Tells the connections here what other nodes do.
    pub events: Arc<dyn EventPublisher>,
    pub memory: Arc<ProjectMemory>,
    /// Hears what moderators have decided.
    pub decided: OnceLock<Decided>,
    known: Mutex<HashMap<ProjectId, Arc<Replica>>>,
}

/// A project on this node that somebody works with, and what is known about it.
pub(crate) type InUse = (Arc<Replica>, Arc<LoadedProject>);

impl Node {
    pub fn new(
        engine: Arc<Engine>,
        position: Position,
        blobs: Blobs,
        reviews: Reviews,
        events: Arc<dyn EventPublisher>,
        memory: ProjectMemory,
        apply_relay: Arc<NatsApplyRelay>,
    ) -> Arc<Self> {
        let budget = Arc::clone(&memory.budget);
        Arc::new_cyclic(|own: &Weak<Self>| {
            let own = Weak::clone(own);
            budget.add_reclaim(move || own.upgrade().is_some_and(|node| node.make_room()));
            Self {
                engine,
                position,
                blobs,
                own: OwnChanges::default(),
                names: ChangeNames::default(),
                tombstones: Arc::clone(&reviews.tombstones),
                reviews,
                events,
                memory: Arc::new(memory),
                decided: OnceLock::new(),
                presence: Arc::clone(apply_relay.presence()),
                apply_relay,
                known: Mutex::default(),
            }
        })
    }

    /// What is known of a project, which may have to be loaded first.
    pub fn replica(&self, project: &ProjectId) -> Arc<Replica> {
        let mut known = lock(&self.known);
        let entry = known.entry(project.clone());
        Arc::clone(entry.or_insert_with(|| Arc::new(Replica::new(project.clone()))))
    }

    /// A project, as it is known here. If it is not known yet, a streamer waits for the engine, and
    /// a reader for a while.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Unavailable` if there is no memory for it; `Failed`.
    pub async fn project(
        self: &Arc<Self>,
        project: &ProjectId,
        user: User,
    ) -> Result<InUse, StoreError> {
        loop {
            let replica = self.replica(project);
            match replica.ready(user) {
                Some(Ok(loaded)) => return Ok((replica, loaded)),
                // A project of that name may have been created again.
                Some(Err(_)) => self.forget(&replica),
                None => {
                    let (node, replica) = (Arc::clone(self), Arc::clone(&replica));
                    // The load runs in its own task: others may wait for it, too.
                    let load = async move { node.load(&replica, user).await };
                    tokio::spawn(load).await.map_err(StoreError::failed)??;
                }
            }
        }
    }

    /// The same, with all that was acknowledged anywhere before this call.
    ///
    /// # Errors
    /// Those of [`project`](Self::project).
    pub async fn latest(self: &Arc<Self>, project: &ProjectId) -> Result<InUse, StoreError> {
        let look = async {
            let head = self
                .engine
                .last(&self.engine.subjects.head(project))
                .await?;
            match head {
                Some(head) => self.position.reaches(head.sequence).await,
                None => Ok(()),
            }
        };
        if let Ok(Err(error)) | Err(error) =
            timeout(PATIENCE, look).await.map_err(StoreError::failed)
        {
            tracing::debug!(%error, "the engine does not say what is new");
        }
        self.project(project, User::Reader).await
    }

    async fn load(self: &Arc<Self>, replica: &Arc<Replica>, user: User) -> Result<(), StoreError> {
        let patience = match user {
            User::Reader => ELECTION,
            User::Streamer => Duration::MAX,
        };
        let began = Instant::now();
        let _alone = loop {
            match timeout(patience, replica.loading.lock()).await {
                Ok(alone) => break alone,
                Err(late) if self.engine.silence() >= SILENT => {
                    return Err(StoreError::failed(late));
                }
                // A long project takes its time.
                Err(_) => {}
            }
        };
        if replica.ready(user).is_some() {
            return Ok(());
        }
        let patience = patience.saturating_sub(began.elapsed());
        let reading = || self.read(replica, user);
        match self.engine.once_answered(patience, reading).await {
            Ok(ready) => {
                let loaded = Arc::downgrade(&ready.loaded);
                ready.loaded.touch(user);
                replica.begin(ready);
                tokio::spawn(let_go(Arc::downgrade(self), Arc::clone(replica), loaded));
                Ok(())
            }
            Err(error) => {
                self.forget(replica);
                Err(error)
            }
        }
    }

    /// Reads all that the log has of a project.
    async fn read(&self, replica: &Replica, user: User) -> Result<Ready, StoreError> {
        let project = &replica.project;
        let subjects = &self.engine.subjects;
        let newest = self.engine.last(&subjects.head(project)).await?;
        let newest = newest.ok_or(StoreError::NotFound)?;
        let mut head = place(&newest)?;
        let registered = |placed: &Placed| match &placed.entry.what {
            What::Head(head) if head.is_registered => Ok(head.clone()),
            _ => Err(StoreError::NotFound),
        };
        let mut at = registered(&head)?.since;
        let mut share = Share::new(&self.memory, user);
        let mut files: BTreeMap<FilePath, ProjectEntry> = BTreeMap::new();
        while at < newest.sequence {
            let page = self
                .engine
                .page(&subjects.log(), at + 1, &subjects.files(project))
                .await?;
            if page.is_empty() {
                sleep(AGAIN).await;
            }
            for message in &page {
                at = message.sequence;
                let placed = place(message)?;
                replica.note_change(placed.at);
                match &placed.entry.what {
                    What::Put(path, put) => {
                        share.grow(Project::entry_memory_bytes(path))?;
                        files.insert(path.clone(), put.known(message.sequence, message.at));
                    }
                    What::Gone(path) => {
                        self.tombstones.note(message);
                        files.remove(path);
                    }
                    What::Head(_) => head = placed,
                }
            }
        }
        Ok(Ready {
            loaded: Arc::new(LoadedProject::new(files.into_iter().collect(), share)),
            head: registered(&head)?,
            head_sequence: head.sequence,
            change: head.entry.change,
            at,
        })
    }

    /// The entry at a place in the log, if it has not been replaced.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn entry_at(&self, place: u64) -> Result<Option<Entry>, StoreError> {
        let stream = self.engine.subjects.log().name;
        let request = serde_json::json!({ "seq": place });
        let found = match self.engine.direct(&stream, &request).await? {
            Some(found) => Some(found),
            // The server that was asked may not have it yet.
            None => self.engine.ask_leader(&stream, &request).await?,
        };
        found.map(|found| Entry::decode(&found.payload)).transpose()
    }

    /// A project that is known already.
    pub fn known(&self, project: &ProjectId) -> Option<Arc<Replica>> {
        lock(&self.known).get(project).cloned()
    }

    /// How many projects are in memory.
    pub fn loaded(&self) -> usize {
        lock(&self.known).len()
    }

    /// Forgets everything that this node knows of projects: it may not have been told of all.
    pub fn forget_all(&self) {
        lock(&self.known).clear();
    }

    /// Whether this is the replica that is told of the log, and not one that was forgotten.
    pub fn is_current(&self, replica: &Replica) -> bool {
        let known = self.known(&replica.project);
        known.is_some_and(|known| std::ptr::eq(&raw const *known, replica))
    }

    fn forget(&self, replica: &Arc<Replica>) {
        let mut known = lock(&self.known);
        let own = known.get(&replica.project);
        if own.is_some_and(|own| Arc::ptr_eq(own, replica)) {
            known.remove(&replica.project);
        }
    }

    /// Forgets a project, unless it is in use. Returns whether it did.
    fn unload(&self, project: &ProjectId) -> bool {
        let mut known = lock(&self.known);
        // The count is exact: others take a reference only under the lock that we hold.
        let is_free = |own: &Arc<Replica>| Arc::strong_count(own) == 1 && !own.is_used();
        let is_free = known.get(project).is_some_and(is_free);
        if is_free {
            known.remove(project);
        }
        is_free
    }

    /// Forgets some project that nobody works with. Returns whether there was one.
    fn make_room(&self) -> bool {
        let all: Vec<_> = lock(&self.known).keys().cloned().collect();
        all.iter().any(|project| self.unload(project))
    }
}

/// A message as an entry at its place.
///
/// # Errors
/// `Failed` if it cannot be understood.
pub(crate) fn place(message: &Logged) -> Result<Placed, StoreError> {
    Ok(Placed {
        sequence: message.sequence,
        at: message.at,
        entry: Entry::decode(&message.payload)?,
    })
}

/// Forgets a project once it has not been used for long enough.
async fn let_go(node: Weak<Node>, replica: Arc<Replica>, loaded: Weak<LoadedProject>) {
    let project = replica.project.clone();
    drop(replica);
    while let Some(until) = loaded.upgrade().map(|loaded| loaded.last_used() + UNUSED) {
        // At least a second: if somebody uses the project for longer than that, this tries again.
        sleep_until(until.max(Instant::now() + Duration::from_secs(1))).await;
        let Some(node) = node.upgrade() else {
            return;
        };
        let unused = loaded.upgrade().map(|loaded| loaded.last_used().elapsed());
        if unused.is_some_and(|unused| unused >= UNUSED) {
            node.unload(&project);
        }
    }
}

/// The head, if the entry is one.
pub(crate) fn head_of(placed: &Placed) -> Option<&Head> {
    match &placed.entry.what {
        What::Head(head) => Some(head),
        What::Put(..) | What::Gone(_) => None,
    }
}
