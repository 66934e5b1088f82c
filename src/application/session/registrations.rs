//! What a connection is entered for: topics, presence, a room.
//!
//! Which it should be follows from the session alone, so every change of the session is followed
//! by one comparison, and ending a connection is the comparison with nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::application::connection_id::ConnectionId;
use crate::application::ports::{StoreError, Topic};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, PullRequestId, RoomName, Timestamp, UserName};

/// What a connection is entered for.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    topics: Vec<Topic>,
    presence: Option<ProjectId>,
    room: Option<(RoomName, UserName)>,
}

impl Registrations {
    /// Whether the connection is counted in `room`.
    pub(crate) fn is_in(&self, room: &RoomName) -> bool {
        self.room.as_ref().is_some_and(|(own, _)| own == room)
    }

    /// Whether pull requests of `project` are told as they come.
    fn are_told_of(&self, project: &ProjectId) -> bool {
        let is_it = |topic: &Topic| matches!(topic, Topic::Proposals(of) if of == project);
        self.topics.iter().any(is_it)
    }

    /// What `session` is entitled to at `now`.
    fn due(session: &Session, public_read: bool, now: Timestamp) -> Self {
        let valid = session.valid_identity(now).ok();
        let mut topics = Vec::new();
        if let Some(project) = session.role_project() {
            if valid.is_some() || public_read {
                topics.push(Topic::Updates(project.clone()));
            }
            if let Some(identity) = valid {
                topics.push(Topic::Outcomes(project.clone(), identity.user.clone()));
                if session.roles.streamer && session.notices.live() == Some(project) {
                    topics.push(Topic::Proposals(project.clone()));
                }
            }
        }
        let watched: BTreeSet<_> = session
            .watches
            .iter()
            .filter(|project| public_read || valid.is_some_and(|identity| identity.names(project)))
            .filter(|project| session.role_project() != Some(project))
            .collect();
        topics.extend(watched.into_iter().cloned().map(Topic::Updates));
        let room = session
            .roles
            .room
            .clone()
            .zip(valid.map(|identity| identity.user.clone()));
        topics.extend(room.iter().map(|(room, _)| Topic::Room(room.clone())));
        // A streamer counts as present for as long as his connection lives, token or no token.
        let presence = session
            .role_project()
            .filter(|_| session.roles.streamer)
            .cloned();
        Self {
            topics,
            presence,
            room,
        }
    }
}

/// Enters the connection for what its session is entitled to now, and for nothing else. Should it
/// no longer be told of pull requests, those wait for it that come from now on.
pub(crate) fn reattach(app: &Application, session: &mut Session, now: Timestamp) {
    let due = Registrations::due(session, app.policy.public_read, now);
    let told = session.notices.live();
    if let Some(project) = told.filter(|project| !due.are_told_of(project)).cloned() {
        leave_pull_requests(app, session, &project);
    }
    replace(app, session.connection, &session.attached, &due);
    session.attached = due;
}

/// Ceases to tell the connection of a project's pull requests, and remembers up to which it was
/// told.
fn leave_pull_requests(app: &Application, session: &mut Session, project: &ProjectId) {
    let (me, subscriptions) = (session.connection, Arc::clone(&app.ports.subscriptions));
    let topic = Topic::Proposals(project.clone());
    session.attached.topics.retain(|own| *own != topic);
    let leave = Box::new(move || subscriptions.unsubscribe(me, &topic));
    let told = app.ports.pull_requests.leave(project, leave);
    session.notices.pause(told);
}

/// Enters the streamer's connection for the pull requests of a project. Returns those that are
/// open already and of which it was not told.
///
/// # Errors
/// Those of the store; the connection is then not told of later ones either.
pub(crate) async fn enter_pull_requests(
    app: &Application,
    session: &mut Session,
    project: ProjectId,
) -> Result<Vec<PullRequestId>, StoreError> {
    let (me, subscriptions) = (session.connection, Arc::clone(&app.ports.subscriptions));
    let topic = Topic::Proposals(project.clone());
    // Noted before it is entered, so that it is left should the connection end in between.
    session.attached.topics.push(topic.clone());
    let told = session.notices.resume(project.clone());
    let enter = Box::new(move || subscriptions.subscribe(me, topic));
    let waiting = app
        .ports
        .pull_requests
        .open_since(&project, told, enter)
        .await;
    if waiting.is_err() {
        session.attached.topics.pop();
        session.notices.pause(told);
    }
    waiting
}

/// Ends what the connection has: it is gone. Its uploads and draft go with the session.
pub(crate) fn end(app: &Application, session: &mut Session) {
    let due = Registrations::default();
    replace(app, session.connection, &session.attached, &due);
    session.attached = due;
}

fn replace(app: &Application, me: ConnectionId, old: &Registrations, new: &Registrations) {
    let ports = &app.ports;
    let now = app.uptime();
    for topic in old
        .topics
        .iter()
        .filter(|topic| !new.topics.contains(topic))
    {
        ports.subscriptions.unsubscribe(me, topic);
    }
    if old.room != new.room {
        if let Some((room, user)) = &old.room {
            ports.rooms.leave(room, user, now);
        }
        if let Some((room, user)) = &new.room {
            // That there is room for one more was seen to before (`authenticate`).
            ports.rooms.enter(room, user, now);
        }
    }
    for topic in new
        .topics
        .iter()
        .filter(|topic| !old.topics.contains(topic))
    {
        ports.subscriptions.subscribe(me, topic.clone());
    }
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

#[cfg(test)]
mod tests;
