//! Who may do what: every command × every identity × one's own or a foreign object.
//!
//! A row is one command on one object, a column one identity, a cell the result.

use std::collections::BTreeSet;

use crate::application::command::{Command, DeletePullRequest};
use crate::application::request_error::{BadParameters, RequestError};
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, Scene, World, authenticate, chatting, creation, delete, demo, get, list, new_session,
    other, post, pull_request, separately, streaming, viewing,
};
use crate::domain::{Outcome, PullRequestId, Sections};

/// Who asks. Everybody with a role is in their project's room as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// Has shown no token.
    None,
    /// Was the streamer of `demo`; their token has expired.
    ExpiredStreamer,
    /// Was a viewer of `demo` with an open draft; their token has expired.
    ExpiredViewer,
    /// Views `demo`.
    Viewer,
    /// Views `other`.
    OtherViewer,
    /// Streams `other`.
    OtherStreamer,
    /// Streams `demo`.
    Owner,
    /// Views `demo`, has made a pull request there and has a draft open.
    RequestOwner,
    /// A good token that allows all of `demo`, but no role has been asked for.
    NoRole,
}

use crate::application::rights_tests::Identity::{
    ExpiredStreamer, ExpiredViewer, NoRole, None as Nobody, OtherStreamer, OtherViewer, Owner,
    RequestOwner, Viewer,
};

const IDENTITIES: [Identity; 9] = [
    Nobody,
    ExpiredStreamer,
    ExpiredViewer,
    Viewer,
    OtherViewer,
    OtherStreamer,
    Owner,
    RequestOwner,
    NoRole,
];

/// The result of a command, one letter per cell.
fn letter<T>(answer: &Result<T, RequestError>) -> char {
    match answer {
        Ok(_) => '+',
        Err(RequestError::Unauthorized(_) | RequestError::Muted { .. }) => '1',
        Err(RequestError::BadParameters(_)) => '0',
        Err(
            RequestError::UnreadableFile
            | RequestError::UnreadablePath
            | RequestError::UnwritableFile,
        ) => '9',
        Err(RequestError::LimitExceeded { .. }) => '3',
        Err(RequestError::RateLimited { .. }) => '2',
        Err(RequestError::Internal) => '5',
    }
}

/// Pat's pull request in `demo`.
const IN_DEMO: u128 = 0x7001;
/// Eve's pull request in `other`.
const IN_OTHER: u128 = 0x7002;

fn world(public_read: bool) -> World {
    let mut world = World::new();
    world.policy.public_read = public_read;
    world.limits.max_failed_authentications = u32::MAX;
    world.open = vec![
        pull_request(IN_DEMO, demo(), "pat"),
        pull_request(IN_OTHER, other(), "eve"),
    ];
    world
}

fn with_chat(sections: Sections, user: &str, room: &str) -> Sections {
    Sections {
        chat: chatting(user, room).chat,
        ..sections
    }
}

async fn session_of(identity: Identity, scene: &Scene) -> Session {
    let (token, user, project, streams) = match identity {
        Identity::None => return new_session(1),
        Identity::NoRole => return scene.connect(1, ANA, Sections::default()).await,
        Identity::ExpiredStreamer => ("ana:ana/demo,exp=1001", "ana", "ana/demo", true),
        Identity::ExpiredViewer => ("bob:ana/demo,exp=1001", "bob", "ana/demo", false),
        Identity::Viewer => (BOB, "bob", "ana/demo", false),
        Identity::OtherViewer => ("eve:dan/other", "eve", "dan/other", false),
        Identity::OtherStreamer => ("dan:dan/other", "dan", "dan/other", true),
        Identity::Owner => (ANA, "ana", "ana/demo", true),
        Identity::RequestOwner => ("pat:ana/demo", "pat", "ana/demo", false),
    };
    let role = if streams {
        streaming(project)
    } else {
        viewing(user, project)
    };
    let mut session = scene
        .connect(1, token, with_chat(role, user, project))
        .await;
    if matches!(identity, Identity::ExpiredViewer | Identity::RequestOwner) {
        for command in [creation("title"), post("/mine", "x")] {
            scene
                .ask(&mut session, command)
                .await
                .expect("a viewer may");
        }
    }
    if matches!(
        identity,
        Identity::ExpiredStreamer | Identity::ExpiredViewer
    ) {
        scene.at(1_001);
    }
    scene.journal.take();
    session
}

