//! What each command answers when a port that it waits for fails: at least one row for every method
//! that waits for IO.
//!
//! The rows are compared with the sources of the ports, so a new method without a row fails.

use crate::application::files::streamer_grace::start_grace;
use std::collections::BTreeSet;

use crate::application::command::{Command, DeletePullRequest, PartOf};
use crate::application::ports::MockFileSource;
use crate::application::ports::{OpenFile, StoreError};
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, Scene, World, as_guest, authenticate, chatting, creation, delete, demo, disk_full, get,
    list, new_session, next_of, open_file, part, path, post, post_bytes, pull_request, streaming,
    viewing,
};
use crate::domain::{Outcome, PullRequestId, Timestamp, Version};

/// All sources of the ports.
const SOURCES: [&str; 16] = [
    include_str!("ports/apply_relay.rs"),
    include_str!("ports/chat_rooms.rs"),
    include_str!("ports/clock.rs"),
    include_str!("ports/event_publisher.rs"),
    include_str!("ports/file_source.rs"),
    include_str!("ports/guest_store.rs"),
    include_str!("ports/moderation_store.rs"),
    include_str!("ports/guest_tokens.rs"),
    include_str!("ports/id_generator.rs"),
    include_str!("ports/presence.rs"),
    include_str!("ports/project_store.rs"),
    include_str!("ports/pull_request_store.rs"),
    include_str!("ports/staged_upload.rs"),
    include_str!("ports/subscriptions.rs"),
    include_str!("ports/token_verifier.rs"),
    include_str!("ports/upload_store.rs"),
];

/// Who sends the command.
#[derive(Debug, Clone, Copy)]
enum Sender {
    Nobody,
    Streamer,
    /// A viewer with an open draft that holds `/mine`.
    Author,
}

/// The result of a failure.
#[derive(Debug)]
enum Answer {
    /// The command is refused.
    Refused(RequestError),
    /// It is carried out; these files are given.
    Names(&'static [&'static str]),
    /// It is carried out anyway.
    Replied(Reply),
}

use crate::application::failure_tests::Answer::{Names, Refused, Replied};

/// What goes wrong: which mock fails, and how.
type Failure = fn(&mut World);

struct Row {
    /// `Port::method`.
    method: &'static str,
    fails: Failure,
    sender: Sender,
    command: fn() -> Command,
    outcome: Answer,
}

fn row(
    method: &'static str,
    fails: Failure,
    sender: Sender,
    command: fn() -> Command,
    outcome: Answer,
) -> Row {
    Row {
        method,
        fails,
        sender,
        command,
        outcome,
    }
}

const ID: u128 = 7;

fn look() -> Command {
    Command::GetPullRequest(Ok(Some(PullRequestId::from_u128(ID))))
}

fn end() -> Command {
    Command::DeletePullRequest(Ok(DeletePullRequest {
        id: Some(PullRequestId::from_u128(ID)),
        outcome: Outcome::Closed,
    }))
}

fn in_request() -> Command {
    let name = format!("/{}/", PullRequestId::from_u128(ID));
    get(demo(), &name, true)
}

fn heavy_part() -> Command {
    let part = PartOf {
        number: Some(1),
        count: 2,
    };
    post_bytes("/big", vec![b'x'; 256 * 1_024], Some(part))
}

fn become_streamer() -> Command {
    authenticate(ANA, streaming("ana/demo"))
}

fn become_viewer() -> Command {
    authenticate("bob:ana/demo", viewing("bob", "ana/demo"))
}

#[rustfmt::skip]
fn registry_rows() -> Vec<Row> {
    use Sender::Nobody;
    let state: Failure = |world| {
        world
            .projects
            .expect_state()
            .returning(|_| Err(disk_full()));
    };
    let register: Failure = |world| {
        let register = world.projects.expect_register();
        register.returning(|_| Err(disk_full()));
    };
    let name = "ProjectStore::state";
    vec![
        row(name, state, Nobody, become_streamer, Refused(RequestError::Internal)),
        row(name, state, Nobody, become_viewer, Refused(RequestError::Internal)),
        row(name, state, Nobody, || get(demo(), "/a", false), Refused(RequestError::UnreadableFile)),
        row(name, state, Nobody, || list(demo(), "/", true), Refused(RequestError::UnreadablePath)),
        row("ProjectStore::register", register, Nobody, become_streamer, Refused(RequestError::Internal)),
    ]
}

