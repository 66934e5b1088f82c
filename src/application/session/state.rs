//! What a connection is entitled to: a plain value without a socket in it.

use std::collections::BTreeSet;

use crate::application::command::{Section, Sections};
use crate::application::connection_id::ConnectionId;
use crate::application::files::uploads::{Uploads, WriteTarget};
use crate::application::pull_requests::cursor::PullRequestCursor;
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::request_error::AuthError;
use crate::application::session::registrations::Registrations;
use crate::domain::{Identity, ProjectId, RoomName, Timestamp, UserName};

/// The roles of a connection; all follow from one token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Roles {
    /// A streamer connection of the token's project.
    pub streamer: bool,
    /// A viewer of the token's project.
    pub viewer: bool,
    /// A member of this room.
    pub room: Option<RoomName>,
}

/// One connection's identity, roles, uploads, draft and watches.
pub struct Session {
    pub(crate) connection: ConnectionId,
    pub(crate) identity: Option<Identity>,
    pub(crate) roles: Roles,
    pub(crate) watches: BTreeSet<ProjectId>,
    /// In a box, as most connections have none.
    pub(crate) draft: Option<Box<OpenDraft>>,
    pub(crate) uploads: Uploads,
    pub(crate) notices: PullRequestCursor,
    pub(crate) failed_authentications: u32,
    /// Whether the connection has been told that its token has expired.
    pub(crate) told_expired: bool,
    /// What the connection is entered for.
    pub(crate) attached: Registrations,
}

impl Session {
    /// That of a connection which has just come.
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            identity: None,
            roles: Roles::default(),
            watches: BTreeSet::new(),
            draft: None,
            uploads: Uploads::default(),
            notices: PullRequestCursor::default(),
            failed_authentications: 0,
            told_expired: false,
            attached: Registrations::default(),
        }
    }

    /// Whose it is.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Whether it has shown a good token, expired or not.
    pub fn is_authenticated(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether it streams its project.
    pub fn is_streamer(&self) -> bool {
        self.roles.streamer
    }

    /// The bearer of a token that counts at `now`.
    pub(crate) fn valid_identity(&self, now: Timestamp) -> Result<&Identity, AuthError> {
        let identity = self.identity.as_ref().ok_or(AuthError::NoToken)?;
        if identity.is_expired(now) {
            return Err(AuthError::Identity(crate::domain::IdentityError::Expired));
        }
        Ok(identity)
    }

    /// The project that the roles concern, if there is a role in one.
    pub(crate) fn role_project(&self) -> Option<&ProjectId> {
        let has_role = self.roles.streamer || self.roles.viewer;
        self.identity
            .as_ref()
            .filter(|_| has_role)?
            .project
            .as_ref()
    }

    /// Where `post` and `delete` go: into the open draft, else into the streamer's own project.
    pub(crate) fn may_write(&self, now: Timestamp) -> Result<WriteTarget, AuthError> {
        let identity = self.valid_identity(now)?;
        if let Some(draft) = &self.draft {
            return Ok(WriteTarget::Draft(draft.id));
        }
        match &identity.project {
            Some(project) if self.roles.streamer => Ok(WriteTarget::Project(project.clone())),
            _ if self.roles.viewer => Err(AuthError::Role(
                "only the streamer may do this; a viewer needs an open draft",
            )),
            _ => Err(AuthError::Role("authenticate with file first")),
        }
    }

    /// Whether anything may be read at all, before it is known what.
    pub(crate) fn may_read_something(
        &self,
        public_read: bool,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        if public_read {
            Ok(())
        } else {
            self.valid_identity(now).map(|_| ())
        }
    }

    /// Whether `project` may be read.
    pub(crate) fn may_read(
        &self,
        project: &ProjectId,
        public_read: bool,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        if public_read || self.valid_identity(now)?.names(project) {
            return Ok(());
        }
        Err(AuthError::Claims("reading this project"))
    }

    /// The project in which the connection may open and see pull requests, and as whom.
    pub(crate) fn may_propose(&self, now: Timestamp) -> Result<(&ProjectId, &UserName), AuthError> {
        let identity = self.valid_identity(now)?;
        match self.role_project() {
            Some(project) => Ok((project, &identity.user)),
            None => Err(AuthError::Role("authenticate with pullrequest first")),
        }
    }

    /// The project whose pull requests the connection may end.
    pub(crate) fn may_review(&self, now: Timestamp) -> Result<&ProjectId, AuthError> {
        let (project, _) = self.may_propose(now)?;
        if self.roles.streamer {
            Ok(project)
        } else {
            Err(AuthError::Role("only the streamer may do this"))
        }
    }

    /// Whether the connection is a streamer's of `project`, with a token that counts.
    pub(crate) fn reviews(&self, project: &ProjectId, now: Timestamp) -> bool {
        self.may_review(now).is_ok_and(|own| own == project)
    }

    /// The room in which the connection is, and as whom.
    pub(crate) fn may_chat(&self, now: Timestamp) -> Result<(&RoomName, &Identity), AuthError> {
        let identity = self.valid_identity(now)?;
        match &self.roles.room {
            Some(room) => Ok((room, identity)),
            None => Err(AuthError::Role("authenticate with chat first")),
        }
    }

    /// What remains of the roles under a new token: those that it still allows.
    pub(crate) fn roles_under(&self, new: &Identity, now: Timestamp) -> Roles {
        let Some(old) = &self.identity else {
            return Roles::default();
        };
        let same_user = old.user == new.user;
        let same_project = same_user && old.project.is_some() && old.project == new.project;
        Roles {
            streamer: self.roles.streamer && same_project,
            viewer: self.roles.viewer && same_project,
            room: self
                .roles
                .room
                .clone()
                .filter(|room| same_user && new.may_enter(room, now)),
        }
    }

    /// Takes on `identity` with `roles`; uploads and a draft that these do not allow end.
    pub(crate) fn become_bearer(&mut self, identity: Identity, roles: Roles) {
        let same_project = self.role_project().is_some()
            && self
                .identity
                .as_ref()
                .is_some_and(|old| old.project == identity.project);
        let same_author = self
            .identity
            .as_ref()
            .is_some_and(|old| old.user == identity.user)
            && same_project
            && (roles.streamer || roles.viewer);
        if !same_author {
            self.draft = None;
            self.uploads
                .retain(|target| !matches!(target, WriteTarget::Draft(_)));
        }
        if !(self.roles.streamer && roles.streamer && same_project) {
            self.uploads
                .retain(|target| !matches!(target, WriteTarget::Project(_)));
        }
        self.identity = Some(identity);
        self.roles = roles;
        self.told_expired = false;
        self.failed_authentications = 0;
    }

    /// Ends identity, roles, uploads and draft, as if the connection had ended; its watches stay
    /// where reading is public, and what it has been told stays told.
    pub(crate) fn fail_closed(&mut self, public_read: bool) {
        self.identity = None;
        self.roles = Roles::default();
        self.draft = None;
        self.uploads = Uploads::default();
        self.told_expired = false;
        if !public_read {
            self.watches.clear();
        }
    }
}

