//! Keeps what a connection is registered for in step with its session.
//!
//! The session alone decides what that is. So each change of a session is followed by one
//! comparison, and the end of a connection is a comparison with nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::application::connection_id::ConnectionId;
use crate::application::connection_kind::ConnectionKind;
use crate::application::counts::Counts;
use crate::application::ports::{StoreError, Topic};
use crate::application::service::Application;
use crate::application::session::attendance::{attend, attended, is_moderated, leave_room};
use crate::application::session::state::{Registrations, Session};
use crate::domain::{Contents, ProjectId, PublicAccess, PullRequestId, Timestamp};

/// What `session` is entitled to at `now`.
fn due(session: &Session, public: PublicAccess, now: Timestamp) -> Registrations {
    let valid = session.rights().valid_identity(now).ok();
    let mut topics = Vec::new();
    if let Some(project) = session.rights().role_project() {
        if valid.is_some() || public.read {
            topics.push(Topic::Updates(project.clone()));
        }
        if let Some(identity) = valid {
            topics.push(Topic::Outcomes(project.clone(), identity.user.clone()));
            if session.roles.streamer.is_some() && session.notices.live() == Some(project) {
                topics.push(Topic::Proposals(project.clone()));
            }
        }
    }
    let mut contents = BTreeMap::new();
    for (project, watch) in &session.watches {
        if session
            .rights()
            .may_read(project, public.read, now)
            .is_err()
        {
            continue;
        }
        if session.rights().role_project() != Some(project) {
            topics.push(Topic::Updates(project.clone()));
        }
        if watch.presence {
            topics.push(Topic::Presence(project.clone()));
        }
        if *watch.contents != Contents::All {
            contents.insert(project.clone(), Arc::clone(&watch.contents));
        }
    }
    let heard = session.listening.clone();
    let heard = heard.filter(|room| session.rights().may_listen(room, public, now).is_ok());
    topics.extend(heard.map(Topic::Room));
    let user = valid.map(|identity| identity.user.clone());
    let room = session.roles.room.clone().zip(user);
    topics.extend(room.iter().map(|(room, _)| Topic::Room(room.clone())));
    // A streamer counts as present as long as the connection lives, even with an expired token.
    let streamed = session.rights().role_project();
    let own = streamed.filter(|_| valid.is_some() && session.roles.streamer.is_some());
    let applies = session.roles.streamer.is_some_and(|how| how.applies);
    if own.is_some() && (applies || session.awaits_notices) {
        topics.push(Topic::Own(session.connection));
    }
    let is_present = session.roles.streamer.is_some_and(|how| how.present);
    let receives = |of: fn(&Topic) -> bool| topics.iter().any(of);
    let kind = if own.is_some() {
        Some(ConnectionKind::Streamer)
    } else if session.roles.viewer && receives(|topic| matches!(topic, Topic::Updates(_))) {
        Some(ConnectionKind::Viewer)
    } else if receives(|topic| matches!(topic, Topic::Updates(_))) {
        Some(ConnectionKind::Watcher)
    } else if receives(|topic| matches!(topic, Topic::Room(_))) {
        Some(ConnectionKind::Chatter)
    } else {
        None
    };
    Registrations {
        kind,
        guest: valid.is_some_and(|identity| identity.user.guest().is_some()),
        topics,
        contents,
        applies: own.filter(|_| applies).cloned(),
        asks: own.filter(|_| session.awaits_notices).cloned(),
        presence: streamed.filter(|_| is_present).cloned(),
        room,
        attended: Vec::new(),
    }
}

/// Registers the connection for what its session is entitled to now, and for nothing else. If it is
/// no longer told of pull requests, new ones wait for it from now on.
pub(crate) fn reattach(app: &Application, session: &mut Session, now: Timestamp) {
    let mut entitled = due(session, app.policy.public, now);
    entitled.attended = attended(app, session, now);
    let told = session.notices.live();
    let is_told =
        |project: &ProjectId| entitled.topics.contains(&Topic::Proposals(project.clone()));
    let told = told.filter(|project| !is_told(project));
    if let Some(project) = told.cloned() {
        leave_pull_requests(app, session, &project);
    }
    replace(app, session, &entitled, now);
    session.attached = entitled;
}

/// Stops telling the connection of a project's pull requests, and remembers up to which it was
/// told.
fn leave_pull_requests(app: &Application, session: &mut Session, project: &ProjectId) {
    let (me, subscriptions) = (session.connection, Arc::clone(&app.ports.subscriptions));
    let topic = Topic::Proposals(project.clone());
    session.attached.topics.retain(|own| *own != topic);
    let leave = Box::new(move || subscriptions.unsubscribe(me, &topic));
    let told = app.ports.pull_requests.leave(project, leave);
    session.notices.pause(told);
}

