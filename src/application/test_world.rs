//! A world of mocks in which the use cases are tested: no IO, a fixed clock.
//!
//! Every port answers as if everything succeeded until a test says otherwise: what a test expects
//! of a mock before [`World::build`] wins. Everything that *changes* something is recorded in the
//! [`Journal`], in order, so that a test can ask what happened and that nothing else did.

use crate::application::session::dispatch::execute;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use crate::application::command::{
    Authenticate, AuthenticateSection, Command, CreatePullRequest, DeleteFile, EnterAsGuest,
    FilesQuery, PartOf, PostFile, ReadFiles, Watch, WatchProject,
};
use crate::application::connection_id::ConnectionId;
use crate::application::event::{ApplyNotice, Event};
use crate::application::fair_share::FairShare;
use crate::application::file_content::FileContent;
use crate::application::file_key::FileKey;
use crate::application::files::change_outlives_connection::{Commit, commit};
use crate::application::files::file_stream::{FileStream, NextFile};
use crate::application::limits::{Limits, Policy};
use crate::application::memory::MemoryBudget;
use crate::application::outcome::{CommandOutcome, LongAnswer};
use crate::application::ports::MockChatRooms;
use crate::application::ports::MockClock;
use crate::application::ports::MockEventPublisher;
use crate::application::ports::MockFileSource;
use crate::application::ports::MockGuestStore;
use crate::application::ports::MockGuestTokens;
use crate::application::ports::MockIdGenerator;
use crate::application::ports::MockModerationStore;
use crate::application::ports::MockPresence;
use crate::application::ports::MockProjectStore;
use crate::application::ports::MockPullRequestStore;
use crate::application::ports::MockSubscriptions;
use crate::application::ports::MockTokenVerifier;
use crate::application::ports::MockUploadStore;
use crate::application::ports::PresenceNews;
use crate::application::ports::{
    FilesBelow, OpenFile, ProjectState, StoreError, TokenError, Topic,
};
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::{Application, Ports};
use crate::application::session::state::Session;
use crate::domain::ClientAddress;
use crate::domain::{
    ChatSection, Claims, ContentHash, Contents, FilePath, FileSection, GuestAccess, GuestEntry,
    GuestName, Guests, Moderation, NewMessage, PathQuery, ProjectEntry, ProjectId, ProjectName,
    ProjectQuota, PublicAccess, PullRequest, PullRequestId, PullRequestLimits, PullRequestSection,
    RateLimit, Revision, RoomName, Sections, Streaming, Timestamp, UnknownMessage, Uptime, Usage,
    UserName, Version,
};

/// The time at which every world begins, in seconds.
pub const START: u64 = 1_000;

/// When a token expires that does not say otherwise, in seconds.
pub const EXPIRY: u64 = 2_000;

/// The files of every project, unless a test says otherwise.
pub const FILES: [&str; 4] = ["/a", "/d/b", "/d/e/c", "/z"];

/// The desktop client's parts are 500 characters of base64 each.
pub const DESKTOP_PART_BYTES: usize = 375;

/// What was changed, in order.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub fn note(&self, entry: impl Into<String>) {
        self.0.lock().expect("not poisoned").push(entry.into());
    }

    /// What was recorded since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

/// A world that is still being set up.
pub struct World {
    pub projects: MockProjectStore,
    pub pull_requests: MockPullRequestStore,
    pub uploads: MockUploadStore,
    pub subscriptions: MockSubscriptions,
    pub presence: MockPresence,
    pub events: MockEventPublisher,
    pub rooms: MockChatRooms,
    pub guests: MockGuestStore,
    pub moderation: MockModerationStore,
    pub limits: Limits,
    pub policy: Policy,
    /// The files of every project.
    pub files: Vec<FilePath>,
    /// The pull requests that are open.
    pub open: Vec<PullRequest>,
    journal: Journal,
    time: Arc<AtomicU64>,
}

/// A world with its service.
pub struct Scene {
    pub app: Arc<Application>,
    pub journal: Journal,
    clock: Arc<AtomicU64>,
    uptime: Arc<AtomicU64>,
}

impl World {
    pub fn new() -> Self {
        Self {
            projects: MockProjectStore::new(),
            pull_requests: MockPullRequestStore::new(),
            uploads: MockUploadStore::new(),
            subscriptions: MockSubscriptions::new(),
            presence: MockPresence::new(),
            events: MockEventPublisher::new(),
            rooms: MockChatRooms::new(),
            guests: MockGuestStore::new(),
            moderation: MockModerationStore::new(),
            limits: limits(),
            policy: Policy {
                public: PublicAccess {
                    read: true,
                    chat: false,
                },
                ignores_folder_deletions: false,
                guests: GuestAccess::Chat,
                delete_abandoned_after: None,
            },
            files: FILES.map(path).to_vec(),
            open: Vec::new(),
            journal: Journal::default(),
            time: Arc::new(AtomicU64::new(START * 1_000)),
        }
    }

    /// A world in which reading needs a token.
    pub fn private() -> Self {
        let mut world = Self::new();
        world.policy.public.read = false;
        world
    }

