//! The results of writing or removing a file, and the reasons for not doing it, as sentences that
//! say what to do.

use std::io;

use rustix::io::Errno;

use crate::names::shown;

/// Why a file is not written or not removed; the caller says which of the two.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A symbolic link is at this place or on the way to it.
    Link(String),
    /// Something is there that is neither a file nor a folder.
    Special(String),
    /// A file is there that this mirror did not write.
    NotOurs(String),
    /// The file that this mirror wrote has been edited.
    Edited(String),
    /// A folder is there that contains things that this mirror did not write.
    FolderOfOthers(String),
    /// The file system takes the name for this other one.
    Twin(String),
    /// The file system takes the name for another one in this folder (`""` is the top folder); it
    /// is not known which.
    TwinIn(String),
    /// The system's error, and what to do about it.
    System(String),
}

/// The result of removing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// There was no file that we may remove.
    NotOurs,
    /// It was edited here, so it stays, and belongs to the user from now on.
    Edited,
}

impl Refusal {
    /// The occupied place; once it is free, another file may be written.
    pub fn taken_place(&self) -> Option<&str> {
        match self {
            Self::Link(at)
            | Self::Special(at)
            | Self::NotOurs(at)
            | Self::Edited(at)
            | Self::FolderOfOthers(at)
            | Self::Twin(at) => Some(at),
            Self::TwinIn(_) | Self::System(_) => None,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(at) => write!(
                f,
                "{} is a link here, and links are not followed; remove it",
                shown(at)
            ),
            Self::Special(at) => write!(
                f,
                "{} is neither a file nor a folder here; remove it",
                shown(at)
            ),
            Self::NotOurs(at) => {
                write!(
                    f,
                    "{} is here already and was not written by this mirror; move it away, or use \
                     --force",
                    shown(at)
                )
            }
            Self::Edited(at) => {
                write!(
                    f,
                    "{} was edited here, and the edited file stays; move it away to get the \
                     project's, or use --force",
                    shown(at)
                )
            }
            Self::FolderOfOthers(at) => {
                write!(
                    f,
                    "the folder {} in its place holds files that this mirror did not write; move \
                     them away, or use --delete",
                    shown(at)
                )
            }
            Self::Twin(other) => write!(
                f,
                "this file system takes the name for the same as {}, which is not overwritten; one \
                 of the two needs another name",
                shown(other)
            ),
            Self::TwinIn(folder) => write!(
                f,
                "this file system takes the name for the same as another one in {}, which is not \
                 overwritten; one of the two needs another name",
                if folder.is_empty() {
                    "/".to_owned()
                } else {
                    shown(folder)
                }
            ),
            Self::System(why) => f.write_str(why),
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
        let advice = match error.kind() {
            io::ErrorKind::PermissionDenied => "allow this mirror to write in its folder",
            io::ErrorKind::ReadOnlyFilesystem => "make its folder writable",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room",
            io::ErrorKind::InvalidFilename => "the file needs another name in the project",
            _ => "mend that",
        };
        Self::System(format!("{error}; {advice}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_and_not_what_was_tried() {
        let denied = Refusal::from(Errno::ACCESS).to_string();
        assert!(denied.starts_with("Permission denied") && denied.contains("allow this mirror"));
        for refusal in [
            Refusal::from(Errno::NOSPC),
            Refusal::from(Errno::IO),
            Refusal::Link("/a".into()),
            Refusal::Special("/a".into()),
            Refusal::NotOurs("/a".into()),
            Refusal::Edited("/a".into()),
            Refusal::FolderOfOthers("/a".into()),
            Refusal::Twin("/a".into()),
            Refusal::TwinIn(String::new()),
        ] {
            let said = refusal.to_string();
            assert!(
                !said.contains("not written:") && said.contains(';'),
                "{said}"
            );
        }
        assert!(
            Refusal::TwinIn(String::new())
                .to_string()
                .contains("another one in /, ")
        );
    }
}
