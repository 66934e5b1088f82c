//! Who may do what: every right of a connection is decided here (protocol, section 3).
//!
//! A token gives an [`Identity`]; the sections that a client asks for give [`Roles`] if the token
//! allows them; both together are the [`Rights`] of a connection. A token's claim `rights` limits
//! what its other claims give: the methods of [`Identity`] here.

use super::auth_error::AuthError;
use super::identity::{Identity, IdentityError, TokenRights};
use super::moderation::Standing;
use super::names::{RoomName, UserName};
use super::project::ProjectId;
use super::pull_request::PullRequestId;
use super::roles::Roles;
use super::time::Timestamp;

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
        self.may_use_chat(public_read) && self.may_enter(room, now)
    }

    /// Whether they moderate `project` now, as far as their token decides that: its streamer, and
    /// those with the role of a moderator who may chat and are neither muted nor banned.
    pub fn may_moderate(&self, project: &ProjectId, public_read: bool, now: Timestamp) -> bool {
        let is_limited = self.muted(now).is_some() || self.ban(now).is_some();
        let has_role = self.is_moderator && self.names(project) && !is_limited;
        self.may_stream(project) || (has_role && self.may_use_chat(public_read))
    }

    /// Whether the token has the words for the chat.
    fn may_use_chat(&self, public_read: bool) -> bool {
        self.allows(|rights| rights.chat && (rights.read || public_read))
    }

    fn allows(&self, right: impl FnOnce(TokenRights) -> bool) -> bool {
        self.rights.is_none_or(right)
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
    /// The room that it listens to.
    pub listening: Option<&'a RoomName>,
}