    /// A world whose limits `change` changes.
    pub fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        let mut world = Self::new();
        change(&mut world.limits);
        world
    }

    pub fn build(self) -> Scene {
        self.build_over(|_| {})
    }

    /// Builds it with some ports replaced by others.
    pub fn build_over(mut self, exchange: impl FnOnce(&mut Ports)) -> Scene {
        self.furnish_registry();
        self.furnish_projects();
        self.furnish_drafts();
        self.furnish_pull_requests();
        self.furnish_subscriptions();
        self.furnish_presence();
        self.furnish_events();
        self.furnish_rooms();
        self.furnish_guests();
        self.furnish_moderation();
        let time = self.time;
        let uptime = Arc::new(AtomicU64::new(START * 1_000));
        let mut ports = Ports {
            projects: Arc::new(self.projects),
            pull_requests: Arc::new(self.pull_requests),
            uploads: Arc::new(self.uploads),
            tokens: Arc::new(tokens()),
            subscriptions: Arc::new(self.subscriptions),
            presence: Arc::new(self.presence),
            events: Arc::new(self.events),
            apply_relay: None,
            rooms: Arc::new(self.rooms),
            clock: Arc::new(clock(Arc::clone(&time), Arc::clone(&uptime))),
            ids: Arc::new(ids()),
            guests: Arc::new(self.guests),
            guest_tokens: Some(Arc::new(guest_tokens())),
            moderation: Arc::new(self.moderation),
        };
        exchange(&mut ports);
        Scene {
            app: Arc::new(Application::new(
                ports,
                self.limits,
                self.policy,
                &MemoryBudget::new(256 << 20),
            )),
            journal: self.journal,
            clock: time,
            uptime,
        }
    }

    fn furnish_registry(&mut self) {
        let journal = self.journal.clone();
        let projects = &mut self.projects;
        projects
            .expect_state()
            .returning(|_| Ok(ProjectState::Registered));
        projects.expect_register().returning(move |project| {
            journal.note(format!("register {project}"));
            Ok(())
        });
        projects
            .expect_projects()
            .returning(|| Ok(vec![demo(), other()]));
    }

    fn furnish_projects(&mut self) {
        let projects = &mut self.projects;
        let versions = Arc::new(AtomicU64::new(0));
        let next = move || Version::new(versions.fetch_add(1, Ordering::Relaxed) + 1);
        let (journal, version) = (self.journal.clone(), next.clone());
        projects
            .expect_put_file()
            .returning(move |file, _, content, executable, _, in_turn| {
                let FileKey { project, path } = file;
                let bit = match executable {
                    Some(true) => " executable",
                    Some(false) => " not executable",
                    None => "",
                };
                journal.note(format!("put {project} {path} {}{bit}", describe(&content)));
                let version = version();
                in_turn(ProjectEntry {
                    version,
                    executable: executable == Some(true),
                    ..entry(path)
                });
                Ok(version)
            });
        let (journal, there) = (self.journal.clone(), self.files.clone());
        projects
            .expect_delete_file()
            .returning(move |file, _, wanted, in_turn| {
                let FileKey { project, path } = file;
                if !there.contains(path) || !wanted() {
                    return Err(StoreError::NotFound);
                }
                journal.note(format!("delete {project} {path}"));
                let version = next();
                in_turn(version);
                Ok(version)
            });
        let there = self.files.clone();
        projects.expect_open_file().returning(move |_, path| {
            if there.contains(path) {
                Ok(open_file(path))
            } else {
                Err(StoreError::NotFound)
            }
        });
        let there = self.files.clone();
        projects.expect_open_files().returning(move |_, paths, _| {
            let open = |path: &FilePath| {
                if there.contains(path) {
                    Ok(open_file(path))
                } else {
                    Err(StoreError::NotFound)
                }
            };
            Ok(paths.iter().map(open).collect())
        });
        let there = self.files.clone();
        projects.expect_find_file().returning(move |_, path| {
            if there.contains(path) {
                Ok(entry(path))
            } else {
                Err(StoreError::NotFound)
            }
        });
        let there = self.files.clone();
        projects
            .expect_files_below()
            .returning(move |_, files, most| {
                let names = names_below(&there, files.folder.as_ref(), files.recursively);
                if names.is_empty() && files.folder.is_some() {
                    return Err(StoreError::NotFound);
                }
                Ok(next_of(names, files, most))
            });
        projects.expect_revision().returning(|_| {
            Ok(Revision {
                origin: 1,
                changes: 2,
            })
        });
        projects.expect_note_hash().returning(|_, _, _, _| ());
        let files = self.files.len() as u64;
        projects.expect_usage().returning(move |_| {
            Ok(Usage {
                files,
                bytes: 77,
                folders: 2,
                ..Usage::default()
            })
        });
    }

    fn furnish_drafts(&mut self) {
        let uploads = &mut self.uploads;
        let journal = self.journal.clone();
        uploads
            .expect_put_draft_file()
            .returning(move |_, path, content| {
                journal.note(format!("draft put {path} {}", describe(&content)));
                Ok(())
            });
        let journal = self.journal.clone();
        uploads
            .expect_remove_draft_file()
            .returning(move |_, path| {
                journal.note(format!("draft remove {path}"));
                Ok(())
            });
        let journal = self.journal.clone();
        uploads
            .expect_discard_draft()
            .returning(move |_| journal.note("draft discard"));
        let journal = self.journal.clone();
        uploads.expect_append().returning(move |id, bytes| {
            journal.note(format!("stage {} +{}", id.0, bytes.len()));
            Ok(())
        });
        let journal = self.journal.clone();
        uploads
            .expect_discard()
            .returning(move |id| journal.note(format!("unstage {}", id.0)));
    }

    fn furnish_pull_requests(&mut self) {
        let pull_requests = &mut self.pull_requests;
        let open = self.open.clone();
        pull_requests
            .expect_open()
            .returning(move |project, owner| {
                let matching = open.iter().filter(|request| {
                    request.project == *project
                        && owner.as_ref().is_none_or(|owner| request.owner == *owner)
                });
                Ok(matching.map(|request| request.id).collect())
            });
        let (open, time) = (self.open.clone(), Arc::clone(&self.time));
        pull_requests
            .expect_open_since()
            .returning(move |project, after, enter| {
                enter();
                let waiting = finished_by_now(&open, project, &time);
                let waiting = waiting.filter(|request| Some(request.date) > after);
                Ok(waiting.map(|request| request.id).collect())
            });
        let (open, time) = (self.open.clone(), Arc::clone(&self.time));
        pull_requests
            .expect_leave()
            .returning(move |project, leave| {
                leave();
                let finished = finished_by_now(&open, project, &time);
                finished.map(|request| request.date).max()
            });
        let journal = self.journal.clone();
        pull_requests
            .expect_finish()
            .returning(move |finished, _, tell| {
                // The hashes in tests are one digit repeated.
                let short = |base: &ContentHash| base.to_string()[..1].to_owned();
                let bases = finished.bases.iter().chain(&finished.deleted_bases);
                let bases = bases.map(|(path, base)| format!(" {path} from {}", short(base)));
                let bases: String = bases.collect();
                let PullRequest { files, deleted, .. } = &finished;
                journal.note(format!("draft finish {files:?} {deleted:?}{bases}"));
                tell(&finished);
                Ok(())
            });
        let open = self.open.clone();
        pull_requests.expect_find().returning(move |project, id| {
            let found = open
                .iter()
                .find(|request| request.project == *project && request.id == id);
            found.cloned().ok_or(StoreError::NotFound)
        });
        let open = self.open.clone();
        pull_requests.expect_authors().returning(move |project| {
            let here = open.iter().filter(|request| request.project == *project);
            Ok(here.map(|request| request.owner.clone()).collect())
        });
        pull_requests
            .expect_open_file()
            .returning(|_, _, path| Ok(open_file(path)));
        let journal = self.journal.clone();
        pull_requests
            .expect_delete()
            .returning(move |project, _, _, tell| {
                journal.note(format!("delete pull request of {project}"));
                tell();
                Ok(())
            });
        pull_requests
            .expect_tell_if_open()
            .returning(|_, tell| tell());
    }

    fn furnish_subscriptions(&mut self) {
        let subscriptions = &mut self.subscriptions;
        let journal = self.journal.clone();
        subscriptions
            .expect_subscribe()
            .returning(move |who, topic| {
                journal.note(format!("subscribe {who} {}", name_of(&topic)));
            });
        let journal = self.journal.clone();
        subscriptions
            .expect_narrow()
            .returning(move |who, project, contents| {
                let which = match &*contents {
                    Contents::All => "all contents".to_owned(),
                    Contents::Of(names) => format!("{names:?}"),
                };
                journal.note(format!("narrow {who} {project} to {which}"));
            });
        let journal = self.journal.clone();
        subscriptions
            .expect_unsubscribe()
            .returning(move |who, topic| {
                journal.note(format!("unsubscribe {who} {}", name_of(topic)));
            });
    }

    fn furnish_presence(&mut self) {
        let presence = &mut self.presence;
        let counts: Arc<Mutex<BTreeMap<ProjectId, usize>>> = Arc::default();
        let (journal, there) = (self.journal.clone(), Arc::clone(&counts));
        presence.expect_arrive().returning(move |project, who| {
            journal.note(format!("arrive {who} {project}"));
            let mut there = there.lock().expect("not poisoned");
            let count = there.entry(project.clone()).or_default();
            *count += 1;
            *count == 1
        });
        let (journal, there) = (self.journal.clone(), Arc::clone(&counts));
        presence.expect_depart().returning(move |project, who| {
            journal.note(format!("depart {who} {project}"));
            let mut there = there.lock().expect("not poisoned");
            let count = there.get_mut(project).expect("nobody departs unarrived");
            *count -= 1;
            *count == 0
        });
        presence.expect_viewers().returning(|_| 0);
        presence.expect_viewers_changed().return_const(());
        let journal = self.journal.clone();
        presence.expect_focus().returning(move |file, line| {
            let FileKey { project, path } = file;
            let line = line.map_or(String::new(), |line| format!(" {line}"));
            journal.note(format!("tell other servers: {project} focus {path}{line}"));
        });
        presence.expect_news().returning(PresenceNews::default);
        presence.expect_is_first().return_const(true);
        presence.expect_streamers().returning(move |project| {
            let there = counts.lock().expect("not poisoned");
            there.get(project).copied().unwrap_or(0)
        });
    }

    fn furnish_events(&mut self) {
        let journal = self.journal.clone();
        self.events
            .expect_publish()
            .returning(move |topic, event, origin| {
                let but = origin.map_or(String::new(), |origin| format!(" but {origin}"));
                let topic = name_of(topic);
                journal.note(format!("publish {topic}{but}: {}", what_happened(&event)));
            });
        let journal = self.journal.clone();
        self.events.expect_tell().returning(move |told, event| {
            let told: BTreeSet<_> = told.iter().map(ToString::to_string).collect();
            let told = Vec::from_iter(told).join(" ");
            journal.note(format!("tell {told}: {}", what_happened(&event)));
        });
    }

    fn furnish_rooms(&mut self) {
        let rooms = &mut self.rooms;
        let journal = self.journal.clone();
        rooms.expect_enter().returning(move |room, user, _| {
            journal.note(format!("enter {room} {user}"));
            true
        });
        let journal = self.journal.clone();
        rooms
            .expect_leave()
            .returning(move |room, user, _| journal.note(format!("leave {room} {user}")));
        let journal = self.journal.clone();
        rooms.expect_say().returning(move |_, room, message, _, _| {
            let NewMessage {
                username,
                text,
                slow,
                is_announcement,
                ..
            } = message;
            let slow = match slow.as_secs() {
                0 => String::new(),
                seconds => format!(" slow {seconds}"),
            };
            let kind = if is_announcement { "announce" } else { "say" };
            journal.note(format!("{kind} {room} {username}: {text}{slow}"));
            Ok(())
        });
        rooms.expect_author().returning(|_, id| match id {
            1 => Ok(None),
            2..=5 => Ok(Some(user("bob"))),
            _ => Err(UnknownMessage),
        });
        let journal = self.journal.clone();
        rooms.expect_delete().returning(move |room, id| {
            journal.note(format!("delete message {id} of {room}"));
            Ok(())
        });
        let journal = self.journal.clone();
        rooms.expect_slow().returning(move |room, seconds| {
            journal.note(format!("slow {room} {seconds}"));
            Ok(())
        });
        rooms.expect_history().returning(|_, _| Vec::new());
        rooms.expect_members().returning(|_| Vec::new());
        rooms.expect_sweep().returning(|_| ());
    }

    /// A loaded moderation is what was last kept.
    fn furnish_moderation(&mut self) {
        let kept: Arc<Mutex<BTreeMap<ProjectId, Moderation>>> = Arc::default();
        let store = &mut self.moderation;
        let found = Arc::clone(&kept);
        store.expect_load().returning(move |project| {
            let found = found.lock().expect("not poisoned");
            Ok(found.get(project).cloned().unwrap_or_default())
        });
        let (journal, found) = (self.journal.clone(), Arc::clone(&kept));
        store.expect_save().returning(move |project, moderation| {
            let last = moderation.log().last().map(|action| action.deed.word());
            journal.note(format!("keep {} of {project}", last.unwrap_or("nothing")));
            let mut found = found.lock().expect("not poisoned");
            found.insert(project.clone(), Moderation::clone(&moderation));
            Ok(true)
        });
        let journal = self.journal.clone();
        store.expect_remove().returning(move |project| {
            journal.note(format!("forget the moderation of {project}"));
            kept.lock().expect("not poisoned").remove(project);
            Ok(())
        });
    }

    fn furnish_guests(&mut self) {
        let kept: Arc<Mutex<BTreeMap<ProjectId, Guests>>> = Arc::default();
        let found = Arc::clone(&kept);
        let address_of = self.guests.expect_address_of();
        address_of.returning(move |project, user, now| {
            let found = found.lock().expect("not poisoned");
            let guests = found.get(project);
            Ok(guests.and_then(|guests| guests.address_of(user, now)))
        });
        let found = Arc::clone(&kept);
        self.guests.expect_free().returning(move |project| {
            found.lock().expect("not poisoned").remove(project);
            Ok(())
        });
        let journal = self.journal.clone();
        self.guests.expect_take().returning(move |project, entry| {
            let GuestEntry { guest, .. } = entry.clone();
            let mut kept = kept.lock().expect("not poisoned");
            kept.entry(project.clone()).or_default().take(entry)?;
            let (name, until) = (guest.name, guest.until.as_millis());
            journal.note(format!("guest {name:?} of {project} until {until}"));
            Ok(())
        });
    }
}

