//! Who may do what: every right of a connection is decided here (protocol, section 3).
//!
//! A token gives an [`Identity`]; the sections that a client asks for give [`Roles`] if the token
//! allows them; both together are the [`Rights`] of a connection. A token's claim `rights` limits
//! what its other claims give: the methods of [`Identity`] here.

use super::identity::{Identity, IdentityError, TokenRights};
use super::names::{RoomName, UserName};
use super::project::ProjectId;
use super::pull_request::PullRequestId;
use super::time::Timestamp;

/// Why a connection is not entitled to something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It has shown no token.
    #[error("authenticate first")]
    NoToken,
    /// This server did not issue the token, or the token has been altered.
    #[error("the token is not valid for this server")]
    BadToken,
    /// The token is genuine, but its claims are invalid.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// The token's claims do not allow what a section asks for.
    #[error("the token does not allow {0}")]
    Claims(&'static str),
    /// The connection does not have the role that this needs.
    #[error("{0}")]
    Role(&'static str),
}

/// What a token entitles its bearer to: what its claims give, as far as its `rights` allow.
impl Identity {
    /// Whether they may be the streamer of `project`; nobody with a limited token may.
    pub fn may_stream(&self, project: &ProjectId) -> bool {
        self.rights.is_none() && self.streams(project)
    }

    /// Whether they may read `project` and be its viewer.
    pub fn may_view(&self, project: &ProjectId) -> bool {
        self.allows(|rights| rights.read) && self.names(project)
    }

    /// Whether they may open pull requests in `project`.
    pub fn may_propose(&self, project: &ProjectId) -> bool {
        self.allows(|rights| rights.propose) && self.may_view(project)
    }

    /// Whether they may be a member of `room` now.
    pub fn may_chat(&self, room: &RoomName, public_read: bool, now: Timestamp) -> bool {
        self.allows(|rights| rights.chat && (rights.read || public_read))
            && self.may_enter(room, now)
    }

    fn allows(&self, right: impl FnOnce(TokenRights) -> bool) -> bool {
        self.rights.is_none_or(right)
    }
}

/// The roles that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sections {
    /// Section `file`: makes the connection the streamer's of this project.
    pub file: Option<ProjectId>,
    /// Section `chat`.
    pub chat: Option<ChatSection>,
    /// Section `pullrequest`.
    pub pull_request: Option<PullRequestSection>,
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
    /// It streams the token's project.
    pub streamer: bool,
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
        if let Some(project) = &sections.file {
            if !identity.may_stream(project) {
                return Err(AuthError::Claims("to be the streamer of this project"));
            }
            self.streamer = true;
        }
        if let Some(chat) = &sections.chat {
            if identity.user != chat.username || identity.room.as_ref() != Some(&chat.room) {
                return Err(AuthError::Claims("to be this user in this room"));
            }
            if !identity.may_enter(&chat.room, now) {
                return Err(AuthError::Claims(
                    "the chat for now: you are banned from the room",
                ));
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

    /// The roles that remain when the token of `old` is replaced by that of `new`.
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
            streamer: self.streamer && same.is_some_and(|project| new.may_stream(project)),
            viewer: self.viewer && same.is_some_and(|project| new.may_view(project)),
            room: room.filter(|room| same_user && new.may_chat(room, public_read, now)),
        }
    }
}

/// Where a write goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WriteTarget {
    /// Into the streamer's project.
    Project(ProjectId),
    /// Into an open draft.
    Draft(PullRequestId),
}

/// What the rights of a connection depend on: who it is and which roles it has.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    /// The bearer of the token that the connection has shown, expired or not.
    pub identity: Option<&'a Identity>,
    /// The roles that it has taken.
    pub roles: &'a Roles,
    /// The draft that it has open.
    pub draft: Option<PullRequestId>,
}

