//! What credentials are for, and so who may have them and what a token must allow.

use crate::credentials::claims::Right;

/// As what somebody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// As the owner of a project.
    Streamer,
    /// As somebody who looks at a project.
    Viewer,
}

/// What the credentials are for. It decides whose name stands where `--user` and `--streamer` are
/// absent, and what a token may do that is made from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To send the own folder.
    Share,
    /// To look at the pull requests of the own project.
    Review,
    /// To read a project.
    Read,
    /// To send a pull request.
    Propose,
    /// To be in a room.
    Chat,
    /// To ask how things stand.
    Status,
    /// To show others where a project is.
    Link,
    /// To make a token for somebody.
    Token,
    /// To find out what would keep somebody from sharing. Says nothing and keeps nothing by itself.
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

    /// The least that a token must allow; `None` is all. A streamer's token has no such list.
    pub(super) fn rights(self, is_streamer: bool) -> Option<&'static [Right]> {
        match self {
            Self::Share | Self::Review | Self::Link | Self::Token | Self::Doctor => None,
            Self::Status if is_streamer => None,
            Self::Read | Self::Status => Some(&[Right::Read]),
            Self::Propose => Some(&[Right::Read, Right::Propose]),
            Self::Chat => Some(&[Right::Read, Right::Chat]),
        }
    }

    /// Whether the token says that its bearer moderates: a streamer chats with less than all that a
    /// streamer may, and that is what else they need.
    pub(super) fn moderates(self, is_streamer: bool) -> bool {
        self == Self::Chat && is_streamer
    }

    /// Whether a streamer does it with their own project, and so with the token that their
    /// `share --local` keeps for them.
    pub(super) fn is_of_a_streamer(self) -> bool {
        matches!(
            self,
            Self::Review | Self::Chat | Self::Status | Self::Link | Self::Doctor
        )
    }

    /// What nobody can do for somebody else.
    pub(super) fn only_the_streamer(self) -> &'static str {
        match self {
            Self::Review => "can look at a project's pull requests",
            _ => "can share a project",
        }
    }
}
