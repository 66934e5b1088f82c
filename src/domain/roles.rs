//! The roles of a connection: what a client asks for, and what a token allows of it (protocol,
//! section 3).

use super::auth_error::AuthError;
use super::identity::Identity;
use super::names::{RoomName, UserName};
use super::project::ProjectId;
use super::time::Timestamp;

/// The roles that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sections {
    /// Section `file`.
    pub file: Option<FileSection>,
    /// Section `chat`.
    pub chat: Option<ChatSection>,
    /// Section `pullrequest`.
    pub pull_request: Option<PullRequestSection>,
}

/// Section `file`: makes the connection a streamer connection of this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSection {
    /// The project.
    pub project: ProjectId,
    /// How the connection streams it.
    pub streaming: Streaming,
}

/// How a connection streams a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streaming {
    /// Whether it makes the streamer present.
    pub present: bool,
    /// Whether it can put pull requests into the streamer's folder.
    pub applies: bool,
}

impl Default for Streaming {
    fn default() -> Self {
        Self {
            present: true,
            applies: false,
        }
    }
}

/// Section `chat`: makes the connection a member of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSection {
    /// The member.
    pub username: UserName,
    /// The room.
    pub room: RoomName,
}

/// Section `pullrequest`: makes the connection a viewer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestSection {
    /// The viewer.
    pub username: UserName,
    /// The streamer and the project.
    pub project: ProjectId,
}

/// The roles of a connection; all follow from one token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    /// It streams the token's project in this way.
    pub streamer: Option<Streaming>,
    /// It views the token's project.
    pub viewer: bool,
    /// It is a member of this room.
    pub room: Option<RoomName>,
}

impl Roles {
    /// Adds the roles that `sections` ask for to these roles.
    ///
    /// # Errors
    /// The token of `identity` does not allow one of the sections at the time `now`.
    pub fn grant(
        mut self,
        sections: &Sections,
        identity: &Identity,
        public_read: bool,
        now: Timestamp,
    ) -> Result<Self, AuthError> {
        if let Some(file) = &sections.file {
            if !identity.may_stream(&file.project) {
                return Err(AuthError::Claims("to be the streamer of this project"));
            }
            self.streamer = Some(file.streaming);
        }
        if let Some(chat) = &sections.chat {
            if identity.user != chat.username || identity.room.as_ref() != Some(&chat.room) {
                return Err(AuthError::Claims("to be this user in this room"));
            }
            if let Some(until) = identity.banned(&chat.room, now) {
                return Err(AuthError::Banned { until });
            }
            if !identity.may_chat(&chat.room, public_read, now) {
                return Err(AuthError::Claims("the chat"));
            }
            self.room = Some(chat.room.clone());
        }
        if let Some(viewer) = &sections.pull_request {
            if identity.user != viewer.username || !identity.may_view(&viewer.project) {
                return Err(AuthError::Claims("to be this viewer of this project"));
            }
            self.viewer = true;
        }
        Ok(self)
    }

    /// The roles that remain when the token of `new` replaces that of `old`.
    #[must_use]
    pub fn under(
        &self,
        old: Option<&Identity>,
        new: &Identity,
        public_read: bool,
        now: Timestamp,
    ) -> Self {
        let Some(old) = old else {
            return Self::default();
        };
        let same_user = old.user == new.user;
        let project = new.project.as_ref();
        let same = project.filter(|_| same_user && old.project == new.project);
        let room = self.room.clone();
        Self {
            streamer: self
                .streamer
                .filter(|_| same.is_some_and(|project| new.may_stream(project))),
            viewer: self.viewer && same.is_some_and(|project| new.may_view(project)),
            room: room.filter(|room| same_user && new.may_chat(room, public_read, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::test_bearers::{NOW, bearer, roles};
    use crate::domain::{ProjectName, TokenRights};

    #[test]
    fn a_new_token_of_the_same_user_for_the_same_project_keeps_the_roles() {
        let (ana, bob) = (bearer("ana"), bearer("bob"));
        let elsewhere = Identity {
            project: None,
            ..ana.clone()
        };
        let all = Roles {
            room: ana.room.clone(),
            ..roles(true, true)
        };
        let under = |old, new| all.under(old, new, true, NOW);
        assert_eq!(under(Some(&ana), &ana), all);
        assert_eq!(under(Some(&ana), &bob), Roles::default());
        assert_eq!(under(None, &ana), Roles::default());
        let room_alone = Roles {
            room: ana.room.clone(),
            ..Roles::default()
        };
        assert_eq!(under(Some(&ana), &elsewhere), room_alone);
    }

    #[test]
    fn a_new_token_keeps_only_the_roles_that_its_rights_allow() {
        let ana = bearer("ana");
        let room = ana.room.clone();
        let all = Roles {
            room: room.clone(),
            ..roles(true, true)
        };
        for (read, chat, public_read, expected) in [
            (
                true,
                true,
                false,
                Roles {
                    room: room.clone(),
                    ..roles(false, true)
                },
            ),
            (true, false, true, roles(false, true)),
            (
                false,
                true,
                true,
                Roles {
                    room,
                    ..roles(false, false)
                },
            ),
            (false, true, false, Roles::default()),
            (false, false, true, Roles::default()),
        ] {
            let rights = Some(TokenRights {
                read,
                chat,
                propose: true,
            });
            let limited = Identity {
                rights,
                ..ana.clone()
            };
            let kept = all.under(Some(&ana), &limited, public_read, NOW);
            assert_eq!(kept, expected, "{rights:?} {public_read}");
        }
    }

    #[test]
    fn only_the_streamers_own_token_makes_a_streamer() {
        let (ana, bob) = (bearer("ana"), bearer("bob"));
        let as_streamer = |user: &Identity| Sections {
            file: Some(FileSection {
                project: ProjectId {
                    streamer: user.user.clone(),
                    name: ProjectName::parse("demo").expect("valid"),
                },
                streaming: Streaming::default(),
            }),
            ..Sections::default()
        };
        let grant = |identity: &Identity, sections| {
            let granted = Roles::default().grant(&sections, identity, true, NOW);
            granted.is_ok_and(|roles| roles.streamer.is_some())
        };
        assert!(grant(&ana, as_streamer(&ana)));
        assert!(!grant(&bob, as_streamer(&ana)));
        assert!(!grant(&bob, as_streamer(&bob)));
    }
}
