//! The reasons for which a file is not written or not removed, as sentences that say what to do.

use std::io;

use rustix::io::Errno;

use crate::names::shown;

/// Why a file is not written, or not removed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A link lies at this place or on the way to it.
    Link(String),
    /// Something that is neither file nor folder lies there.
    Special(String),
    /// A file lies there that this mirror did not write.
    NotOurs(String),
    /// A folder lies there with things that this mirror did not write.
    FolderOfOthers(String),
    /// This file system takes the name for this other one.
    Twin(String),
    /// The system's own reason.
    System(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(at) => write!(
                f,
                "not written: {} is a link here, and links are not followed; remove it",
                shown(at)
            ),
            Self::Special(at) => write!(
                f,
                "not written: {} is neither a file nor a folder here; remove it",
                shown(at)
            ),
            Self::NotOurs(at) => {
                write!(
                    f,
                    "not written: {} is here already and was not written by this mirror; move it away, or use --force",
                    shown(at)
                )
            }
            Self::FolderOfOthers(at) => {
                write!(
                    f,
                    "not written: the folder {} in its place holds files that this mirror did not write; move them away, or use --delete",
                    shown(at)
                )
            }
            Self::Twin(other) => write!(
                f,
                "not written: this file system takes the name for the same as {}, which is not overwritten",
                shown(other)
            ),
            Self::System(why) => write!(f, "not written: {why}"),
        }
    }
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::System(error.to_string())
    }
}
