//! The state of a connection: a plain value without a socket in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use crate::application::auth::holder::holder_of;
use crate::application::command::Watch;
use crate::application::connection_id::ConnectionId;
use crate::application::connection_kind::ConnectionKind;
use crate::application::files::change_outlives_connection::Asker;
use crate::application::files::uploads::Uploads;
use crate::application::memory::{Account, Holder, Reservation};
use crate::application::moderation::moderated::Moderated;
use crate::application::ports::Topic;
use crate::application::pull_requests::cursor::PullRequestCursor;
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::session::summons::Summons;
use crate::domain::ClientAddress;
use crate::domain::{
    Contents, Identity, ProjectId, Rights, Roles, RoomName, UserName, WriteTarget,
};

/// About how many bytes of memory a watch takes besides the project's name, here and where events
/// are handed out.
const WATCH_BYTES: usize = 768;

/// One connection's identity, roles, uploads, draft and watches.
pub struct Session {
    pub(crate) connection: ConnectionId,
    /// When the latest request was made.
    pub(crate) asked: Instant,
    /// Where the client is.
    pub(crate) address: ClientAddress,
    /// Counts what the connection makes the server hold in memory.
    pub(crate) account: Arc<Account>,
    pub(crate) identity: Option<Identity>,
    pub(crate) roles: Roles,
    pub(crate) watches: BTreeMap<ProjectId, Watch>,
    /// Reserved for the watches.
    watches_held: Reservation,
    /// In a box, because most connections have none.
    pub(crate) draft: Option<Box<OpenDraft>>,
    pub(crate) uploads: Uploads,
    /// How many of the uploads have been counted.
    pub(crate) counted_uploads: usize,
    pub(crate) notices: PullRequestCursor,
    pub(crate) failed_authentications: u32,
    /// The room that it listens to without being a member of any.
    pub(crate) listening: Option<RoomName>,
    /// Whether a ban may concern its address.
    pub(crate) is_address_bannable: bool,
    /// Whether it has asked for something whose answer comes as a notice.
    pub(crate) awaits_notices: bool,
    /// Whether what needs its expired token has been withdrawn.
    pub(crate) told_expired: bool,
    /// How it is called when others have changed what it may do; made when that is first possible.
    pub(crate) summons: Option<Arc<Summons>>,
    /// What the connection is registered for.
    pub(crate) attached: Registrations,
}

impl Session {
    /// Creates the session of a new connection from `address`, whose memory is reserved on
    /// `account`. No ban concerns that address.
    pub fn new(connection: ConnectionId, address: ClientAddress, account: Arc<Account>) -> Self {
        Self {
            connection,
            asked: Instant::now(),
            address,
            uploads: Uploads::new(Arc::clone(&account)),
            counted_uploads: 0,
            watches_held: account.reserve(0),
            account,
            identity: None,
            roles: Roles::default(),
            watches: BTreeMap::new(),
            draft: None,
            notices: PullRequestCursor::default(),
            failed_authentications: 0,
            listening: None,
            is_address_bannable: false,
            awaits_notices: false,
            told_expired: false,
            summons: None,
            attached: Registrations::default(),
        }
    }

    /// The same, but a ban of a guest may concern the address.
    #[must_use]
    pub fn with_ban_address(self) -> Self {
        Self {
            is_address_bannable: true,
            ..self
        }
    }