impl Scene {
    /// Lets time pass until the clock shows this many seconds.
    pub fn at(&self, seconds: u64) {
        self.set_clock(seconds);
        self.uptime.store(seconds * 1_000, Ordering::Relaxed);
    }

    /// Sets the clock to this many seconds, without time passing.
    pub fn set_clock(&self, seconds: u64) {
        self.clock.store(seconds * 1_000, Ordering::Relaxed);
    }

    /// Carries out a command completely, including a change of the project.
    pub async fn ask(
        &self,
        session: &mut Session,
        command: Command,
    ) -> Result<Vec<Reply>, RequestError> {
        let execution = execute(&self.app, session, command).await;
        self.finish(execution).await
    }

    /// Starts a change and returns its answer.
    pub fn commit(
        &self,
        change: Commit,
    ) -> impl Future<Output = Result<Reply, RequestError>> + use<> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let share = FairShare::default().open();
        let work = commit(&self.app, &share, change, |outcome| {
            let _ = answer.send(outcome);
        });
        async move {
            work.await;
            answered.await.expect("each change is answered")
        }
    }

    /// The result of an execution.
    pub async fn finish(&self, execution: CommandOutcome) -> Result<Vec<Reply>, RequestError> {
        match execution {
            CommandOutcome::Silent | CommandOutcome::Long(_) => Ok(Vec::new()),
            CommandOutcome::Replied(reply) => Ok(vec![reply]),
            CommandOutcome::Authenticated { replies, .. } => Ok(replies),
            CommandOutcome::Commit(commit) => self.commit(commit).await.map(|reply| vec![reply]),
            CommandOutcome::Refused(refusal) | CommandOutcome::RefusedForGood(refusal) => {
                Err(refusal)
            }
        }
    }

    /// Asks for files and returns their names, marking those that cannot be read.
    pub async fn names(
        &self,
        session: &mut Session,
        command: Command,
    ) -> Result<Vec<String>, RequestError> {
        match execute(&self.app, session, command).await {
            CommandOutcome::Long(
                LongAnswer::Files(fetch)
                | LongAnswer::PullRequestFiles(fetch)
                | LongAnswer::Listing(fetch),
            ) => Ok(names_of(fetch).await),
            other => Err(self.finish(other).await.expect_err("files")),
        }
    }

    /// Connection `number` with the roles that `sections` ask for; the journal starts after it.
    pub async fn connect(&self, number: u64, token: &str, sections: Sections) -> Session {
        let mut session = new_session(number);
        let roles = self.ask(&mut session, authenticate(token, sections)).await;
        roles.expect("the token allows it");
        self.journal.take();
        session
    }

    /// The streamer of `ana/demo`, connection 1.
    pub async fn streamer(&self) -> Session {
        self.connect(1, ANA, streaming("ana/demo")).await
    }

    /// A viewer of `ana/demo`, connection 2.
    pub async fn viewer(&self) -> Session {
        self.connect(2, BOB, viewing("bob", "ana/demo")).await
    }

    /// A viewer of `ana/demo` with an open draft, connection 2.
    pub async fn author(&self) -> Session {
        let mut session = self.viewer().await;
        self.ask(&mut session, creation("title"))
            .await
            .expect("a viewer may propose");
        session
    }
}

