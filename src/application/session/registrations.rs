//! What a connection is registered for.

use crate::application::ports::Topic;
use crate::domain::{ProjectId, RoomName, UserName};

/// What a connection is registered for: topics, presence, a room.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    pub(crate) topics: Vec<Topic>,
    pub(crate) presence: Option<ProjectId>,
    pub(crate) room: Option<(RoomName, UserName)>,
}

impl Registrations {
    /// Whether the connection is counted in `room`.
    pub(crate) fn is_in(&self, room: &RoomName) -> bool {
        self.room.as_ref().is_some_and(|(own, _)| own == room)
    }

    /// Whether pull requests of `project` are told as they come.
    pub(crate) fn are_told_of(&self, project: &ProjectId) -> bool {
        let is_it = |topic: &Topic| matches!(topic, Topic::Proposals(of) if of == project);
        self.topics.iter().any(is_it)
    }
}