impl Identity {
    /// Checks the claims against what `sections` ask for, and says which roles these give on top
    /// of `roles`.
    pub(crate) fn grant(
        &self,
        sections: &Sections,
        mut roles: Roles,
        now: Timestamp,
    ) -> Result<Roles, AuthError> {
        if let Some(file) = &sections.file {
            let project = ProjectId {
                streamer: file.username.clone(),
                name: file.project.clone(),
            };
            if self.user != file.username || !self.streams(&project) {
                return Err(AuthError::Claims("to be the streamer of this project"));
            }
            roles.streamer = true;
        }
        if let Some(chat) = &sections.chat {
            if self.user != chat.username || self.room.as_ref() != Some(&chat.room) {
                return Err(AuthError::Claims("to be this user in this room"));
            }
            if !self.may_enter(&chat.room, now) {
                return Err(AuthError::Claims(
                    "the chat for now: you are banned from the room",
                ));
            }
            roles.room = Some(chat.room.clone());
        }
        if let Some(viewer) = &sections.pull_request {
            if self.user != viewer.username || !self.names(&viewer.project) {
                return Err(AuthError::Claims("to be this viewer of this project"));
            }
            roles.viewer = true;
        }
        Ok(roles)
    }
}

impl From<Section> for Sections {
    fn from(section: Section) -> Self {
        let mut sections = Self::default();
        match section {
            Section::File(file) => sections.file = Some(file),
            Section::Chat(chat) => sections.chat = Some(chat),
            Section::PullRequest(viewer) => sections.pull_request = Some(viewer),
        }
        sections
    }
}