/// The pull requests of `project` whose date has come.
fn finished_by_now<'a>(
    open: &'a [PullRequest],
    project: &'a ProjectId,
    time: &AtomicU64,
) -> impl Iterator<Item = &'a PullRequest> {
    let now = Timestamp::from_millis(time.load(Ordering::Relaxed));
    let here = open.iter().filter(|request| request.project == *project);
    here.filter(move |request| request.date <= now)
}

/// Connection `number`, which has done nothing yet, with room in memory.
pub fn new_session(number: u64) -> Session {
    let account = MemoryBudget::new(256 << 20).open_account();
    Session::new(ConnectionId(number), ADDRESS, account)
}

/// The same from another address, which a ban may concern.
pub fn session_from(number: u64, address: u128) -> Session {
    let mut session = new_session(number);
    session.address = ClientAddress(address);
    session.with_ban_address()
}

/// Where all connections come from.
pub const ADDRESS: ClientAddress = ClientAddress(1);

/// The token of the streamer of `ana/demo`.
pub const ANA: &str = "ana:ana/demo";
/// A viewer's token for `ana/demo`.
pub const BOB: &str = "bob:ana/demo";

/// Accepts tokens of the form `user:streamer/project,claim=value,…`, with times in seconds and a
/// `+` between the words of `rights`.
fn tokens() -> MockTokenVerifier {
    let mut tokens = MockTokenVerifier::new();
    tokens.expect_verify().returning(|token| {
        let (user, rest) = token.split_once(':').ok_or(TokenError::Untrusted)?;
        let mut rest = rest.split(',');
        let project = rest.next().and_then(|project| project.split_once('/'));
        let mut claims = Claims {
            username: Some(user.to_owned()).filter(|user| !user.is_empty()),
            streamer: project.map(|(streamer, _)| streamer.to_owned()),
            project: project.map(|(_, name)| name.to_owned()),
            expires_at: Timestamp::from_secs(EXPIRY),
            ..Claims::default()
        };
        for (claim, value) in rest.filter_map(|claim| claim.split_once('=')) {
            let words = || value.split('+').map(str::to_owned).collect();
            let seconds = || Timestamp::from_secs(value.parse().expect("seconds"));
            match claim {
                "exp" => claims.expires_at = seconds(),
                "nbf" => claims.not_before = Some(seconds()),
                "muted" => claims.muted_until = Some(seconds()),
                "banned" => claims.banned_until = Some(seconds()),
                "rights" => claims.rights = Some(words()),
                "role" => claims.role = Some(value.to_owned()),
                "room" => claims.room = Some(value.to_owned()),
                "guest" => claims.is_guests = true,
                _ => return Err(TokenError::IllTyped),
            }
        }
        Ok(claims)
    });
    tokens
}

