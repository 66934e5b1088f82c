//! Where a connection is, as its project's moderators see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::application::moderation::moderated::Present;
use crate::application::ports::Topic;
use crate::application::service::Application;
use crate::application::session::state::{Attended, Part, Registrations, Session};
use crate::domain::{Identity, ProjectId, RoomName, Timestamp, UserName};

/// The projects in which moderators may decide about `bearer`, the valid bearer of `session`, and
/// how the session is there.
fn parts(session: &Session, bearer: &Identity, public_read: bool, now: Timestamp) -> Parts {
    let mut parts = Parts::new();
    let mut part = |project: ProjectId| {
        let moderates = bearer.may_moderate(&project, public_read, now);
        parts.entry(project).or_insert_with(|| Part {
            user: bearer.user.clone(),
            is_member: false,
            hears: false,
            moderates,
        });
    };
    let member = session.roles.room.as_ref().and_then(ProjectId::of_room);
    let listener = session.listening.as_ref().and_then(ProjectId::of_room);
    let role = session.rights().role_project().cloned();
    let all = [member.clone(), listener.clone(), role];
    all.into_iter().flatten().for_each(&mut part);
    for (project, part) in &mut parts {
        part.is_member = member.as_ref() == Some(project);
        part.hears = part.is_member || listener.as_ref() == Some(project);
    }
    parts
}

type Parts = BTreeMap<ProjectId, Part>;

/// The same with the moderation of each project; empty without a valid token.
pub(super) fn attended(app: &Application, session: &mut Session, now: Timestamp) -> Vec<Attended> {
    let public_read = app.policy.public.read;
    let bearer = session.rights().valid_identity(now);
    let parts = bearer.map(|bearer| parts(session, bearer, public_read, now));
    let parts = parts.unwrap_or_default();
    if !parts.is_empty() {
        session.summons.get_or_insert_default();
    }
    let before = &session.attached.attended;
    let parts = parts.into_iter().map(|(project, part)| {
        let mut same = before.iter().map(|attended| &attended.moderated);
        let same = same.find(|moderated| moderated.project == project);
        let moderated = same.map_or_else(|| app.moderations.of(&project), Arc::clone);
        Attended { moderated, part }
    });
    parts.collect()
}

/// Leaves a room, unless a moderator has put the connection out of it.
pub(crate) fn leave_room(app: &Application, session: &Session, room: &RoomName, user: &UserName) {
    let moderated = session.attached.moderated_room();
    if moderated.is_none_or(|moderated| moderated.stand_up(session.connection)) {
        app.ports.rooms.leave(room, user, app.uptime());
    }
}

/// Whether the topic is the room of a project whose moderators may decide about the bearer.
pub(super) fn is_moderated(topic: &Topic, registrations: &Registrations) -> bool {
    let Topic::Room(room) = topic else {
        return false;
    };
    let heard = registrations.attended.iter();
    let mut heard = heard.filter(|attended| attended.part.hears);
    heard.any(|attended| attended.moderated.room() == Some(room))
}

/// Tells the moderation of each project where the connection is now, and subscribes it there to the
/// project's room.
pub(super) fn attend(app: &Application, session: &Session, new: &Registrations, now: Timestamp) {
    let (me, old) = (session.connection, &session.attached);
    for left in &old.attended {
        let of_it = |other: &&Attended| other.moderated.project == left.moderated.project;
        if !new.attended.iter().any(|other| of_it(&other)) {
            left.moderated.depart(me);
        }
    }
    for Attended { moderated, part } in &new.attended {
        let of_it = |other: &&Attended| other.moderated.project == moderated.project;
        let before = old.attended.iter().find(of_it);
        if before.is_some_and(|before| before.part == *part) {
            continue;
        }
        let Some(summons) = &session.summons else {
            continue;
        };
        let present = Present {
            user: part.user.clone(),
            address: session.ban_address(),
            is_member: part.is_member,
            moderates: part.moderates,
            is_out: false,
            summons: Arc::clone(summons),
        };
        let topic = moderated.room().filter(|_| part.hears);
        let topic = topic.map(|room| Topic::Room(room.clone()));
        let topic = topic.filter(|topic| !old.topics.contains(topic));
        let subscribe = || {
            if let Some(topic) = topic {
                app.ports.subscriptions.subscribe(me, topic);
            }
        };
        moderated.attend(me, present, subscribe, now);
    }
}