#[rustfmt::skip]
fn project_rows() -> Vec<Row> {
    use RequestError::{UnreadableFile, UnreadablePath, UnwritableFile};
    use Sender::{Author, Nobody, Streamer};
    let put: Failure = |world| {
        let put = world.projects.expect_put_file();
        put.returning(|_, _, _, _, _, _| Err(disk_full()));
    };
    let remove: Failure = |world| {
        let delete = world.projects.expect_delete_file();
        delete.returning(|_, _, _, _| Err(disk_full()));
    };
    let open: Failure = |world| {
        let open = world.projects.expect_open_file();
        open.returning(|_, _| Err(disk_full()));
    };
    let open_some: Failure = |world| {
        let open = world.projects.expect_open_files();
        open.returning(|_, _, _| Err(disk_full()));
    };
    let find: Failure = |world| {
        let find = world.projects.expect_find_file();
        find.returning(|_, _| Err(disk_full()));
    };
    let below: Failure = |world| {
        let below = world.projects.expect_files_below();
        below.returning(|_, _, _| Err(disk_full()));
    };
    let next: Failure = |world| {
        let first = world.projects.expect_files_below().once();
        first.returning(|_, files, _| Ok(next_of(vec![path("/d/gone")], files, 1)));
        let below = world.projects.expect_files_below();
        below.returning(|_, _, _| Err(disk_full()));
    };
    let usage: Failure = |world| {
        world
            .projects
            .expect_usage()
            .returning(|_| Err(disk_full()));
    };
    let status = || Command::ProjectStatus(Ok(demo()));
    let broken = Names(&["broken UnreadablePath"]);
    let unreadable = Names(&["unreadable /a", "unreadable /z"]);
    vec![
        row("ProjectStore::put_file", put, Streamer, || post("/a", "x"), Refused(UnwritableFile)),
        row("ProjectStore::put_file", put, Streamer, || part("/a", "x", 1, 1), Refused(UnwritableFile)),
        row("ProjectStore::delete_file", remove, Streamer, || delete("/a"), Refused(UnwritableFile)),
        row("ProjectStore::delete_file", remove, Streamer, || delete("/d/"), Refused(UnwritableFile)),
        row("ProjectStore::open_file", open, Nobody, || get(demo(), "/a", false), Refused(UnreadableFile)),
        row("ProjectStore::open_files", open_some, Nobody, || get(demo(), "/", false), unreadable),
        row("ProjectStore::find_file", find, Nobody, || list(demo(), "/a", false), Refused(UnreadableFile)),
        row("ProjectStore::find_file", find, Author, || delete("/a"), Refused(UnreadableFile)),
        row("ProjectStore::files_below", below, Nobody, || get(demo(), "/", true), Refused(UnreadablePath)),
        row("ProjectStore::files_below", below, Nobody, || list(demo(), "/d", true), Refused(UnreadablePath)),
        row("ProjectStore::files_below", below, Nobody, || get(demo(), "/d", false), Refused(UnreadableFile)),
        row("ProjectStore::files_below", below, Streamer, || delete("/d"), Refused(UnreadableFile)),
        row("ProjectStore::files_below", below, Author, || delete("/d"), Refused(UnreadableFile)),
        row("ProjectStore::files_below", next, Nobody, || get(demo(), "/", true), broken),
        row("ProjectStore::files_below", next, Streamer, || delete("/d"), Refused(UnreadableFile)),
        row("ProjectStore::files_below", next, Author, || delete("/d"), Refused(UnreadableFile)),
        row("ProjectStore::usage", usage, Nobody, status, Refused(UnreadablePath)),
    ]
}

