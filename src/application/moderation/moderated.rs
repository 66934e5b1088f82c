//! What moderators have decided in one project, and which connections are there.
//!
//! One lock for each project guards both: a connection that comes is judged by the latest decision,
//! or the next decision finds it. The lock is held for moments, never while waiting for the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::{Mutex as Turn, RwLock};

use crate::application::connection_id::ConnectionId;
use crate::application::locks::lock;
use crate::application::memory::{Account, Reservation};
use crate::application::moderation::unreadable::{Kind, Unreadable};
use crate::application::ports::{
    GuestStore, ModerationStore, ProjectState, ProjectStore, StoreError,
};
use crate::application::request_error::RequestError;
use crate::application::session::summons::Summons;
use crate::domain::{
    ClientAddress, Moderation, Person, ProjectId, RoomName, Standing, Timestamp, UserName,
};

/// The projects whose moderation is in memory.
#[derive(Default)]
pub(super) struct Found {
    pub projects: Mutex<HashMap<ProjectId, Weak<Moderated>>>,
    pub unreadable: Unreadable,
}

/// A connection that is in the room of a project, listens to it, or has a role in the project.
#[derive(Debug, Clone)]
pub(crate) struct Present {
    pub user: UserName,
    /// `None` if no mute or ban may concern it.
    pub address: Option<ClientAddress>,
    /// Whether it is in the room, and nobody has put it out.
    pub is_member: bool,
    /// Whether its token is a moderator's.
    pub moderates: bool,
    /// Whether it has been put out and its session does not know that yet.
    pub is_out: bool,
    pub summons: Arc<Summons>,
}

impl Present {
    pub(super) fn person(&self) -> Person<'_> {
        Person {
            user: &self.user,
            address: self.address,
        }
    }
}

/// The moderation of one project, for as long as somebody needs it.
pub(crate) struct Moderated {
    pub(crate) project: ProjectId,
    /// `None` if its name would be too long for a room.
    pub(super) room: Option<RoomName>,
    store: Arc<dyn ModerationStore>,
    account: Arc<Account>,
    /// One change, or one read of the store, at a time.
    pub(super) turn: Turn<()>,
    /// Locked for reading while something is said in the room, and for writing while a decision
    /// takes effect. So what was said before a decision is heard before it, and nothing is said
    /// under an older decision.
    pub(super) said: Arc<RwLock<()>>,
    state: Mutex<State>,
    found: Weak<Found>,
}

/// What a [`Moderated`] guards.
#[derive(Default)]
pub(super) struct State {
    /// `None` until it has been loaded.
    pub loaded: Option<(Arc<Moderation>, Reservation)>,
    pub present: HashMap<ConnectionId, Present>,
}

impl State {
    /// What has been decided, if that has been loaded.
    pub fn moderation(&self) -> Option<&Arc<Moderation>> {
        self.loaded.as_ref().map(|(moderation, _)| moderation)
    }
}

impl Moderated {
    pub(super) fn new(
        project: ProjectId,
        store: Arc<dyn ModerationStore>,
        account: Arc<Account>,
        found: Weak<Found>,
    ) -> Self {
        Self {
            room: project.room(),
            project,
            store,
            account,
            turn: Turn::default(),
            said: Arc::default(),
            state: Mutex::default(),
            found,
        }
    }

    pub(crate) fn room(&self) -> Option<&RoomName> {
        self.room.as_ref()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Loads what has been decided, if nobody has done that yet.
    ///
    /// # Errors
    /// It cannot be read; the log has said so within the last minutes.
    pub(crate) async fn load(&self) -> Result<(), RequestError> {
        if self.state().loaded.is_some() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        self.load_in_turn().await
    }

    /// The same, for a caller that holds the turn.
    pub(super) async fn load_in_turn(&self) -> Result<(), RequestError> {
        if self.state().loaded.is_some() {
            return Ok(());
        }
        let (kind, found) = (Kind::Moderation, self.found.upgrade());
        if found.is_some_and(|found| found.unreadable.was_just_tried(kind, &self.project)) {
            return Err(RequestError::Internal);
        }
        let loaded = self.store.load(&self.project).await;
        let loaded = loaded.map_err(|error| self.unreadable(&error))?;
        self.adopt(&mut self.state(), Arc::new(loaded));
        Ok(())
    }

    fn unreadable(&self, error: &StoreError) -> RequestError {
        if self.should_tell(Kind::Moderation) {
            tracing::error!(
                %error,
                project = ?self.project,
                "what moderators have decided cannot be read, so nobody but the streamer chats, \
                 listens or proposes there until it is repaired or removed"
            );
        } else {
            tracing::debug!(%error, project = ?self.project, "it still cannot be read");
        }
        RequestError::Internal
    }

    /// Notes that it cannot be read. Returns whether the log should say so.
    fn should_tell(&self, kind: Kind) -> bool {
        let found = self.found.upgrade();
        found.is_none_or(|found| found.unreadable.note(kind, &self.project))
    }

    /// Logs that the names of the project's guests cannot be read or kept, and returns the error.
    pub(crate) fn guests_failed(&self, doing: &'static str, error: &StoreError) -> RequestError {
        if self.should_tell(Kind::Guests) {
            tracing::error!(%error, project = ?self.project, "could not {doing}");
        } else {
            tracing::debug!(%error, project = ?self.project, "still could not {doing}");
        }
        RequestError::Internal
    }

    /// What has been decided by now, also at other servers.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn read_again(&self) -> Result<Arc<Moderation>, RequestError> {
        let read = self.store.load(&self.project).await;
        let read = read.map_err(|error| {
            RequestError::internal(
                "read what a moderator has decided at another server",
                &error,
            )
        });
        read.map(Arc::new)
    }