fn clock(time: Arc<AtomicU64>, uptime: Arc<AtomicU64>) -> MockClock {
    let mut clock = MockClock::new();
    clock
        .expect_now()
        .returning(move || Timestamp::from_millis(time.load(Ordering::Relaxed)));
    clock
        .expect_uptime()
        .returning(move || Uptime::from_millis(uptime.load(Ordering::Relaxed)));
    clock
}

fn guest_tokens() -> MockGuestTokens {
    let mut tokens = MockGuestTokens::new();
    tokens
        .expect_issue()
        .returning(|claims| Ok(format!("signed {claims:?}")));
    tokens
}

fn ids() -> MockIdGenerator {
    let mut ids = MockIdGenerator::new();
    let last = AtomicUsize::new(0);
    ids.expect_pull_request_id()
        .returning(move || PullRequestId::from_u128(last.fetch_add(1, Ordering::Relaxed) as u128));
    ids
}

fn limits() -> Limits {
    Limits {
        max_file_bytes: 1_000_000,
        project: ProjectQuota {
            max_files: 1_000,
            max_bytes: 10_000_000,
            ..ProjectQuota::UNLIMITED
        },
        max_open_uploads: 10,
        max_open_upload_bytes: 2_000_000,
        upload_idle: Duration::from_secs(300),
        pull_request: PullRequestLimits {
            max_files: 10,
            max_bytes: 1_000_000,
            max_folders: 1_000,
        },
        max_open_pull_requests: 2,
        max_title_bytes: 16,
        max_description_bytes: 32,
        max_chat_bytes: 16,
        chat_history: 5,
        max_rooms: 10,
        max_watches: 2,
        max_guests: 100,
        max_guests_per_address: 3,
        max_moderated: 3,
        // No limit.
        chat_rate: RateLimit {
            per_second: 0,
            burst: 1,
        },
        max_failed_authentications: 3,
    }
}