#[rustfmt::skip]
fn draft_rows() -> Vec<Row> {
    use RequestError::{Internal, UnwritableFile};
    use Sender::Author;
    let put: Failure = |world| {
        let ready = world.uploads.expect_put_draft_file().once();
        ready.returning(|_, _, _| Ok(()));
        let put = world.uploads.expect_put_draft_file();
        put.returning(|_, _, _| Err(disk_full()));
    };
    let remove: Failure = |world| {
        let remove = world.uploads.expect_remove_draft_file();
        remove.returning(|_, _| Err(disk_full()));
    };
    let finish: Failure = |world| {
        let finish = world.pull_requests.expect_finish();
        finish.returning(|_, _, _| Err(disk_full().into()));
    };
    let unwritten: Failure = |world| {
        let finish = world.pull_requests.expect_finish();
        finish.returning(|_, _, _| Err(StoreError::NotFound.into()));
    };
    let finishing = || Command::FinishPullRequest;
    vec![
        row("UploadStore::put_draft_file", put, Author, || post("/a", "x"), Refused(UnwritableFile)),
        row("UploadStore::put_draft_file", put, Author, || part("/a", "x", 1, 1), Refused(UnwritableFile)),
        row("UploadStore::remove_draft_file", remove, Author, || delete("/mine"), Refused(UnwritableFile)),
        row("PullRequestStore::finish", finish, Author, finishing, Refused(Internal)),
        row("PullRequestStore::finish", unwritten, Author, finishing, Refused(Internal)),
    ]
}

#[rustfmt::skip]
fn pull_request_rows() -> Vec<Row> {
    use RequestError::{Internal, UnreadablePath};
    use Sender::{Author, Nobody, Streamer};
    let open: Failure = |world| {
        // An earlier creation succeeded.
        let ready = world.pull_requests.expect_open().once();
        ready.returning(|_, _| Ok(vec![]));
        let open = world.pull_requests.expect_open();
        open.returning(|_, _| Err(disk_full()));
    };
    let open_since: Failure = |world| {
        let open_since = world.pull_requests.expect_open_since();
        open_since.returning(|_, _, _| Err(disk_full()));
    };
    let find: Failure = |world| {
        let find = world.pull_requests.expect_find();
        find.returning(|_, _| Err(disk_full()));
    };
    let file: Failure = |world| {
        let open_file = world.pull_requests.expect_open_file();
        open_file.returning(|_, _, _| Err(disk_full()));
    };
    let remove: Failure = |world| {
        let delete = world.pull_requests.expect_delete();
        delete.returning(|_, _, _, _| Err(disk_full()));
    };
    let unreadable = || Names(&["unreadable /p"]);
    let all = || Command::ListPullRequests;
    // The connection is a streamer all the same; its next authentication looks for waiting pull
    // requests again.
    let streamer = Replied(Reply::FileAuth);
    vec![
        row("PullRequestStore::open_since", open_since, Nobody, become_streamer, streamer),
        row("PullRequestStore::open", open, Author, || creation("again"), Refused(Internal)),
        row("PullRequestStore::open", open, Author, all, Refused(Internal)),
        row("PullRequestStore::find", find, Streamer, look, Refused(Internal)),
        row("PullRequestStore::find", find, Streamer, end, Refused(Internal)),
        row("PullRequestStore::find", find, Streamer, in_request, Refused(UnreadablePath)),
        row("PullRequestStore::open_file", file, Streamer, look, unreadable()),
        row("PullRequestStore::open_file", file, Streamer, in_request, unreadable()),
        row("PullRequestStore::delete", remove, Streamer, end, Refused(Internal)),
    ]
}

#[rustfmt::skip]
fn guest_rows() -> Vec<Row> {
    use RequestError::Internal;
    use Sender::Nobody;
    let state: Failure = |world| {
        world
            .projects
            .expect_state()
            .returning(|_| Err(disk_full()));
    };
    let authors: Failure = |world| {
        let authors = world.pull_requests.expect_authors();
        authors.returning(|_| Err(disk_full()));
    };
    let take: Failure = |world| {
        let take = world.guests.expect_take();
        take.returning(|_, _| Err(disk_full().into()));
    };
    let enter = || as_guest("ana/demo", Ok("bob"));
    vec![
        row("ProjectStore::state", state, Nobody, enter, Refused(Internal)),
        row("PullRequestStore::authors", authors, Nobody, enter, Refused(Internal)),
        row("GuestStore::take", take, Nobody, enter, Refused(Internal)),
    ]
}

#[rustfmt::skip]
fn staging_rows() -> Vec<Row> {
    use RequestError::UnwritableFile;
    use Sender::{Author, Streamer};
    let append: Failure = |world| {
        world
            .uploads
            .expect_append()
            .returning(|_, _| Err(disk_full()));
    };
    vec![
        row("UploadStore::append", append, Streamer, heavy_part, Refused(UnwritableFile)),
        row("UploadStore::append", append, Author, heavy_part, Refused(UnwritableFile)),
    ]
}