macro_rules! verbs {
    ($($verb:ident),+ $(,)?) => {
        const VERBS: &[&str] = &[$(stringify!($verb)),+];

        /// No arm for the rest: a new command does not compile until it is named below, and then
        /// fails until it has its rows.
        fn verb(command: &Command) -> &'static str {
            match command {
                $(Command::$verb { .. } => stringify!($verb)),+
            }
        }
    };
}

verbs! {
    Malformed, Authenticate, AuthenticateSection, GetFiles, ListFiles, PostFile, DeleteFile,
    WatchProject, UnwatchProject, ProjectStatus, CreatePullRequest, FinishPullRequest,
    GetPullRequest, DeletePullRequest, ListPullRequests, SendMessage, ChatHistory, ChatMembers,
    LeaveRoom,
}

/// What is asked of which object, the command, and its cells.
type Row = (&'static str, fn() -> Command, &'static str);

fn fault() -> BadParameters {
    BadParameters::new("ill-typed")
}

fn look(number: u128) -> Command {
    Command::GetPullRequest(Ok(Some(PullRequestId::from_u128(number))))
}

fn end(number: u128) -> Command {
    Command::DeletePullRequest(Ok(DeletePullRequest {
        id: Some(PullRequestId::from_u128(number)),
        outcome: Outcome::Closed,
    }))
}

fn inside(number: u128) -> Command {
    let name = format!("/{}/p", PullRequestId::from_u128(number));
    get(demo(), &name, false)
}

fn list_inside(number: u128) -> Command {
    let name = format!("/{}/p", PullRequestId::from_u128(number));
    list(demo(), &name, false)
}

// Columns: none, expired streamer, expired viewer, viewer, other viewer, other streamer, owner,
// owner of the pull request (with a draft), no role.
// Cells: + carried out, 1: 401, 0: 400, 9: 409.

/// Commands that need only a right to read, when everybody has it.
#[rustfmt::skip]
const PUBLIC: [Row; 18] = [
    ("get demo",             || get(demo(), "/", true),                "+++ ++ ++ + +"),
    ("get other",            || get(other(), "/", true),               "+++ ++ ++ + +"),
    ("get ill-typed",        || Command::GetFiles(Err(fault())),       "000 00 00 0 0"),
    ("get in a request",     || inside(IN_DEMO),                       "999 99 9+ 9 9"),
    ("get in a foreign one", || inside(IN_OTHER),                      "999 99 99 9 9"),
    ("list demo",            || list(demo(), "/", true),               "+++ ++ ++ + +"),
    ("list other",           || list(other(), "/", true),              "+++ ++ ++ + +"),
    ("list ill-typed",       || Command::ListFiles(Err(fault())),      "000 00 00 0 0"),
    ("list in a request",    || list_inside(IN_DEMO),                  "999 99 9+ 9 9"),
    ("watch demo",           || Command::WatchProject(Ok(demo())),     "+++ ++ ++ + +"),
    ("watch other",          || Command::WatchProject(Ok(other())),    "+++ ++ ++ + +"),
    ("watch ill-typed",      || Command::WatchProject(Err(fault())),   "000 00 00 0 0"),
    ("unwatch demo",         || Command::UnwatchProject(Ok(demo())),   "+++ ++ ++ + +"),
    ("unwatch other",        || Command::UnwatchProject(Ok(other())),  "+++ ++ ++ + +"),
    ("unwatch ill-typed",    || Command::UnwatchProject(Err(fault())), "000 00 00 0 0"),
    ("status demo",          || Command::ProjectStatus(Ok(demo())),    "+++ ++ ++ + +"),
    ("status other",         || Command::ProjectStatus(Ok(other())),   "+++ ++ ++ + +"),
    ("status ill-typed",     || Command::ProjectStatus(Err(fault())),  "000 00 00 0 0"),
];

