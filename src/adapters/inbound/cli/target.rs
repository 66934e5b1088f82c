//! The target of an operator's command.

use std::path::{Path, PathBuf};

use crate::domain::{ProjectId, ProjectName, UserName};

/// What an operator's command is about: a project, or a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `<user>`
    User(UserName),
    /// `<user>/<project>`
    Project(ProjectId),
}

impl Target {
    /// Splits at the first `/`: a project's name may contain `/`, a user's name does not.
    ///
    /// # Errors
    /// Which name is not valid, and why.
    pub(super) fn parse(named: &str) -> Result<Self, String> {
        let (user, project) = match named.split_once('/') {
            Some((user, project)) => (user, Some(project)),
            None => (named, None),
        };
        let streamer = UserName::parse(user).map_err(|error| format!("the user {error}"))?;
        let Some(project) = project else {
            return Ok(Self::User(streamer));
        };
        let name = ProjectName::parse(project).map_err(|error| format!("the project {error}"))?;
        Ok(Self::Project(ProjectId { streamer, name }))
    }
}

/// The direction of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// From a folder into the engine.
    Import(PathBuf),
    /// From the engine into a folder.
    Export(PathBuf),
}

impl Direction {
    /// The folder.
    ///
    /// # Errors
    /// The projects are to be copied from it, and it is not a folder.
    pub fn folder(&self) -> Result<&Path, String> {
        match self {
            Self::Import(folder) if !folder.is_dir() => {
                Err(format!("{} is no folder", folder.display()))
            }
            Self::Import(folder) | Self::Export(folder) => Ok(folder),
        }
    }
}
