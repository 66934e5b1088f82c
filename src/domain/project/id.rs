//! The identifier of a project.

use std::fmt;

use crate::domain::names::{ProjectName, UserName};

/// A project, identified by its streamer and its own name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId {
    /// The streamer who owns it; only they may write to it.
    pub streamer: UserName,
    /// Its name among the streamer's projects.
    pub name: ProjectName,
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