/// A failure of the disk or another backend.
pub fn disk_full() -> StoreError {
    StoreError::failed("the disk is full")
}

pub fn user(name: &str) -> UserName {
    UserName::parse(name).expect("a user's name")
}

/// The project named `streamer/name`.
pub fn project(name: &str) -> ProjectId {
    let (streamer, name) = name.split_once('/').expect("streamer/name");
    ProjectId {
        streamer: user(streamer),
        name: ProjectName::parse(name).expect("a project's name"),
    }
}

/// The project that most tests are about.
pub fn demo() -> ProjectId {
    project("ana/demo")
}

/// Another streamer's project.
pub fn other() -> ProjectId {
    project("dan/other")
}

pub fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("a file's name")
}

/// A guest who wants a name in a project.
pub fn as_guest(place: &str, name: Checked<&str>) -> Command {
    let name = name.map(|name| GuestName::parse(name).expect("a guest's name"));
    let project = project(place);
    Command::EnterAsGuest(Ok(EnterAsGuest { project, name }))
}

/// An open pull request of one file, `/p`.
pub fn pull_request(id: u128, project: ProjectId, owner: &str) -> PullRequest {
    PullRequest {
        id: PullRequestId::from_u128(id),
        project,
        owner: user(owner),
        title: "title".into(),
        description: "".into(),
        date: Timestamp::from_secs(START),
        files: vec![path("/p")],
        deleted: Vec::new(),
        bases: BTreeMap::new(),
        executable: BTreeMap::new(),
        deleted_bases: BTreeMap::new(),
    }
}

/// The same with as many and as long names as allowed, each with a base and an executable bit.
pub fn long_names(pull_request: PullRequest) -> PullRequest {
    let names: Vec<_> = (0..1_000)
        .map(|number| path(&format!("/{number:0>180}")))
        .collect();
    let bases = names.iter().cloned();
    PullRequest {
        executable: bases.clone().map(|name| (name, true)).collect(),
        bases: bases.map(|name| (name, hash('b'))).collect(),
        files: names,
        ..pull_request
    }
}

/// Section `file` for a project of one's own.
pub fn streaming(of: &str) -> Sections {
    Sections {
        file: Some(FileSection {
            project: project(of),
            streaming: Streaming::default(),
        }),
        ..Sections::default()
    }
}

/// Section `pullrequest`.
pub fn viewing(who: &str, of: &str) -> Sections {
    Sections {
        pull_request: Some(PullRequestSection {
            username: user(who),
            project: project(of),
        }),
        ..Sections::default()
    }
}