#[rustfmt::skip]
fn moderation_rows() -> Vec<Row> {
    use RequestError::Internal;
    use Sender::{Nobody, Streamer};
    let never: Failure = |world| {
        let load = world.moderation.expect_load();
        load.returning(|_| Err(disk_full()));
    };
    let save: Failure = |world| {
        let save = world.moderation.expect_save();
        save.returning(|_, _| Err(disk_full()));
    };
    let chat = || authenticate("bob:ana/demo", chatting("bob", "ana/demo"));
    let slow = || Command::Slow(Ok(5));
    vec![
        row("ModerationStore::load", never, Nobody, chat, Refused(Internal)),
        row("ModerationStore::load", never, Nobody, || as_guest("ana/demo", Ok("bob")), Refused(Internal)),
        row("ModerationStore::load", never, Streamer, slow, Refused(Internal)),
        row("ModerationStore::save", save, Streamer, slow, Refused(Internal)),
        row("ModerationStore::save", save, Streamer, || Command::DeleteMessage(Ok(Some(2))), Refused(Internal)),
    ]
}

fn rows() -> Vec<Row> {
    let mut rows = registry_rows();
    rows.extend(project_rows());
    rows.extend(draft_rows());
    rows.extend(pull_request_rows());
    rows.extend(staging_rows());
    rows.extend(guest_rows());
    rows.extend(moderation_rows());
    rows
}

/// Methods that no command waits for. Each has a test below, or elsewhere if a comment says so.
const ELSEWHERE: [&str; 22] = [
    // It cannot fail.
    "ApplyRelay::finish",
    // `a_relay_that_fails_is_answered_with_500`
    "ApplyRelay::ask",
    "ApplyRelay::accept",
    "ApplyRelay::answer",
    // It cannot fail: members at a server that does not answer are left out.
    "ChatRooms::members",
    // Stores, not use cases, read a staged upload; the contract tests of the stores cover it.
    "StagedUpload::read",
    "UploadStore::read",
    // `a_content_that_cannot_be_read_has_no_digest`
    "FileSource::read",
    // `a_grace_that_cannot_be_started_stops_the_start`
    "ProjectStore::projects",
    // `every_failure_of_the_store_has_its_answer`
    "ProjectStore::revision",
    // Only operators ask for these, no connection does.
    "ProjectStore::adopt",
    "ProjectStore::adopt_user",
    "ProjectStore::remove",
    "ProjectStore::rescan",
    "GuestStore::free",
    "GuestStore::is_kept",
    "ModerationStore::remove",
    // `where_names_of_guests_cannot_be_read_they_are_banned_all_the_same`
    "GuestStore::address_of",
    // `what_a_room_may_not_hear_of_is_answered_with_500`
    "ChatRooms::say",
    "ChatRooms::delete",
    "ChatRooms::slow",
    // The start of a server waits for it: `server.rs`.
    "GuestStore::key",
];

async fn session_of(sender: Sender, scene: &Scene) -> Session {
    match sender {
        Sender::Nobody => new_session(9),
        Sender::Streamer => scene.streamer().await,
        Sender::Author => {
            let mut session = scene.author().await;
            let mine = scene.ask(&mut session, post("/mine", "x")).await;
            mine.expect("the draft is open");
            scene.journal.take();
            session
        }
    }
}

/// What must be the same after a failure as before: who the connection is and what it has open.
fn standing(session: &Session) -> String {
    let draft = session.draft.as_ref().map(|open| (open.id, open.draft()));
    let attached = &session.attached;
    let roles = &session.roles;
    format!("{:?} {roles:?} {draft:?} {attached:?}", session.identity)
}