    /// Who makes its latest request.
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            connection: Some(self.connection),
            at: self.asked,
        }
    }

    /// Its address, if a ban may concern it.
    pub(crate) fn ban_address(&self) -> Option<ClientAddress> {
        self.is_address_bannable.then_some(self.address)
    }

    /// Whether it has shown a valid token, even if that has expired since.
    pub fn is_authenticated(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether it is a streamer's, with a token that has not been found expired.
    pub fn is_streaming(&self) -> bool {
        self.roles.streamer.is_some() && self.identity.is_some() && !self.told_expired
    }

    /// Whether it views, watches or chats and does not count as the streamer's presence.
    pub fn only_receives(&self) -> bool {
        self.attached.presence.is_none() && self.attached.received() > 0
    }

    pub(crate) fn rights(&self) -> Rights<'_> {
        Rights {
            identity: self.identity.as_ref(),
            roles: &self.roles,
            draft: self.draft.as_ref().map(|draft| draft.id),
            listening: self.listening.as_ref(),
        }
    }

    /// The project that it streams, also with an expired token.
    pub(crate) fn streamed(&self) -> Option<&ProjectId> {
        let project = self.rights().role_project();
        project.filter(|_| self.roles.streamer.is_some())
    }

    /// Adopts `identity` and `roles`, and drops the uploads and the draft that these do not allow.
    pub(crate) fn become_bearer(&mut self, identity: Identity, roles: Roles, public_read: bool) {
        let old = self.identity.as_ref();
        let same_project = self.rights().role_project().is_some()
            && old.is_some_and(|old| old.project == identity.project);
        let same_user = old.is_some_and(|old| old.user == identity.user);
        let may_propose = |project| identity.may_propose(project);
        let keeps_draft = same_user
            && same_project
            && (roles.streamer.is_some() || roles.viewer)
            && identity.project.as_ref().is_some_and(may_propose);
        let both = self.roles.streamer.and(roles.streamer);
        let keeps_project = both.is_some() && same_project;
        if !keeps_draft {
            self.draft = None;
        }
        self.uploads.retain(|target| match target {
            WriteTarget::Draft(_) => keeps_draft,
            WriteTarget::Project(_) => keeps_project,
        });
        let streams = roles.streamer.is_some();
        let holder = holder_of(Some(&identity), streams, public_read);
        self.account.set_holder(holder);
        self.identity = Some(identity);
        if roles.room.is_some() {
            self.listening = None;
        }
        self.roles = roles;
        self.told_expired = false;
        self.failed_authentications = 0;
    }

    /// Drops identity, roles, uploads and draft, as if the connection had ended. It keeps its
    /// watches if reading is public, and remembers which pull requests it has been told of.
    pub(crate) fn fail_closed(&mut self, public_read: bool) {
        self.identity = None;
        self.roles = Roles::default();
        self.draft = None;
        self.uploads = Uploads::new(Arc::clone(&self.account));
        self.account.set_holder(Holder::Unauthenticated);
        self.told_expired = false;
        if !public_read {
            self.listening = None;
            self.watches.clear();
            self.count_watches();
        }
    }

    /// Reserves memory for the watches. Must be called after each change of them.
    pub(crate) fn count_watches(&mut self) {
        let names = self.watches.iter();
        let bytes = names.map(|(project, watch)| {
            WATCH_BYTES + project.to_string().len() + watch.contents.bytes()
        });
        self.watches_held.set(bytes.sum());
    }
}

/// What a connection is registered for: topics, presence, a room.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    /// What operators count it as; `None`: nothing yet.
    pub(crate) kind: Option<ConnectionKind>,
    /// Whether it is a guest's.
    pub(crate) guest: bool,
    pub(crate) topics: Vec<Topic>,
    /// Which changed files come with their contents, where that is not all.
    pub(crate) contents: BTreeMap<ProjectId, Arc<Contents>>,
    pub(crate) presence: Option<ProjectId>,
    pub(crate) room: Option<(RoomName, UserName)>,
    /// The project whose pull requests it applies.
    pub(crate) applies: Option<ProjectId>,
    /// The projects in which moderators may decide about its bearer.
    pub(crate) attended: Vec<Attended>,
    /// The project in which it has asked another connection to apply a pull request, if it still
    /// may.
    pub(crate) asks: Option<ProjectId>,
}

/// A project in which moderators may decide about the bearer of a connection, for as long as it is
/// there.
pub(crate) struct Attended {
    pub(crate) moderated: Arc<Moderated>,
    pub(crate) part: Part,
}

impl fmt::Debug for Attended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.part, self.moderated.project)
    }
}

/// How a connection is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) user: UserName,
    /// In the room.
    pub(crate) is_member: bool,
    /// In the room, or listening to it.
    pub(crate) hears: bool,
    /// With a moderator's token.
    pub(crate) moderates: bool,
}

impl Registrations {
    /// The moderation of the project whose room it is in.
    pub(crate) fn moderated_room(&self) -> Option<&Arc<Moderated>> {
        let attended = self.attended.iter();
        let mut rooms = attended.filter(|attended| attended.part.is_member);
        rooms.next().map(|attended| &attended.moderated)
    }

    /// How many projects and rooms it receives events from.
    pub(crate) fn received(&self) -> usize {
        let topics = self.topics.iter();
        let received = topics.filter(|topic| matches!(topic, Topic::Updates(_) | Topic::Room(_)));
        received.count()
    }
}
