//! The identifier of a project.

use std::fmt;

use crate::domain::names::{ProjectName, RoomName, UserName};

/// A project, identified by its streamer and its own name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId {
    /// The streamer who owns it; only they may write to it.
    pub streamer: UserName,
    /// Its name among the streamer's projects.
    pub name: ProjectName,
}

impl ProjectId {
    /// The project whose room this is, `<streamer>/<project>`; `None` if it can be no project's.
    pub fn of_room(room: &RoomName) -> Option<Self> {
        let (streamer, name) = room.as_str().split_once('/')?;
        Some(Self {
            streamer: UserName::parse(streamer).ok()?,
            name: ProjectName::parse(name).ok()?,
        })
    }

    /// The project's room; `None` where its name would be too long for one.
    pub fn room(&self) -> Option<RoomName> {
        RoomName::parse(&self.to_string()).ok()
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.streamer, self.name)
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.streamer, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_of_streamer_and_project_is_that_projects() {
        for (room, project) in [
            ("ana/demo", Some(("ana", "demo"))),
            ("ana/c/d", Some(("ana", "c/d"))),
            ("lounge", None),
            ("/demo", None),
            ("ana/", None),
            (".ana/demo", None),
        ] {
            let room = RoomName::parse(room).expect("a room");
            let found = ProjectId::of_room(&room);
            let found = found.as_ref();
            let found = found.map(|found| (found.streamer.as_str(), found.name.as_str()));
            assert_eq!(found, project, "{room}");
        }
    }
}
