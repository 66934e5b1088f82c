//! What a connection is registered for.

use crate::application::ports::Topic;
use crate::application::service::Application;
use crate::domain::{ProjectId, RoomName, UserName};

/// What a connection is registered for: topics, presence, a room.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    pub(crate) topics: Vec<Topic>,
    pub(crate) presence: Option<ProjectId>,
    pub(crate) room: Option<(RoomName, UserName)>,
}

impl Registrations {
    /// Notes the room and the name under which the connection has entered it; it leaves the one
    /// that it was in.
    pub(crate) fn enter(&mut self, app: &Application, member: (RoomName, UserName)) {
        if let Some((room, user)) = self.room.replace(member) {
            app.ports.rooms.leave(&room, &user, app.uptime());
        }
    }

    /// Whether pull requests of `project` are told as they come.
    pub(crate) fn are_told_of(&self, project: &ProjectId) -> bool {
        let is_it = |topic: &Topic| matches!(topic, Topic::Proposals(of) if of == project);
        self.topics.iter().any(is_it)
    }
}