/// The same with `publicRead` off.
#[rustfmt::skip]
const PRIVATE: [Row; 18] = [
    ("get demo",             || get(demo(), "/", true),                "111 +1 1+ + +"),
    ("get other",            || get(other(), "/", true),               "111 1+ +1 1 1"),
    ("get ill-typed",        || Command::GetFiles(Err(fault())),       "111 00 00 0 0"),
    ("get in a request",     || inside(IN_DEMO),                       "111 91 1+ 9 9"),
    ("get in a foreign one", || inside(IN_OTHER),                      "111 91 19 9 9"),
    ("list demo",            || list(demo(), "/", true),               "111 +1 1+ + +"),
    ("list other",           || list(other(), "/", true),              "111 1+ +1 1 1"),
    ("list ill-typed",       || Command::ListFiles(Err(fault())),      "111 00 00 0 0"),
    ("list in a request",    || list_inside(IN_DEMO),                  "111 91 1+ 9 9"),
    ("watch demo",           || Command::WatchProject(Ok(demo())),     "111 +1 1+ + +"),
    ("watch other",          || Command::WatchProject(Ok(other())),    "111 1+ +1 1 1"),
    ("watch ill-typed",      || Command::WatchProject(Err(fault())),   "111 00 00 0 0"),
    ("unwatch demo",         || Command::UnwatchProject(Ok(demo())),   "111 +1 1+ + +"),
    ("unwatch other",        || Command::UnwatchProject(Ok(other())),  "111 1+ +1 1 1"),
    ("unwatch ill-typed",    || Command::UnwatchProject(Err(fault())), "111 00 00 0 0"),
    ("status demo",          || Command::ProjectStatus(Ok(demo())),    "111 +1 1+ + +"),
    ("status other",         || Command::ProjectStatus(Ok(other())),   "111 1+ +1 1 1"),
    ("status ill-typed",     || Command::ProjectStatus(Err(fault())),  "111 00 00 0 0"),
];

/// Commands that need a role, whether reading is public or not.
#[rustfmt::skip]
const ROLES: [Row; 27] = [
    ("malformed",          || Command::Malformed(fault()),              "000 00 00 0 0"),
    ("post",               || post("/n", "x"),                          "111 11 ++ + 1"),
    ("post ill-typed",     || Command::PostFile(Err(fault())),          "111 11 00 0 1"),
    ("delete",             || delete("/a"),                             "111 11 ++ + 1"),
    ("delete a draft's",   || delete("/mine"),                          "111 11 99 + 1"),
    ("delete ill-typed",   || Command::DeleteFile(Err(fault())),        "111 11 00 0 1"),
    ("creation",           || creation("title"),                        "111 ++ ++ + 1"),
    ("creation, no title", || creation(""),                             "111 00 00 0 1"),
    ("creation ill-typed", || Command::CreatePullRequest(Err(fault())), "111 00 00 0 1"),
    ("finish",             || Command::FinishPullRequest,               "111 00 00 + 1"),
    ("request in demo",    || look(IN_DEMO),                            "111 00 0+ + 1"),
    ("request in other",   || look(IN_OTHER),                           "111 0+ +0 0 1"),
    ("unknown request",    || look(5),                                  "111 00 00 0 1"),
    ("impossible request", || Command::GetPullRequest(Ok(None)),        "111 00 00 0 1"),
    ("request ill-typed",  || Command::GetPullRequest(Err(fault())),    "111 00 00 0 1"),
    ("end one in demo",    || end(IN_DEMO),                             "111 11 0+ 1 1"),
    ("end one in other",   || end(IN_OTHER),                            "111 11 +0 1 1"),
    ("end an unknown one", || end(5),                                   "111 11 00 1 1"),
    ("end ill-typed",      || Command::DeletePullRequest(Err(fault())), "111 11 00 1 1"),
    ("list requests",      || Command::ListPullRequests,                "111 ++ ++ + 1"),
    ("say",                || Command::SendMessage(Ok("hello".into())), "111 ++ ++ + 1"),
    ("say nothing",        || Command::SendMessage(Ok("".into())),      "111 00 00 0 1"),
    ("say ill-typed",      || Command::SendMessage(Err(fault())),       "111 00 00 0 1"),
    ("history",            || Command::ChatHistory(Ok(None)),           "111 ++ ++ + 1"),
    ("history ill-typed",  || Command::ChatHistory(Err(fault())),       "111 00 00 0 1"),
    ("members",            || Command::ChatMembers,                     "111 ++ ++ + 1"),
    ("leave",              || Command::LeaveRoom,                       "111 ++ ++ + 1"),
];