/// Registers the streamer's connection for the pull requests of a project. Returns those that are
/// already open and that it was not told of.
///
/// # Errors
/// The errors of the store; the connection is then not told of later ones either.
pub(crate) async fn enter_pull_requests(
    app: &Application,
    session: &mut Session,
    project: ProjectId,
) -> Result<Vec<PullRequestId>, StoreError> {
    let (me, subscriptions) = (session.connection, Arc::clone(&app.ports.subscriptions));
    let topic = Topic::Proposals(project.clone());
    // Noted before it is registered, so that it is removed if the connection ends in between.
    session.attached.topics.push(topic.clone());
    let told = session.notices.resume(project.clone());
    let enter = Box::new(move || subscriptions.subscribe(me, topic));
    let store = &app.ports.pull_requests;
    let waiting = store.open_since(&project, told, enter).await;
    if waiting.is_err() {
        session.attached.topics.pop();
        session.notices.pause(told);
    }
    waiting
}

/// Registers the connection of `session` for `new` instead of what it is registered for.
pub(crate) fn replace(app: &Application, session: &Session, new: &Registrations, date: Timestamp) {
    let (me, old) = (session.connection, &session.attached);
    count(&app.counts, old, new);
    let ports = &app.ports;
    let now = app.uptime();
    let ended = old
        .topics
        .iter()
        .filter(|topic| !new.topics.contains(topic));
    for topic in ended {
        ports.subscriptions.unsubscribe(me, topic);
    }
    // Entering a room can fail, so `authenticate` has already done it.
    if let Some((room, user)) = &old.room
        && old.room != new.room
    {
        leave_room(app, session, room, user);
    }
    let begun = new
        .topics
        .iter()
        .filter(|topic| !old.topics.contains(topic));
    for topic in begun {
        if !is_moderated(topic, new) {
            ports.subscriptions.subscribe(me, topic.clone());
        }
    }
    attend(app, session, new, date);
    narrow(app, me, old, new);
    change_apply_questions(app, me, old, new);
    tell_of_viewers(app, old, new);
    if old.presence != new.presence {
        if let Some(project) = &old.presence
            && ports.presence.depart(project, me)
        {
            app.abandoned.streamer_left(project, now);
        }
        if let Some(project) = &new.presence {
            ports.presence.arrive(project, me);
            app.abandoned.streamer_came(project);
        }
    }
}

/// Counts the connection as what it is now, and no longer as what it was.
fn count(counts: &Counts, old: &Registrations, new: &Registrations) {
    if old.kind != new.kind {
        if let Some(kind) = old.kind {
            counts.connections.of(kind).take(1);
        }
        if let Some(kind) = new.kind {
            counts.connections.of(kind).one();
        }
    }
    match (old.guest, new.guest) {
        (false, true) => counts.guests.one(),
        (true, false) => counts.guests.take(1),
        _ => {}
    }
}

/// Sets which changed files come with their contents, where that has changed.
fn narrow(app: &Application, me: ConnectionId, old: &Registrations, new: &Registrations) {
    let subscriptions = &app.ports.subscriptions;
    for topic in &new.topics {
        let Topic::Updates(project) = topic else {
            continue;
        };
        // A new subscription brings all contents at first.
        let before = old
            .contents
            .get(project)
            .filter(|_| old.topics.contains(topic));
        let wanted = new.contents.get(project);
        if before != wanted {
            subscriptions.narrow(me, project, wanted.cloned().unwrap_or_default());
        }
    }
}

/// Tells the other side if this connection no longer asks a question, or no longer answers one.
fn change_apply_questions(
    app: &Application,
    me: ConnectionId,
    old: &Registrations,
    new: &Registrations,
) {
    let relay = &app.apply_relay;
    if old.asks != new.asks
        && let Some(project) = &old.asks
    {
        relay.asker_left(project, me);
    }
    if old.applies == new.applies {
        return;
    }
    if let Some(project) = &old.applies {
        relay.applier_left(project, me);
    }
    if let Some(project) = &new.applies {
        relay.applier_came(project, me);
    }
}

/// Notes the projects whose number of viewers may differ.
fn tell_of_viewers(app: &Application, old: &Registrations, new: &Registrations) {
    let ended = old
        .topics
        .iter()
        .filter(|topic| !new.topics.contains(topic));
    let begun = new
        .topics
        .iter()
        .filter(|topic| !old.topics.contains(topic));
    let (counts, presence) = (&app.viewer_counts, &app.ports.presence);
    for topic in ended.clone() {
        if let Topic::Presence(project) = topic {
            counts.no_longer_asked(project);
        }
    }
    for topic in begun.clone() {
        if let Topic::Presence(project) = topic {
            counts.asked(project);
        }
    }
    for topic in ended.chain(begun) {
        if let Topic::Updates(project) = topic {
            counts.changed(project);
            presence.viewers_changed(project);
        }
    }
    if old.presence != new.presence {
        for project in old.presence.iter().chain(&new.presence) {
            counts.changed(project);
            presence.viewers_changed(project);
        }
    }
}

#[cfg(test)]
mod tests;