/// Section `chat`.
pub fn chatting(who: &str, room: &str) -> Sections {
    Sections {
        chat: Some(ChatSection {
            username: user(who),
            room: RoomName::parse(room).expect("a room's name"),
        }),
        ..Sections::default()
    }
}

/// All sections of both.
pub fn both(one: Sections, two: Sections) -> Sections {
    Sections {
        file: one.file.or(two.file),
        chat: one.chat.or(two.chat),
        pull_request: one.pull_request.or(two.pull_request),
    }
}

pub fn authenticate(token: &str, sections: Sections) -> Command {
    Command::Authenticate(Ok(Authenticate {
        token: token.to_owned(),
        sections,
    }))
}

/// A separate form with the only section of `sections`.
pub fn separately(token: Option<&str>, sections: Sections) -> Command {
    Command::AuthenticateSection(Ok(AuthenticateSection {
        token: token.map(str::to_owned),
        section: Ok(sections),
    }))
}

/// A whole file.
pub fn post(name: &str, content: &str) -> Command {
    post_bytes(name, content.as_bytes().to_vec(), None)
}

/// A part of a file, or a whole one.
pub fn post_bytes(name: &str, content: Vec<u8>, part: Option<PartOf>) -> Command {
    Command::PostFile(Ok(PostFile {
        path: path(name),
        chars: content.len().div_ceil(3) * 4,
        padded: !content.len().is_multiple_of(3),
        content: content.into(),
        part,
        binary: false,
        base: None,
        executable: None,
    }))
}

/// Part `number` of `count`.
pub fn part(name: &str, content: &str, number: u32, count: u32) -> Command {
    let number = Some(number);
    post_bytes(
        name,
        content.as_bytes().to_vec(),
        Some(PartOf { number, count }),
    )
}

/// Part `number` of `count` as the desktop client sends it: a binary message with `bytes` bytes in
/// 500 characters of base64 if there are that many.
pub fn desktop_part(name: &str, bytes: usize, number: u32, count: u32) -> Command {
    Command::PostFile(Ok(PostFile {
        path: path(name),
        content: vec![b'x'; bytes].into(),
        part: Some(PartOf {
            number: Some(number),
            count,
        }),
        chars: bytes.div_ceil(3) * 4,
        padded: !bytes.is_multiple_of(3),
        binary: true,
        base: None,
        executable: None,
    }))
}

/// The same post or delete with a base.
pub fn based(command: Command, base: ContentHash) -> Command {
    let base = Some(base);
    match command {
        Command::PostFile(Ok(post)) => Command::PostFile(Ok(PostFile { base, ..post })),
        Command::DeleteFile(Ok(delete)) => Command::DeleteFile(Ok(DeleteFile { base, ..delete })),
        other => panic!("neither a post nor a delete: {other:?}"),
    }
}

/// The same post, saying whether the file may be executed.
pub fn executable(command: Command, executable: bool) -> Command {
    let Command::PostFile(Ok(post)) = command else {
        panic!("no post: {command:?}");
    };
    Command::PostFile(Ok(PostFile {
        executable: Some(executable),
        ..post
    }))
}

/// The hash that is this hexadecimal digit 64 times.
pub fn hash(digit: char) -> ContentHash {
    ContentHash::parse(&digit.to_string().repeat(64)).expect("a hash")
}

/// A trailing `/` means a folder.
pub fn delete(name: &str) -> Command {
    Command::DeleteFile(Ok(DeleteFile {
        path: path(name),
        means_folder: name.ends_with('/'),
        base: None,
    }))
}

fn reading(project: ProjectId, name: &str, recursively: bool) -> ReadFiles {
    ReadFiles {
        project,
        files: Ok(FilesQuery {
            path: PathQuery::parse(name).expect("a name"),
            recursively,
            hashes: true,
        }),
    }
}

pub fn get(project: ProjectId, name: &str, recursively: bool) -> Command {
    Command::GetFiles(Ok(reading(project, name, recursively)))
}

pub fn list(project: ProjectId, name: &str, recursively: bool) -> Command {
    Command::ListFiles(Ok(reading(project, name, recursively)))
}

/// A watch of all contents, without presence.
pub fn watch(project: ProjectId) -> Command {
    Command::WatchProject(Ok(WatchProject {
        project,
        watch: Ok(Watch::default()),
    }))
}

pub fn creation(title: &str) -> Command {
    Command::CreatePullRequest(Ok(CreatePullRequest {
        title: title.into(),
        description: "".into(),
    }))
}

/// A 413.
pub fn over(limit: &'static str, value: u64) -> RequestError {
    RequestError::LimitExceeded { limit, value }
}

/// Whether it is a 401.
pub fn is_unauthorized<T>(result: &Result<T, RequestError>) -> bool {
    matches!(result, Err(RequestError::Unauthorized(_)))
}

/// Whether it is a 400.
pub fn is_bad<T>(result: &Result<T, RequestError>) -> bool {
    matches!(result, Err(RequestError::BadParameters(_)))
}