/// Separate forms without a token: they use the token that the connection holds.
#[rustfmt::skip]
const FORMS: [Row; 9] = [
    ("stream demo",          || separately(None, streaming("ana/demo")),        "111 11 1+ 1 +"),
    ("stream other",         || separately(None, streaming("dan/other")),       "111 11 +1 1 1"),
    ("view demo as ana",     || separately(None, viewing("ana", "ana/demo")),   "111 11 1+ 1 +"),
    ("view demo as bob",     || separately(None, viewing("bob", "ana/demo")),   "111 +1 11 1 1"),
    ("view demo as pat",     || separately(None, viewing("pat", "ana/demo")),   "111 11 11 + 1"),
    ("view other as eve",    || separately(None, viewing("eve", "dan/other")),  "111 1+ 11 1 1"),
    ("chat in demo as ana",  || separately(None, chatting("ana", "ana/demo")),  "111 11 1+ 1 +"),
    ("chat in demo as bob",  || separately(None, chatting("bob", "ana/demo")),  "111 +1 11 1 1"),
    ("chat in other as dan", || separately(None, chatting("dan", "dan/other")), "111 11 +1 1 1"),
];

/// If there is a token, the token counts, whoever presents it.
#[rustfmt::skip]
const TOKENS: [Row; 8] = [
    ("none",             || authenticate("", Sections::default()),                      "111 11 11 1 1"),
    ("expired",          || authenticate("ana:ana/demo,exp=1000", Sections::default()), "111 11 11 1 1"),
    ("ill-typed",        || Command::Authenticate(Err(fault())),                        "000 00 00 0 0"),
    ("ana's, streaming", || authenticate(ANA, streaming("ana/demo")),                   "+++ ++ ++ + +"),
    ("bob's, viewing",   || authenticate(BOB, viewing("bob", "ana/demo")),              "+++ ++ ++ + +"),
    ("bob's, streaming", || authenticate(BOB, streaming("ana/demo")),                   "111 11 11 1 1"),
    ("bob's, his own",   || authenticate(BOB, streaming("bob/demo")),                   "111 11 11 1 1"),
    ("dan's, for demo",  || authenticate("dan:dan/other", streaming("ana/demo")),       "111 11 11 1 1"),
];