impl<'a> Rights<'a> {
    /// The bearer of a token that is valid at `now`.
    ///
    /// # Errors
    /// The connection has shown no token, or the token has expired.
    pub fn valid_identity(&self, now: Timestamp) -> Result<&'a Identity, AuthError> {
        let identity = self.identity.ok_or(AuthError::NoToken)?;
        if identity.is_expired(now) {
            return Err(AuthError::Identity(IdentityError::Expired));
        }
        Ok(identity)
    }

    /// The project that the connection streams or views.
    pub fn role_project(&self) -> Option<&'a ProjectId> {
        let has_role = self.roles.streamer || self.roles.viewer;
        self.identity.filter(|_| has_role)?.project.as_ref()
    }

    /// Who may post and delete files, and where: everybody in their own open draft, and without one
    /// streamers in their own project.
    ///
    /// # Errors
    /// The connection has no valid token, or has neither a role nor a draft that allows writing.
    pub fn may_write(&self, now: Timestamp) -> Result<WriteTarget, AuthError> {
        let identity = self.valid_identity(now)?;
        if let Some(draft) = self.draft {
            return Ok(WriteTarget::Draft(draft));
        }
        match &identity.project {
            Some(project) if self.roles.streamer => Ok(WriteTarget::Project(project.clone())),
            _ if self.roles.viewer => Err(AuthError::Role(
                "only the streamer may do this; a viewer needs an open draft",
            )),
            _ => Err(AuthError::Role("authenticate with file first")),
        }
    }

    /// Who may read at all, before it is known what they ask for.
    ///
    /// # Errors
    /// Reading is not public, and the connection has no valid token that allows it anywhere.
    pub fn may_read_something(&self, public_read: bool, now: Timestamp) -> Result<(), AuthError> {
        if public_read {
            return Ok(());
        }
        let identity = self.valid_identity(now)?;
        match &identity.project {
            Some(project) if identity.may_view(project) => Ok(()),
            _ => Err(AuthError::Claims("reading")),
        }
    }

    /// Who may read `project`: everybody if reading is public, otherwise those whose token names
    /// it and allows that.
    ///
    /// # Errors
    /// Reading is not public, and the connection has no valid token or a token for another project.
    pub fn may_read(
        &self,
        project: &ProjectId,
        public_read: bool,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        if public_read || self.valid_identity(now)?.may_view(project) {
            return Ok(());
        }
        Err(AuthError::Claims("reading this project"))
    }

    /// Who may open pull requests: streamers and viewers whose token allows it. Returns the project
    /// and the author.
    ///
    /// # Errors
    /// As [`Rights::may_see_proposals`], or the token does not allow it.
    pub fn may_propose(&self, now: Timestamp) -> Result<(&'a ProjectId, &'a UserName), AuthError> {
        let (project, author) = self.may_see_proposals(now)?;
        if self.valid_identity(now)?.may_propose(project) {
            Ok((project, author))
        } else {
            Err(AuthError::Claims("opening pull requests"))
        }
    }

    /// Who may see their own pull requests, and end them: streamers and viewers. Returns the
    /// project and the author.
    ///
    /// # Errors
    /// The connection has no valid token or no role in a project.
    pub fn may_see_proposals(
        &self,
        now: Timestamp,
    ) -> Result<(&'a ProjectId, &'a UserName), AuthError> {
        let identity = self.valid_identity(now)?;
        match self.role_project() {
            Some(project) => Ok((project, &identity.user)),
            None => Err(AuthError::Role("authenticate with pullrequest first")),
        }
    }

    /// Who may merge or close pull requests, and see all: the streamer. Returns the project.
    ///
    /// # Errors
    /// The connection has no valid token or is not a streamer's.
    pub fn may_review(&self, now: Timestamp) -> Result<&'a ProjectId, AuthError> {
        let (project, _) = self.may_see_proposals(now)?;
        if self.roles.streamer {
            Ok(project)
        } else {
            Err(AuthError::Role("only the streamer may do this"))
        }
    }

    /// Who may chat: members of a room. Returns the room and the member.
    ///
    /// # Errors
    /// The connection has no valid token or is in no room.
    pub fn may_chat(&self, now: Timestamp) -> Result<(&'a RoomName, &'a Identity), AuthError> {
        let identity = self.valid_identity(now)?;
        match &self.roles.room {
            Some(room) => Ok((room, identity)),
            None => Err(AuthError::Role("authenticate with chat first")),
        }
    }

    /// What the connection may do in `project`, whether or not it has taken the roles for it.
    pub fn abilities(&self, project: &ProjectId, public_read: bool, now: Timestamp) -> Abilities {
        let valid = self.valid_identity(now).ok();
        let may = |right: fn(&Identity, &ProjectId) -> bool| {
            valid.is_some_and(|identity| right(identity, project))
        };
        let may_chat = |identity: &Identity| {
            let room = identity.room.as_ref();
            room.is_some_and(|room| identity.may_chat(room, public_read, now))
        };
        Abilities {
            user: valid.map(|identity| identity.user.clone()),
            read: self.may_read(project, public_read, now).is_ok(),
            chat: valid.is_some_and(may_chat),
            propose: may(Identity::may_propose),
            stream: may(Identity::may_stream),
        }
    }
}