/// What a store that has `names` answers.
pub fn next_of(
    names: Vec<FilePath>,
    files: &FilesBelow,
    most: usize,
) -> Vec<(FilePath, ProjectEntry)> {
    let after = files.after.as_ref();
    let left = names
        .into_iter()
        .filter(|name| after.is_none_or(|after| name > after));
    left.take(most)
        .map(|name| (name.clone(), entry(&name)))
        .collect()
}

/// What is known about a file whose content is its own name, before anybody has read it.
pub fn entry(path: &FilePath) -> ProjectEntry {
    ProjectEntry {
        bytes: path.as_str().len() as u64,
        version: Version::new(1),
        modified: Timestamp::default(),
        executable: false,
        sha256: None,
    }
}

/// A file whose content is its own name.
pub fn open_file(path: &FilePath) -> OpenFile {
    let content = Bytes::copy_from_slice(path.as_str().as_bytes());
    let bytes = content.len() as u64;
    let mut source = MockFileSource::new();
    source.expect_read().returning(move |offset, length| {
        let from = usize::try_from(offset).expect("a short file");
        Ok(content.slice(from..from + length))
    });
    OpenFile {
        version: Version::new(1),
        bytes,
        modified: Timestamp::default(),
        executable: false,
        source: Arc::new(source),
    }
}

pub async fn names_of(mut fetch: FileStream) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(fetched) = fetch.next().await {
        match fetched {
            NextFile::File(path, _) => names.push(path.to_string()),
            NextFile::Unreadable(path) => names.push(format!("unreadable {path}")),
            NextFile::Broken(refusal) => {
                names.push(format!("broken {refusal:?}"));
                break;
            }
        }
    }
    names
}

fn names_below(files: &[FilePath], folder: Option<&FilePath>, deep: bool) -> Vec<FilePath> {
    let top = folder.map_or("", FilePath::as_str);
    files
        .iter()
        .filter(|file| folder.is_none_or(|folder| file.is_below(folder)))
        .filter(|file| deep || !file.as_str()[top.len() + 1..].contains('/'))
        .cloned()
        .collect()
}

fn describe(content: &FileContent) -> String {
    let how = match content {
        FileContent::Memory(bytes) if bytes.len() <= 16 => {
            return format!("{:?}", String::from_utf8_lossy(bytes));
        }
        FileContent::Memory(_) => "",
        FileContent::Staged(staged) if staged.movable => " staged, movable",
        FileContent::Staged(_) => " staged",
    };
    format!("{} bytes{how}", content.bytes())
}

fn name_of(topic: &Topic) -> String {
    match topic {
        Topic::Updates(project) => format!("updates {project}"),
        Topic::Presence(project) => format!("presence {project}"),
        Topic::Proposals(project) => format!("proposals {project}"),
        Topic::Outcomes(project, user) => format!("outcomes {project} {user}"),
        Topic::Own(who) => format!("own of {who}"),
        Topic::Room(room) => format!("room {room}"),
    }
}

fn what_happened(event: &Event) -> String {
    match event {
        Event::FileUpdated {
            file,
            entry,
            content,
        } => {
            let path = &file.path;
            let number = entry.version.number();
            let at_hand = if content.is_some() { "" } else { " by name" };
            let bit = if entry.executable { " executable" } else { "" };
            format!("updated {path} v{number}{at_hand}{bit}")
        }
        Event::FileChanged { file, .. } => format!("changed {}", file.path),
        Event::FileDeleted { file, version } => {
            format!("deleted {} v{}", file.path, version.number())
        }
        Event::Presence { connected, .. } => format!("presence {connected}"),
        Event::ViewersChanged { viewers, .. } => format!("viewers {viewers}"),
        Event::FocusChanged { file, line } => {
            let line = line.map(|line| format!(" {line}")).unwrap_or_default();
            format!("focus {}{line}", file.path)
        }
        Event::PullRequestCreated(created) => {
            format!("created {:?} by {}", created.title, created.owner)
        }
        Event::PullRequestClosed { outcome, .. } => format!("closed {outcome:?}"),
        Event::Apply(ApplyNotice::Asked { request, files, .. }) => {
            let all = "all".to_owned();
            let which = files.as_ref().map_or(all, |files| format!("{files:?}"));
            format!("asked to apply {which} ({request})")
        }
        Event::Apply(ApplyNotice::Withdrawn { request }) => format!("withdrawn ({request})"),
        Event::Apply(ApplyNotice::Ended {
            request, outcome, ..
        }) => format!("{outcome:?} ({request})"),
        Event::Apply(ApplyNotice::Failed { request, .. }) => format!("not applied ({request})"),
        Event::ChatMessage(message) => format!("said {}", message.text),
        Event::ChatDeleted { id, .. } => format!("message {id} is deleted"),
        Event::ChatSlowed { seconds, .. } => format!("slowed to {seconds}"),
        Event::ChatModerated {
            action,
            user,
            until,
            ..
        } => {
            let until = until.map(|until| format!(" until {}", until.as_millis() / 1_000));
            format!("{action} {user}{}", until.unwrap_or_default())
        }
    }
}
