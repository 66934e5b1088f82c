//! What credentials are for. That decides who may have them, and what a token must allow.

use crate::credentials::claims::Right;

/// The role that a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The owner of a project.
    Streamer,
    /// Somebody who looks at a project.
    Viewer,
}

/// What the credentials are for. It decides which name is used if `--user` or `--streamer` is
/// absent, and what a token made from a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To share the user's own folder.
    Share,
    /// To look at the pull requests of the user's own project.
    Review,
    /// To read a project.
    Read,
    /// To send a pull request.
    Propose,
    /// To be in a room.
    Chat,
    /// To ask for the state of the project.
    Status,
    /// To show others where a project is.
    Link,
    /// To make a token for somebody.
    Token,
    /// To find out what would keep somebody from sharing. Nothing is printed or stored on the way.
    Doctor,
}

impl Purpose {
    pub(super) fn role(self) -> Role {
        match self {
            Self::Share | Self::Review | Self::Doctor => Role::Streamer,
            Self::Read | Self::Propose | Self::Chat | Self::Status | Self::Link | Self::Token => {
                Role::Viewer
            }
        }
    }

    /// The fewest rights that a token needs; `None` means all. A streamer's token lists no rights.
    pub(super) fn rights(self, is_streamer: bool) -> Option<&'static [Right]> {
        match self {
            Self::Share | Self::Review | Self::Link | Self::Token | Self::Doctor => None,
            Self::Status if is_streamer => None,
            Self::Read | Self::Status => Some(&[Right::Read]),
            Self::Propose => Some(&[Right::Read, Right::Propose]),
            Self::Chat => Some(&[Right::Read, Right::Chat]),
        }
    }

    /// Whether the token makes its bearer a moderator. A streamer's token for the chat lists
    /// rights, so it does not make its bearer the streamer; as a moderator they can still moderate.
    pub(super) fn moderates(self, is_streamer: bool) -> bool {
        self == Self::Chat && is_streamer
    }

    /// Whether a streamer does this with their own project, and may use the token that their `share
    /// --local` stores.
    pub(super) fn is_of_a_streamer(self) -> bool {
        matches!(
            self,
            Self::Review | Self::Chat | Self::Status | Self::Link | Self::Doctor
        )
    }

    /// What only the streamer can do, as the end of a sentence.
    pub(super) fn only_the_streamer(self) -> &'static str {
        match self {
            Self::Review => "can look at a project's pull requests",
            _ => "can share a project",
        }
    }
}