/// What needs no token here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAccess {
    /// `publicRead`: reading.
    pub read: bool,
    /// `publicChat`: listening to a project's room, for those who may read the project.
    pub chat: bool,
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
        let has_role = self.roles.streamer.is_some() || self.roles.viewer;
        self.identity.filter(|_| has_role)?.project.as_ref()
    }

    /// Who may post and delete files, and where: everybody in their own open draft; without a
    /// draft, streamers in their own project.
    ///
    /// # Errors
    /// The connection has no valid token, or has neither a role nor a draft that allows writing.
    pub fn may_write(&self, now: Timestamp) -> Result<WriteTarget, AuthError> {
        let identity = self.valid_identity(now)?;
        if let Some(draft) = self.draft {
            return Ok(WriteTarget::Draft(draft));
        }
        match &identity.project {
            Some(project) if self.roles.streamer.is_some() => {
                Ok(WriteTarget::Project(project.clone()))
            }
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
        if self.roles.streamer.is_some() {
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

    /// Who may moderate, as far as their token decides that: see [`Identity::may_moderate`].
    /// Returns the project and the moderator.
    ///
    /// # Errors
    /// The connection has no valid token, or none that makes its bearer a moderator.
    pub fn may_moderate(
        &self,
        public_read: bool,
        now: Timestamp,
    ) -> Result<(&'a ProjectId, &'a Identity), AuthError> {
        let identity = self.valid_identity(now)?;
        match &identity.project {
            Some(project) if identity.may_moderate(project, public_read, now) => {
                Ok((project, identity))
            }
            _ => Err(AuthError::Claims("moderating")),
        }
    }

    /// Who may listen at all, before it is known to which room.
    ///
    /// # Errors
    /// Listening is not public, or the connection may read nothing.
    pub fn may_listen_somewhere(
        &self,
        public: PublicAccess,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        if !public.chat {
            return Err(AuthError::Role(
                "only members hear the chat here; authenticate with chat",
            ));
        }
        self.may_read_something(public.read, now)
    }

    /// Who may listen to `room` without being a member: everyone who may read the project whose
    /// room it is, where listening is public.
    ///
    /// # Errors
    /// Listening is not public, it is no project's room, the connection may not read that, or its
    /// token bans it from the room.
    pub fn may_listen(
        &self,
        room: &RoomName,
        public: PublicAccess,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        self.may_listen_somewhere(public, now)?;
        let project = ProjectId::of_room(room).ok_or(AuthError::Role(
            "only the room of a project, <streamer>/<project>, can be listened to",
        ))?;
        self.may_read(&project, public.read, now)?;
        let bearer = self.valid_identity(now).ok();
        match bearer.and_then(|bearer| bearer.banned(room, now)) {
            Some(until) => Err(AuthError::Banned { until }),
            None => Ok(()),
        }
    }

    /// Who may ask for the history and the members: members of a room, and listeners. Returns the
    /// room.
    ///
    /// # Errors
    /// The errors of [`Rights::may_chat`].
    pub fn may_hear(
        &self,
        public: PublicAccess,
        now: Timestamp,
    ) -> Result<&'a RoomName, AuthError> {
        let heard = self.listening;
        let heard = heard.filter(|room| self.may_listen(room, public, now).is_ok());
        match heard {
            Some(room) => Ok(room),
            None => self.may_chat(now).map(|(room, _)| room),
        }
    }

    /// What the connection may do in `project`, whether or not it has taken the roles for it.
    /// `here` and `in_room` say how its bearer stands there and in the token's room.
    pub fn abilities(
        &self,
        project: &ProjectId,
        public: PublicAccess,
        [here, in_room]: [Standing; 2],
        now: Timestamp,
    ) -> Abilities {
        let valid = self.valid_identity(now).ok();
        let may = |right: fn(&Identity, &ProjectId) -> bool| {
            valid.is_some_and(|identity| right(identity, project))
        };
        let may_chat = |identity: &Identity| {
            let room = identity.room.as_ref();
            room.is_some_and(|room| identity.may_chat(room, public.read, now))
        };
        let room = project.room();
        Abilities {
            user: valid.map(|identity| identity.user.clone()),
            read: self.may_read(project, public.read, now).is_ok(),
            listen: here.banned.is_none()
                && room.is_some_and(|room| self.may_listen(&room, public, now).is_ok()),
            chat: in_room.banned.is_none() && valid.is_some_and(may_chat),
            propose: here.banned.is_none() && may(Identity::may_propose),
            stream: may(Identity::may_stream),
            moderate: here == Standing::default()
                && valid.is_some_and(|bearer| bearer.may_moderate(project, public.read, now)),
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
    /// To listen to the project's room.
    pub listen: bool,
    /// To be in the room that the token names.
    pub chat: bool,
    /// To open pull requests.
    pub propose: bool,
    /// To be the streamer.
    pub stream: bool,
    /// To moderate.
    pub moderate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::test_bearers::{EXPIRY, NOW, bearer, roles};

    #[test]
    fn files_are_deleted_by_the_streamer_in_the_project_and_by_others_in_their_draft() {
        let (ana, bob) = (bearer("ana"), bearer("bob"));
        let (streamer, viewer) = (roles(true, false), roles(false, true));
        let draft = PullRequestId::from_u128(7);
        let rights = |identity, roles, draft| Rights {
            identity,
            roles,
            draft,
            listening: None,
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
    fn the_streamer_moderates_and_who_has_the_role_for_the_project_and_may_chat_there() {
        let moderates = |user: &str, change: &dyn Fn(&mut Identity), public_read| {
            let mut identity = bearer(user);
            change(&mut identity);
            let roles = Roles::default();
            let rights = Rights {
                identity: Some(&identity),
                roles: &roles,
                draft: None,
                listening: None,
            };
            rights.may_moderate(public_read, NOW).is_ok()
        };
        let limited = |read, chat| {
            move |identity: &mut Identity| {
                identity.rights = Some(TokenRights {
                    read,
                    chat,
                    propose: true,
                });
            }
        };
        assert!(moderates("ana", &|_| {}, false));
        assert!(!moderates("ana", &limited(true, true), true), "no streamer");
        assert!(!moderates("bob", &|_| {}, true));
        let moderator = |change: &dyn Fn(&mut Identity), public_read| {
            let change = |identity: &mut Identity| {
                identity.is_moderator = true;
                change(identity);
            };
            moderates("bob", &change, public_read)
        };
        assert!(moderator(&|_| {}, false));
        assert!(moderator(&limited(true, true), false));
        assert!(moderator(&limited(false, true), true));
        assert!(!moderator(&limited(false, true), false));
        assert!(!moderator(&limited(true, false), true));
        assert!(!moderator(&|identity| identity.project = None, true));
        assert!(!moderator(
            &|identity| identity.muted_until = Some(EXPIRY),
            true
        ));
        assert!(!moderator(
            &|identity| identity.banned_until = Some(EXPIRY),
            true
        ));
        assert!(moderator(
            &|identity| identity.banned_until = Some(NOW),
            true
        ));
        assert!(!moderator(&|identity| identity.expires_at = NOW, true));
        let mut elsewhere = bearer("bob");
        elsewhere.is_moderator = true;
        let mut project = elsewhere.project.clone().expect("a project");
        assert!(elsewhere.may_moderate(&project, true, NOW));
        project.streamer = UserName::parse("dan").expect("a name");
        assert!(!elsewhere.may_moderate(&project, true, NOW));
    }
}
