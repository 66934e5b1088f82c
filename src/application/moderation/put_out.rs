//! What happens to connections when a moderator decides about somebody: those who are banned lose
//! the room at once, and the news of the ban is the last that they get from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::application::connection_id::ConnectionId;
use crate::application::event::Event;
use crate::application::moderation::moderated::{Moderated, Present, State};
use crate::application::ports::Topic;
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{Moderation, RoomName, Standing, Timestamp, UserName, WriteTarget};

impl Moderated {
    /// Puts out the connections of `user`, who has just been banned, and of others who are banned
    /// now and were not `before`. They and the moderators are told of the ban, with `until` as its
    /// end, in one message for each name.
    pub(super) fn put_out(
        &self,
        app: &Application,
        state: &mut State,
        before: &Moderation,
        (user, until): (&UserName, Option<Timestamp>),
        now: Timestamp,
    ) {
        let mut told = BTreeMap::from([(user.clone(), Vec::new())]);
        let State { loaded, present } = &mut *state;
        let Some((after, _)) = loaded else { return };
        for (connection, present) in present {
            let person = present.person();
            let was_banned = before.standing(person, now).banned.is_some();
            let is_banned = after.standing(person, now).banned.is_some();
            if is_banned && (!was_banned || present.user == *user) {
                let own = told.entry(present.user.clone());
                own.or_default().push(*connection);
                self.lead_out(app, *connection, present);
            }
        }
        for (name, own) in told {
            self.tell(app, state, own, ("ban", &name, until), now);
        }
    }

    fn lead_out(&self, app: &Application, connection: ConnectionId, present: &mut Present) {
        if let Some(room) = &self.room {
            let topic = Topic::Room(room.clone());
            app.ports.subscriptions.unsubscribe(connection, &topic);
            if std::mem::take(&mut present.is_member) {
                app.ports.rooms.leave(room, &present.user, app.uptime());
            }
        }
        present.is_out = true;
        present.summons.call();
    }

    /// Tells the connections of `user` what a moderator has decided about them. Guests who, because
    /// of their address, are now muted with them, or no longer muted, are told as well.
    pub(super) fn tell_of(
        &self,
        app: &Application,
        state: &State,
        before: &Moderation,
        (action, user, until): (&'static str, &UserName, Option<Timestamp>),
        now: Timestamp,
    ) {
        let mut told = BTreeMap::from([(user.clone(), Vec::new())]);
        for (connection, present) in &state.present {
            let person = present.person();
            let muted = self.known_standing(state, person, now).muted;
            let is_new = muted == until && before.standing(person, now).muted != until;
            if present.user == *user || is_new {
                let own = told.entry(present.user.clone());
                own.or_default().push(*connection);
            }
        }
        for (name, own) in told {
            self.tell(app, state, own, (action, &name, until), now);
        }
    }

    /// Tells these connections and the moderators in the room what has been decided.
    fn tell(
        &self,
        app: &Application,
        state: &State,
        mut told: Vec<ConnectionId>,
        (action, user, until): (&'static str, &UserName, Option<Timestamp>),
        now: Timestamp,
    ) {
        let Some(room) = self.room.clone() else {
            return;
        };
        let others = state.present.iter().filter(|(connection, present)| {
            let is_moderators = present.is_member && present.moderates;
            is_moderators
                && self.known_standing(state, present.person(), now) == Standing::default()
                && !told.contains(connection)
        });
        let others: Vec<_> = others.map(|(connection, _)| *connection).collect();
        told.extend(others);
        let event = Event::ChatModerated {
            room,
            action,
            user: user.clone(),
            until,
        };
        app.ports.events.tell(&told, event);
    }
}

/// Ends what a session may no longer have because its bearer has been banned: room, listening and
/// draft. Does nothing unless the session has been called.
pub(crate) fn heed_summons(app: &Application, session: &mut Session, now: Timestamp) {
    let summons = session.summons.as_ref();
    if !summons.is_some_and(|summons| summons.heed()) {
        return;
    }
    let attended = session.attached.attended.iter();
    let out: Vec<_> = attended
        .map(|attended| Arc::clone(&attended.moderated))
        .filter(|moderated| moderated.take_out(session.connection))
        .collect();
    for moderated in out {
        let is_its = |room: &RoomName| moderated.room.as_ref() == Some(room);
        session.roles.room.take_if(|room| is_its(room));
        session.listening.take_if(|room| is_its(room));
        if session.rights().role_project() == Some(&moderated.project) {
            session.drop_draft();
        }
    }
    reattach(app, session, now);
}

impl Session {
    /// Discards the draft and what was being uploaded into it.
    pub(crate) fn drop_draft(&mut self) {
        self.draft = None;
        let is_others = |target: &WriteTarget| !matches!(target, WriteTarget::Draft(_));
        self.uploads.retain(is_others);
    }
}
