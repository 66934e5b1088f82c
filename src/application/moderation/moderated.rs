//! What moderators have decided in one project, and which connections are there.
//!
//! Both are under one lock, which is the project's own: all who come are judged by the latest
//! decision, or is met by the next one. It is held for moments, never while waiting for the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Mutex as Turn;

use crate::application::connection_id::ConnectionId;
use crate::application::locks::lock;
use crate::application::memory::{Account, Reservation};
use crate::application::ports::{ModerationStore, StoreError};
use crate::application::request_error::RequestError;
use crate::application::session::summons::Summons;
use crate::domain::{
    ClientAddress, Moderation, Person, ProjectId, RoomName, Standing, Timestamp, UserName,
};

/// Where the projects are found whose moderation is in memory.
pub(super) type Found = Mutex<HashMap<ProjectId, Weak<Moderated>>>;

/// A connection that is in the room of a project, listens to it, or has a role in the project.
#[derive(Debug, Clone)]
pub(crate) struct Present {
    pub user: UserName,
    /// `None` if no mute or ban may concern it.
    pub address: Option<ClientAddress>,
    /// It is in the room, and nobody has put it out.
    pub is_member: bool,
    /// Its token makes it a moderator's.
    pub moderates: bool,
    /// It has been put out, and its session does not know that yet.
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
    /// `None` where its name would be too long for one.
    pub(super) room: Option<RoomName>,
    store: Arc<dyn ModerationStore>,
    account: Arc<Account>,
    /// One change at a time, and one look at the store.
    pub(super) turn: Turn<()>,
    state: Mutex<State>,
    found: Weak<Found>,
}

/// What a [`Moderated`] guards.
#[derive(Default)]
pub(super) struct State {
    /// `None` until it has been loaded.
    pub loaded: Option<(Moderation, Reservation)>,
    pub present: HashMap<ConnectionId, Present>,
}

impl State {
    /// What has been decided, if that has been loaded.
    pub fn moderation(&self) -> Option<&Moderation> {
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
    /// It cannot be read; that has been logged.
    pub(super) async fn load(&self) -> Result<(), RequestError> {
        if self.state().loaded.is_some() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        self.load_in_turn().await
    }

    /// The same for the one whose turn it is.
    pub(super) async fn load_in_turn(&self) -> Result<(), RequestError> {
        if self.state().loaded.is_some() {
            return Ok(());
        }
        let loaded = self.store.load(&self.project).await.map_err(|error| {
            tracing::error!(
                %error,
                project = ?self.project,
                "what moderators have decided cannot be read, so nobody but the streamer chats or \
                 proposes there until it is repaired or removed"
            );
            RequestError::Internal
        })?;
        self.adopt(&mut self.state(), loaded);
        Ok(())
    }

    /// Keeps what has been decided.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(super) async fn save(&self, moderation: &Moderation) -> Result<(), RequestError> {
        let saved = self.store.save(&self.project, moderation.clone()).await;
        saved.map_err(|error| RequestError::internal("keep what a moderator has decided", &error))
    }

    /// From now on this is what has been decided.
    pub(super) fn adopt(&self, state: &mut State, moderation: Moderation) {
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

    /// The same as far as it is known: as long as nothing has been loaded, nothing is decided.
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
    pub(crate) async fn moderation(&self) -> Result<Moderation, RequestError> {
        self.load().await?;
        Ok(self.state().moderation().cloned().unwrap_or_default())
    }

    /// How many seconds slow mode has.
    ///
    /// # Errors
    /// What has been decided cannot be read.
    pub(crate) async fn slow_seconds(&self) -> Result<u32, RequestError> {
        self.load().await?;
        Ok(self
            .state()
            .moderation()
            .map_or(0, Moderation::slow_seconds))
    }

    pub(crate) fn is_streamer(&self, user: &UserName) -> bool {
        *user == self.project.streamer
    }

    /// Notes that a connection is there, or that it is there in another way. Unless it is banned,
    /// `subscribe` has it receive what is said; otherwise its session is called.
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

    /// Whether the connection has to leave the room itself: nobody has put it out.
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

    pub(super) async fn remove(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.store.remove(&self.project).await?;
        self.adopt(&mut self.state(), Moderation::default());
        Ok(())
    }
}

impl Drop for Moderated {
    fn drop(&mut self) {
        let Some(found) = self.found.upgrade() else {
            return;
        };
        let mut found = lock(&found);
        // Another may have taken its place.
        let is_gone = |own: &Weak<Self>| own.strong_count() == 0;
        if found.get(&self.project).is_some_and(is_gone) {
            found.remove(&self.project);
        }
    }
}