#[tokio::test]
async fn a_port_that_fails_is_answered_and_changes_and_tells_nothing() {
    for row in rows() {
        let mut world = World::new();
        world.open = vec![pull_request(ID, demo(), "pat")];
        (row.fails)(&mut world);
        let scene = world.build();
        let mut session = session_of(row.sender, &scene).await;
        let before = standing(&session);
        let command = (row.command)();
        let what = format!("{} × {command:?} by {:?}", row.method, row.sender);
        match row.outcome {
            Refused(refusal) => {
                let answer = scene.ask(&mut session, command).await;
                assert_eq!(answer, Err(refusal), "{what}");
                assert_eq!(standing(&session), before, "{what}");
                let mut journal = scene.journal.take();
                journal.retain(|entry| !entry.starts_with("unstage"));
                assert!(journal.is_empty(), "{what}: {journal:?}");
            }
            Names(names) => {
                let answer = scene.names(&mut session, command).await;
                let names = names.iter().map(ToString::to_string).collect();
                assert_eq!(answer, Ok(names), "{what}");
            }
            Replied(reply) => {
                let answer = scene.ask(&mut session, command).await.expect(&what);
                assert!(answer.contains(&reply), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_content_that_cannot_be_read_has_no_digest() {
    let mut source = MockFileSource::new();
    source.expect_read().returning(|_, _| Err(disk_full()));
    let file = OpenFile {
        version: Version::new(1),
        bytes: 1,
        modified: Timestamp::default(),
        executable: false,
        source: std::sync::Arc::new(source),
    };
    assert!(matches!(file.sha256().await, Err(StoreError::Failed(_))));
    assert!(open_file(&path("/a")).sha256().await.is_ok());
}

#[tokio::test]
async fn a_grace_that_cannot_be_started_stops_the_start() {
    let mut world = World::new();
    world.policy.delete_abandoned_after = Some(std::time::Duration::ZERO);
    let projects = world.projects.expect_projects();
    projects.returning(|| Err(disk_full()));
    let started = start_grace(&world.build().app).await;
    assert!(matches!(started, Err(StoreError::Failed(_))));
}

/// The decision has been kept and is in force before the room is told.
#[tokio::test]
async fn what_a_room_may_not_hear_of_is_answered_with_500() {
    for (command, kept) in [
        (Command::Announce(Ok("x".into())), Some("announce")),
        (Command::DeleteMessage(Ok(Some(2))), Some("delete")),
        (Command::Slow(Ok(5)), Some("slow")),
        (Command::SendMessage(Ok("x".into())), None),
    ] {
        let mut world = World::new();
        let rooms = &mut world.rooms;
        let say = rooms.expect_say();
        say.returning(|_, _, _, _, _| Err(disk_full().into()));
        rooms.expect_delete().returning(|_, _| Err(disk_full()));
        rooms.expect_slow().returning(|_, _| Err(disk_full()));
        let scene = world.build();
        let mut ana = new_session(1);
        for command in [
            become_streamer(),
            authenticate(ANA, chatting("ana", "ana/demo")),
        ] {
            scene.ask(&mut ana, command).await.expect("may");
        }
        scene.journal.take();
        let answer = scene.ask(&mut ana, command).await;
        assert_eq!(answer, Err(RequestError::Internal), "{kept:?}");
        let kept = kept.map(|word| format!("keep {word} of ana/demo"));
        assert_eq!(scene.journal.take(), Vec::from_iter(kept));
    }
}

/// The asynchronous methods of the traits in a source, as `Trait::method`.
fn async_methods(source: &str) -> Vec<String> {
    let mut of = "";
    let mut methods = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub trait ") {
            of = word(rest);
        } else if let Some(rest) = line.strip_prefix("async fn ") {
            methods.push(format!("{of}::{}", word(rest)));
        }
    }
    methods
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn every_method_that_waits_has_its_failure_case() {
    let known: BTreeSet<_> = rows()
        .iter()
        .map(|row| row.method.to_owned())
        .chain(ELSEWHERE.map(str::to_owned))
        .collect();
    let methods: BTreeSet<_> = SOURCES
        .iter()
        .flat_map(|text| async_methods(text))
        .collect();
    let without: Vec<_> = methods.difference(&known).collect();
    assert!(without.is_empty(), "without a failure case: {without:?}");
    let gone: Vec<_> = known.difference(&methods).collect();
    assert!(gone.is_empty(), "no such method: {gone:?}");
}

#[test]
fn every_port_is_looked_at() {
    let modules = include_str!("ports/mod.rs").lines();
    let modules = modules
        .filter(|line| line.starts_with("pub(crate) mod "))
        .count();
    // Three of them contain no port: the error, the state of the engine, and the stores together.
    assert_eq!(modules - 3, SOURCES.len(), "is a port missing above?");
}

#[test]
fn a_new_method_would_be_found() {
    let source = "pub trait Store: Send {\n    async fn old(&self);\n\n    /// New.\n    \
                  async fn brand_new(\n        &self,\n    ) -> u8;\n    fn quick(&self);\n}";
    assert_eq!(async_methods(source), ["Store::old", "Store::brand_new"]);
}