    /// What has been decided, as far as it is known.
    pub(super) fn known(&self) -> Arc<Moderation> {
        self.state().moderation().cloned().unwrap_or_default()
    }

    /// Keeps what has been decided. Returns `false`, and keeps nothing, if something has been
    /// decided at another server in the meantime.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(super) async fn save(&self, moderation: &Arc<Moderation>) -> Result<bool, RequestError> {
        let saved = self.store.save(&self.project, Arc::clone(moderation));
        let saved = saved.await;
        saved.map_err(|error| RequestError::internal("keep what a moderator has decided", &error))
    }

    /// Makes `moderation` what has been decided.
    pub(super) fn adopt(&self, state: &mut State, moderation: Arc<Moderation>) {
        if let Some(found) = self.found.upgrade() {
            found.unreadable.forget(Kind::Moderation, &self.project);
        }
        let held = self.account.reserve(moderation.memory_bytes());
        state.loaded = Some((moderation, held));
    }

    /// How `person` stands here. No moderator can decide anything about the streamer.
    ///
    /// # Errors
    /// What has been decided cannot be read.
    pub(crate) async fn standing(
        &self,
        person: Person<'_>,
        now: Timestamp,
    ) -> Result<Standing, RequestError> {
        if self.is_streamer(person.user) {
            return Ok(Standing::default());
        }
        self.load().await?;
        Ok(self.known_standing(&self.state(), person, now))
    }

    /// The same, as far as it is known: until it has been loaded, nothing counts as decided.
    pub(super) fn known_standing(
        &self,
        state: &State,
        person: Person<'_>,
        now: Timestamp,
    ) -> Standing {
        let known = state
            .moderation()
            .filter(|_| !self.is_streamer(person.user));
        known.map_or_else(Standing::default, |known| known.standing(person, now))
    }

    /// What has been decided.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn moderation(&self) -> Result<Arc<Moderation>, RequestError> {
        self.load().await?;
        Ok(self.known())
    }

    pub(crate) fn is_streamer(&self, user: &UserName) -> bool {
        *user == self.project.streamer
    }

    /// Notes that a connection is there, or is now there in another way. If it is banned, its
    /// session is called; otherwise `subscribe` is called, which has it receive what is said.
    pub(crate) fn attend(
        &self,
        connection: ConnectionId,
        mut present: Present,
        subscribe: impl FnOnce(),
        now: Timestamp,
    ) {
        let mut state = self.state();
        let standing = self.known_standing(&state, present.person(), now);
        present.is_out = standing.banned.is_some();
        if present.is_out {
            present.summons.call();
        } else {
            subscribe();
        }
        state.present.insert(connection, present);
    }

    /// Notes that a connection has gone.
    pub(crate) fn depart(&self, connection: ConnectionId) {
        self.state().present.remove(&connection);
    }

    /// Whether the connection must leave the room itself, because nobody has put it out.
    pub(crate) fn stand_up(&self, connection: ConnectionId) -> bool {
        let mut state = self.state();
        let present = state.present.get_mut(&connection);
        present.is_none_or(|present| std::mem::take(&mut present.is_member))
    }

    /// Whether the connection has been put out since this was last asked.
    pub(crate) fn take_out(&self, connection: ConnectionId) -> bool {
        let mut state = self.state();
        let present = state.present.get_mut(&connection);
        present.is_some_and(|present| std::mem::take(&mut present.is_out))
    }

    /// Registers the project if there is none yet. What an earlier project of that name has left,
    /// for example because an operator removed it by hand, is removed first.
    ///
    /// # Errors
    /// The errors of the stores; the project has then not been registered.
    pub(crate) async fn register(
        &self,
        projects: &dyn ProjectStore,
        guests: &dyn GuestStore,
    ) -> Result<(), StoreError> {
        // Nobody decides anything in a new project before this is done.
        let _turn = self.turn.lock().await;
        if projects.state(&self.project).await? == ProjectState::Absent {
            guests.free(&self.project).await?;
            self.remove_in_turn().await?;
        }
        projects.register(&self.project).await
    }

    pub(super) async fn remove(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.remove_in_turn().await
    }

    async fn remove_in_turn(&self) -> Result<(), StoreError> {
        self.store.remove(&self.project).await?;
        self.adopt(&mut self.state(), Arc::default());
        Ok(())
    }
}

impl Drop for Moderated {
    fn drop(&mut self) {
        let Some(found) = self.found.upgrade() else {
            return;
        };
        let mut found = lock(&found.projects);
        // Another value for the same project may have taken its place.
        let is_gone = |own: &Weak<Self>| own.strong_count() == 0;
        if found.get(&self.project).is_some_and(is_gone) {
            found.remove(&self.project);
        }
    }
}