/// What a connection may do in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of its own"
)]
pub struct Abilities {
    /// Whose valid token it holds, if it holds one.
    pub user: Option<UserName>,
    /// To read the project.
    pub read: bool,
    /// To be in the room that the token names.
    pub chat: bool,
    /// To open pull requests.
    pub propose: bool,
    /// To be the streamer.
    pub stream: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ProjectName;
    use crate::domain::identity::Claims;

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const EXPIRY: Timestamp = Timestamp::from_secs(2_000);

    fn bearer(user: &str) -> Identity {
        let claims = Claims {
            username: Some(user.into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            expires_at: EXPIRY,
            ..Claims::default()
        };
        Identity::from_claims(&claims, NOW).expect("valid")
    }

    fn roles(streamer: bool, viewer: bool) -> Roles {
        Roles {
            streamer,
            viewer,
            room: None,
        }
    }

    #[test]
    fn files_are_deleted_by_the_streamer_in_the_project_and_by_others_in_their_draft() {
        let (ana, bob) = (bearer("ana"), bearer("bob"));
        let (streamer, viewer) = (roles(true, false), roles(false, true));
        let draft = PullRequestId::from_u128(7);
        let rights = |identity, roles, draft| Rights {
            identity,
            roles,
            draft,
        };
        let own = ana.project.clone().expect("a project");
        let may = |rights: Rights<'_>| rights.may_write(NOW);
        assert_eq!(
            may(rights(Some(&ana), &streamer, None)),
            Ok(WriteTarget::Project(own))
        );
        assert_eq!(
            may(rights(Some(&bob), &viewer, Some(draft))),
            Ok(WriteTarget::Draft(draft))
        );
        let none = Roles::default();
        for (identity, roles) in [(&ana, &none), (&bob, &viewer)] {
            assert!(matches!(
                may(rights(Some(identity), roles, None)),
                Err(AuthError::Role(_))
            ));
        }
        assert_eq!(may(rights(None, &streamer, None)), Err(AuthError::NoToken));
        let expired = rights(Some(&ana), &streamer, Some(draft)).may_write(EXPIRY);
        assert_eq!(expired, Err(AuthError::Identity(IdentityError::Expired)));
    }

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
            file: Some(ProjectId {
                streamer: user.user.clone(),
                name: ProjectName::parse("demo").expect("valid"),
            }),
            ..Sections::default()
        };
        let grant = |identity: &Identity, sections| {
            let granted = Roles::default().grant(&sections, identity, true, NOW);
            granted.is_ok_and(|roles| roles.streamer)
        };
        assert!(grant(&ana, as_streamer(&ana)));
        assert!(!grant(&bob, as_streamer(&ana)));
        assert!(!grant(&bob, as_streamer(&bob)));
    }
}