async fn check(rows: &[Row], public_read: bool) {
    let mut wrong = Vec::new();
    for (name, command, cells) in rows {
        let cells: Vec<_> = cells.chars().filter(|cell| *cell != ' ').collect();
        assert_eq!(cells.len(), IDENTITIES.len(), "{name}: a cell per identity");
        for (identity, expected) in IDENTITIES.into_iter().zip(cells) {
            let scene = world(public_read).build();
            let mut session = session_of(identity, &scene).await;
            let answer = scene.ask(&mut session, command()).await;
            if letter(&answer) != expected {
                wrong.push(format!(
                    "{name} × {identity:?}: {expected} expected, {answer:?}"
                ));
            }
            let journal = scene.journal.take();
            // What a failed `authenticate` ends is tested elsewhere.
            let is_authenticate = matches!(command(), Command::Authenticate(_));
            if answer.is_err() && !is_authenticate && !journal.is_empty() {
                wrong.push(format!("{name} × {identity:?}: refused, yet {journal:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn everybody_reads_where_reading_is_public() {
    check(&PUBLIC, true).await;
}

#[tokio::test]
async fn only_those_whose_token_names_the_project_read_where_reading_is_not_public() {
    check(&PRIVATE, false).await;
}

#[tokio::test]
async fn each_role_may_do_what_is_its_own() {
    check(&ROLES, true).await;
    check(&ROLES, false).await;
}

#[tokio::test]
async fn a_role_is_had_by_the_token_alone() {
    for public_read in [true, false] {
        check(&FORMS, public_read).await;
        check(&TOKENS, public_read).await;
    }
}

#[test]
fn every_command_has_its_rows() {
    let tables = [&PUBLIC[..], &PRIVATE, &ROLES, &FORMS, &TOKENS];
    let rows = tables.into_iter().flatten();
    let covered: BTreeSet<_> = rows.map(|(_, command, _)| verb(&command())).collect();
    let all: BTreeSet<_> = VERBS.iter().copied().collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[tokio::test]
async fn writes_go_to_the_project_of_ones_own_token_or_the_open_draft() {
    for (identity, expected) in [
        (Owner, "put ana/demo /n \"x\""),
        (OtherStreamer, "put dan/other /n \"x\""),
        (RequestOwner, "draft put /n \"x\""),
    ] {
        let scene = world(true).build();
        let mut session = session_of(identity, &scene).await;
        scene
            .ask(&mut session, post("/n", "x"))
            .await
            .expect("may write");
        assert_eq!(scene.journal.take()[0], expected);
    }
}

#[tokio::test]
async fn no_viewers_token_ever_makes_a_streamer() {
    let claims = ["", ",room=ana/demo", ",exp=3000"];
    let users = ["bob", "Ana", "ana ", "an", "anaa", "dan"];
    let sections = ["ana/demo", "bob/demo", "dan/demo"];
    for user in users {
        for claim in claims {
            for of in sections {
                let scene = world(true).build();
                let token = format!("{user}:ana/demo{claim}");
                for command in [
                    authenticate(&token, streaming(of)),
                    separately(Some(&token), streaming(of)),
                ] {
                    let mut session = new_session(1);
                    let answer = scene.ask(&mut session, command).await;
                    assert_eq!(letter(&answer), '1', "{token} {of}");
                    assert!(!session.roles.streamer, "{token} {of}");
                }
                assert!(scene.journal.take().is_empty(), "{token} {of}");
            }
        }
    }
}

#[tokio::test]
async fn third_parties_see_no_difference_between_a_pull_request_and_none() {
    for identity in [Viewer, OtherViewer, OtherStreamer] {
        let scene = world(true).build();
        let mut session = session_of(identity, &scene).await;
        let there = scene.names(&mut session, look(IN_DEMO)).await;
        let absent = scene.names(&mut session, look(5)).await;
        assert_eq!(there, absent, "{identity:?}");
        let there = scene.names(&mut session, inside(IN_DEMO)).await;
        let absent = scene.names(&mut session, inside(5)).await;
        assert_eq!(there, absent, "{identity:?}");
        let there = scene.ask(&mut session, end(IN_DEMO)).await;
        let absent = scene.ask(&mut session, end(5)).await;
        assert_eq!(there, absent, "{identity:?}");
    }
}
