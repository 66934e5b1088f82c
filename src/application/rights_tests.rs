//! Who may do what: every command × every identity × one's own or a foreign object.
//!
//! A row is one command on one object, a column is one identity, and a cell is the result.

use std::collections::BTreeSet;

use crate::application::command::{ApplyPullRequest, Ban, Command, DeletePullRequest, Focus, Mute};
use crate::application::request_error::{BadParameters, RequestError};
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, Scene, World, as_guest, authenticate, chatting, creation, delete, demo, get, list,
    new_session, other, path, post, pull_request, separately, streaming, user, viewing, watch,
};
use crate::domain::{Outcome, PullRequestId, RoomName, Sections};

/// Who asks. Anyone with a role is in their project's room as well.
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
    Author,
    /// A good token that allows all of `demo`, but no role has been asked for.
    NoRole,
    /// Views `demo` with a token that is limited to reading.
    Reader,
    /// Views `demo` with a token that makes its bearer a moderator.
    Moderator,
}

use crate::application::rights_tests::Identity::{
    Author, ExpiredStreamer, ExpiredViewer, Moderator, NoRole, None as Nobody, OtherStreamer,
    OtherViewer, Owner, Reader, Viewer,
};

const IDENTITIES: [Identity; 11] = [
    Nobody,
    ExpiredStreamer,
    ExpiredViewer,
    Viewer,
    OtherViewer,
    OtherStreamer,
    Owner,
    Author,
    NoRole,
    Reader,
    Moderator,
];

/// The result of a command, as a cell says it.
fn result<T>(answer: &Result<T, RequestError>) -> &'static str {
    match answer {
        Ok(_) => "yes",
        Err(
            RequestError::Unauthorized(_) | RequestError::Muted { .. } | RequestError::Banned(_),
        ) => "401",
        Err(RequestError::BadParameters(_)) => "400",
        Err(
            RequestError::UnreadableFile
            | RequestError::UnreadablePath
            | RequestError::UnwritableFile
            | RequestError::NotApplied(_)
            | RequestError::NameTaken { .. },
        ) => "409",
        Err(RequestError::LimitExceeded { .. }) => "413",
        Err(RequestError::RateLimited { .. }) => "429",
        Err(RequestError::Internal) => "500",
    }
}

/// A token that is limited to reading `demo`.
const READER: &str = "bob:ana/demo,rights=read";
/// A moderator's token for `demo`.
const MODERATOR: &str = "mod:ana/demo,role=moderator";
/// The streamer's token with a list of all rights, which limits it.
const LIMITED: &str = "ana:ana/demo,rights=read+chat+propose+stream";

/// Pat's pull request in `demo`.
const IN_DEMO: u128 = 0x7001;
/// Eve's pull request in `other`.
const IN_OTHER: u128 = 0x7002;

fn world(public_read: bool) -> World {
    let mut world = World::new();
    world.policy.public.read = public_read;
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
        Identity::Reader => return scene.connect(1, READER, viewing("bob", "ana/demo")).await,
        Identity::ExpiredStreamer => ("ana:ana/demo,exp=1001", "ana", "ana/demo", true),
        Identity::ExpiredViewer => ("bob:ana/demo,exp=1001", "bob", "ana/demo", false),
        Identity::Viewer => (BOB, "bob", "ana/demo", false),
        Identity::OtherViewer => ("eve:dan/other", "eve", "dan/other", false),
        Identity::OtherStreamer => ("dan:dan/other", "dan", "dan/other", true),
        Identity::Owner => (ANA, "ana", "ana/demo", true),
        Identity::Author => ("pat:ana/demo", "pat", "ana/demo", false),
        Identity::Moderator => (MODERATOR, "mod", "ana/demo", false),
    };
    let role = if streams {
        streaming(project)
    } else {
        viewing(user, project)
    };
    let mut session = scene
        .connect(1, token, with_chat(role, user, project))
        .await;
    if matches!(identity, Identity::ExpiredViewer | Identity::Author) {
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
    LeaveRoom, Focus, Listen, ApplyPullRequest, AcceptPullRequest, AppliedPullRequest, EnterAsGuest,
    Mute, Unmute, Ban, Unban, DeleteMessage, Slow, Announce, ShowModeration,
}

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

fn focus(name: &str) -> Command {
    let (path, line) = (path(name), None);
    Command::Focus(Ok(Focus { path, line }))
}

fn apply(number: u128) -> Command {
    let (id, files) = (Some(PullRequestId::from_u128(number)), None);
    Command::ApplyPullRequest(Ok(ApplyPullRequest { id, files }))
}

fn listen(room: &str) -> Command {
    Command::Listen(Ok(RoomName::parse(room).expect("a room")))
}

fn mute(name: &str) -> Command {
    let (user, seconds) = (user(name), 60);
    Command::Mute(Ok(Mute { user, seconds }))
}

fn ban(name: &str) -> Command {
    let (user, seconds) = (user(name), None);
    Command::Ban(Ok(Ban { user, seconds }))
}

fn inside(number: u128) -> Command {
    let name = format!("/{}/p", PullRequestId::from_u128(number));
    get(demo(), &name, false)
}

fn list_inside(number: u128) -> Command {
    let name = format!("/{}/p", PullRequestId::from_u128(number));
    list(demo(), &name, false)
}

/// A row's name and what it asks.
type Named = (&'static str, fn() -> Command);

/// What the rows of all tables ask.
#[rustfmt::skip]
const COMMANDS: [Named; 102] = [
    ("get demo",             || get(demo(), "/", true)),
    ("get other",            || get(other(), "/", true)),
    ("get ill-typed",        || Command::GetFiles(Err(fault()))),
    ("get request in demo",  || inside(IN_DEMO)),
    ("get request in other", || inside(IN_OTHER)),
    ("list demo",            || list(demo(), "/", true)),
    ("list other",           || list(other(), "/", true)),
    ("list ill-typed",       || Command::ListFiles(Err(fault()))),
    ("list request in demo", || list_inside(IN_DEMO)),
    ("watch demo",           || watch(demo())),
    ("watch other",          || watch(other())),
    ("watch ill-typed",      || Command::WatchProject(Err(fault()))),
    ("unwatch demo",         || Command::UnwatchProject(Ok(demo()))),
    ("unwatch other",        || Command::UnwatchProject(Ok(other()))),
    ("unwatch ill-typed",    || Command::UnwatchProject(Err(fault()))),
    ("status demo",          || Command::ProjectStatus(Ok(demo()))),
    ("status other",         || Command::ProjectStatus(Ok(other()))),
    ("status ill-typed",     || Command::ProjectStatus(Err(fault()))),
    ("malformed",            || Command::Malformed(fault())),
    ("post",                 || post("/n", "x")),
    ("post ill-typed",       || Command::PostFile(Err(fault()))),
    ("delete",               || delete("/a")),
    ("delete a draft's",     || delete("/mine")),
    ("delete ill-typed",     || Command::DeleteFile(Err(fault()))),
    ("focus",                || focus("/a")),
    ("focus ill-typed",      || Command::Focus(Err(fault()))),
    ("creation",             || creation("title")),
    ("creation, no title",   || creation("")),
    ("creation ill-typed",   || Command::CreatePullRequest(Err(fault()))),
    ("finish",               || Command::FinishPullRequest),
    ("request in demo",      || look(IN_DEMO)),
    ("request in other",     || look(IN_OTHER)),
    ("unknown request",      || look(5)),
    ("impossible request",   || Command::GetPullRequest(Ok(None))),
    ("request ill-typed",    || Command::GetPullRequest(Err(fault()))),
    ("end one in demo",      || end(IN_DEMO)),
    ("end one in other",     || end(IN_OTHER)),
    ("end an unknown one",   || end(5)),
    ("end ill-typed",        || Command::DeletePullRequest(Err(fault()))),
    ("list requests",        || Command::ListPullRequests),
    ("apply one in demo",    || apply(IN_DEMO)),
    ("apply one in other",   || apply(IN_OTHER)),
    ("apply ill-typed",      || Command::ApplyPullRequest(Err(fault()))),
    ("accept",               || Command::AcceptPullRequest(Ok(1))),
    ("accept ill-typed",     || Command::AcceptPullRequest(Err(fault()))),
    ("applied ill-typed",    || Command::AppliedPullRequest(Err(fault()))),
    ("listen in demo",       || listen("ana/demo")),
    ("listen in other",      || listen("dan/other")),
    ("listen elsewhere",     || listen("lounge")),
    ("listen ill-typed",     || Command::Listen(Err(fault()))),
    ("say",                  || Command::SendMessage(Ok("hello".into()))),
    ("say nothing",          || Command::SendMessage(Ok("".into()))),
    ("say ill-typed",        || Command::SendMessage(Err(fault()))),
    ("history",              || Command::ChatHistory(Ok(None))),
    ("history ill-typed",    || Command::ChatHistory(Err(fault()))),
    ("members",              || Command::ChatMembers),
    ("leave",                || Command::LeaveRoom),
    ("mute bob",             || mute("bob")),
    ("mute the streamer",    || mute("ana")),
    ("mute ill-typed",       || Command::Mute(Err(fault()))),
    ("unmute bob",           || Command::Unmute(Ok(user("bob")))),
    ("unmute ill-typed",     || Command::Unmute(Err(fault()))),
    ("ban bob",              || ban("bob")),
    ("ban the streamer",     || ban("ana")),
    ("ban ill-typed",        || Command::Ban(Err(fault()))),
    ("unban bob",            || Command::Unban(Ok(user("bob")))),
    ("unban ill-typed",      || Command::Unban(Err(fault()))),
    ("delete a message",     || Command::DeleteMessage(Ok(Some(2)))),
    ("delete no message",    || Command::DeleteMessage(Ok(Some(9)))),
    ("delete msg ill-typed", || Command::DeleteMessage(Err(fault()))),
    ("slow",                 || Command::Slow(Ok(5))),
    ("slow ill-typed",       || Command::Slow(Err(fault()))),
    ("announce",             || Command::Announce(Ok("hello".into()))),
    ("announce nothing",     || Command::Announce(Ok("".into()))),
    ("announce ill-typed",   || Command::Announce(Err(fault()))),
    ("moderation",           || Command::ShowModeration),
    ("guest in demo",        || as_guest("ana/demo", Ok("new"))),
    ("guest in other",       || as_guest("dan/other", Ok("new"))),
    ("guest of no name",     || as_guest("ana/demo", Err(fault()))),
    ("guest ill-typed",      || Command::EnterAsGuest(Err(fault()))),
    ("stream demo",          || separately(None, streaming("ana/demo"))),
    ("stream other",         || separately(None, streaming("dan/other"))),
    ("view demo as ana",     || separately(None, viewing("ana", "ana/demo"))),
    ("view demo as bob",     || separately(None, viewing("bob", "ana/demo"))),
    ("view demo as pat",     || separately(None, viewing("pat", "ana/demo"))),
    ("view other as eve",    || separately(None, viewing("eve", "dan/other"))),
    ("chat in demo as ana",  || separately(None, chatting("ana", "ana/demo"))),
    ("chat in demo as bob",  || separately(None, chatting("bob", "ana/demo"))),
    ("chat in other as dan", || separately(None, chatting("dan", "dan/other"))),
    ("empty token",          || authenticate("", Sections::default())),
    ("expired token",        || authenticate("ana:ana/demo,exp=1000", Sections::default())),
    ("ill-typed token",      || Command::Authenticate(Err(fault()))),
    ("ana's, streaming",     || authenticate(ANA, streaming("ana/demo"))),
    ("bob's, viewing",       || authenticate(BOB, viewing("bob", "ana/demo"))),
    ("bob's, streaming",     || authenticate(BOB, streaming("ana/demo"))),
    ("bob's, own project",   || authenticate(BOB, streaming("bob/demo"))),
    ("reader's, viewing",    || authenticate(READER, viewing("bob", "ana/demo"))),
    ("reader's, chatting",   || authenticate(READER, chatting("bob", "ana/demo"))),
    ("limited, viewing",     || authenticate(LIMITED, viewing("ana", "ana/demo"))),
    ("limited, chatting",    || authenticate(LIMITED, chatting("ana", "ana/demo"))),
    ("limited, streaming",   || authenticate(LIMITED, streaming("ana/demo"))),
    ("dan's, for demo",      || authenticate("dan:dan/other", streaming("ana/demo"))),
];

// The two lines above the rows name the identity of each column. A dot stands for no word.
// Cells: `yes` where the command is carried out, otherwise the code of the error.

/// Commands that need at most a right to read, where everybody has it.
const PUBLIC: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
get demo              yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
get other             yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
get ill-typed         400     400       400      400     400     400       400    400     400   400 400
get request in demo   409     409       409      409     409     409       yes    409     409   409 409
get request in other  409     409       409      409     409     409       409    409     409   409 409
list demo             yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
list other            yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
list ill-typed        400     400       400      400     400     400       400    400     400   400 400
list request in demo  409     409       409      409     409     409       yes    409     409   409 409
watch demo            yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
watch other           yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
watch ill-typed       400     400       400      400     400     400       400    400     400   400 400
unwatch demo          yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
unwatch other         yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
unwatch ill-typed     400     400       400      400     400     400       400    400     400   400 400
status demo           yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
status other          yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
status ill-typed      400     400       400      400     400     400       400    400     400   400 400
guest in demo         yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
guest in other        yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
guest of no name      400     400       400      400     400     400       400    400     400   400 400
guest ill-typed       400     400       400      400     400     400       400    400     400   400 400
";

/// The same commands with `publicRead` off.
const PRIVATE: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
get demo              401     401       401      yes     401     401       yes    yes     yes   yes yes
get other             401     401       401      401     yes     yes       401    401     401   401 401
get ill-typed         401     401       401      400     400     400       400    400     400   400 400
get request in demo   401     401       401      409     401     401       yes    409     409   409 409
get request in other  401     401       401      409     401     401       409    409     409   409 409
list demo             401     401       401      yes     401     401       yes    yes     yes   yes yes
list other            401     401       401      401     yes     yes       401    401     401   401 401
list ill-typed        401     401       401      400     400     400       400    400     400   400 400
list request in demo  401     401       401      409     401     401       yes    409     409   409 409
watch demo            401     401       401      yes     401     401       yes    yes     yes   yes yes
watch other           401     401       401      401     yes     yes       401    401     401   401 401
watch ill-typed       401     401       401      400     400     400       400    400     400   400 400
unwatch demo          401     401       401      yes     401     401       yes    yes     yes   yes yes
unwatch other         401     401       401      401     yes     yes       401    401     401   401 401
unwatch ill-typed     401     401       401      400     400     400       400    400     400   400 400
status demo           401     401       401      yes     401     401       yes    yes     yes   yes yes
status other          401     401       401      401     yes     yes       401    401     401   401 401
status ill-typed      401     401       401      400     400     400       400    400     400   400 400
guest in demo         401     401       401      yes     401     401       yes    yes     yes   yes yes
guest in other        401     401       401      401     yes     yes       401    401     401   401 401
guest of no name      401     401       401      400     401     401       400    400     400   400 400
guest ill-typed       401     401       401      400     400     400       400    400     400   400 400
";

/// Commands that need a role, whether reading is public or not.
const ROLES: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
malformed             400     400       400      400     400     400       400    400     400   400 400
post                  401     401       401      401     401     yes       yes    yes     401   401 401
post ill-typed        401     401       401      401     401     400       400    400     401   401 401
delete                401     401       401      401     401     yes       yes    yes     401   401 401
delete a draft's      401     401       401      401     401     409       409    yes     401   401 401
delete ill-typed      401     401       401      401     401     400       400    400     401   401 401
focus                 401     401       401      401     401     yes       yes    401     401   401 401
focus ill-typed       401     401       401      401     401     400       400    401     401   401 401
creation              401     401       401      yes     yes     yes       yes    yes     401   401 yes
creation, no title    401     401       401      400     400     400       400    400     401   401 400
creation ill-typed    401     401       401      400     400     400       400    400     401   401 400
finish                401     401       401      400     400     400       400    yes     401   401 400
request in demo       401     401       401      400     400     400       yes    yes     401   400 400
request in other      401     401       401      400     yes     yes       400    400     401   400 400
unknown request       401     401       401      400     400     400       400    400     401   400 400
impossible request    401     401       401      400     400     400       400    400     401   400 400
request ill-typed     401     401       401      400     400     400       400    400     401   400 400
end one in demo       401     401       401      400     400     400       yes    yes     401   400 400
end one in other      401     401       401      400     yes     yes       400    400     401   400 400
end an unknown one    401     401       401      400     400     400       400    400     401   400 400
end ill-typed         401     401       401      400     400     400       400    400     401   400 400
list requests         401     401       401      yes     yes     yes       yes    yes     401   yes yes
apply one in demo     401     401       401      401     401     400       409    401     401   401 401
apply one in other    401     401       401      401     401     409       400    401     401   401 401
apply ill-typed       401     401       401      401     401     400       400    401     401   401 401
accept                401     401       401      401     401     409       409    401     401   401 401
accept ill-typed      401     401       401      401     401     400       400    401     401   401 401
applied ill-typed     401     401       401      401     401     400       400    401     401   401 401
listen in demo        401     401       401      401     401     401       401    401     401   401 401
listen in other       401     401       401      401     401     401       401    401     401   401 401
listen elsewhere      401     401       401      401     401     401       401    401     401   401 401
listen ill-typed      401     401       401      401     401     401       401    401     401   401 401
say                   401     401       401      yes     yes     yes       yes    yes     401   401 yes
say nothing           401     401       401      400     400     400       400    400     401   401 400
say ill-typed         401     401       401      400     400     400       400    400     401   401 400
history               401     401       401      yes     yes     yes       yes    yes     401   401 yes
history ill-typed     401     401       401      400     400     400       400    400     401   401 400
members               401     401       401      yes     yes     yes       yes    yes     401   401 yes
leave                 401     401       401      yes     yes     yes       yes    yes     401   401 yes
";

/// Commands of moderators, each in the project that their token names.
const MODERATION: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
mute bob              401     401       401      401     401     yes       yes    401     yes   401   yes
mute the streamer     401     401       401      401     401     yes       400    401     400   401   400
mute ill-typed        401     401       401      401     401     400       400    401     400   401   400
unmute bob            401     401       401      401     401     yes       yes    401     yes   401   yes
unmute ill-typed      401     401       401      401     401     400       400    401     400   401   400
ban bob               401     401       401      401     401     yes       yes    401     yes   401   yes
ban the streamer      401     401       401      401     401     yes       400    401     400   401   400
ban ill-typed         401     401       401      401     401     400       400    401     400   401   400
unban bob             401     401       401      401     401     yes       yes    401     yes   401   yes
unban ill-typed       401     401       401      401     401     400       400    401     400   401   400
delete a message      401     401       401      401     401     yes       yes    401     yes   401   yes
delete no message     401     401       401      401     401     400       400    401     400   401   400
delete msg ill-typed  401     401       401      401     401     400       400    401     400   401   400
slow                  401     401       401      401     401     yes       yes    401     yes   401   yes
slow ill-typed        401     401       401      401     401     400       400    401     400   401   400
announce              401     401       401      401     401     yes       yes    401     yes   401   yes
announce nothing      401     401       401      401     401     400       400    401     400   401   400
announce ill-typed    401     401       401      401     401     400       400    401     400   401   400
moderation            401     401       401      401     401     yes       yes    401     yes   401   yes
";

/// Separate forms without a token: they use the one that the connection holds.
const FORMS: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
stream demo           401     401       401      401     401     401       yes    401     yes   401 401
stream other          401     401       401      401     401     yes       401    401     401   401 401
view demo as ana      401     401       401      401     401     401       yes    401     yes   401 401
view demo as bob      401     401       401      yes     401     401       401    401     401   yes 401
view demo as pat      401     401       401      401     401     401       401    yes     401   401 401
view other as eve     401     401       401      401     yes     401       401    401     401   401 401
chat in demo as ana   401     401       401      401     401     401       yes    401     yes   401 401
chat in demo as bob   401     401       401      yes     401     401       401    401     401   401 401
chat in other as dan  401     401       401      401     401     yes       401    401     401   401 401
";

/// Separate forms with a token: only that token counts, no matter who shows it.
const TOKENS: &str = "
                      ·       expired   expired  ·       other   other     ·      ·       no    read  ·
                      nobody  streamer  viewer   viewer  viewer  streamer  owner  author  role  only  moderator
empty token           401     401       401      401     401     401       401    401     401   401 401
expired token         401     401       401      401     401     401       401    401     401   401 401
ill-typed token       400     400       400      400     400     400       400    400     400   400 400
ana's, streaming      yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
bob's, viewing        yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
bob's, streaming      401     401       401      401     401     401       401    401     401   401 401
bob's, own project    401     401       401      401     401     401       401    401     401   401 401
reader's, viewing     yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
reader's, chatting    401     401       401      401     401     401       401    401     401   401 401
limited, viewing      yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
limited, chatting     yes     yes       yes      yes     yes     yes       yes    yes     yes   yes yes
limited, streaming    401     401       401      401     401     401       401    401     401   401 401
dan's, for demo       401     401       401      401     401     401       401    401     401   401 401
";

/// A row's name, and the result for each identity.
type Row = (&'static str, Vec<(Identity, &'static str)>);

/// The rows of a table, whose columns are found by their names.
fn rows(table: &'static str) -> Vec<Row> {
    let mut lines = table.lines().filter(|line| !line.is_empty());
    let mut words = || {
        lines
            .next()
            .expect("a header of two lines")
            .split_whitespace()
    };
    let columns: Vec<_> = words()
        .zip(words())
        .map(|(first, second)| identity(format!("{first} {second}").trim_start_matches("· ")))
        .collect();
    for one in IDENTITIES {
        let count = columns.iter().filter(|column| **column == one).count();
        assert_eq!(count, 1, "columns of {one:?}");
    }
    lines.map(|line| row(line, &columns)).collect()
}

/// A row: a name of at most 20 characters, then a cell for each column.
fn row(line: &'static str, columns: &[Identity]) -> Row {
    let (name, cells) = line.split_at(20);
    let cells: Vec<_> = cells.split_whitespace().collect();
    assert_eq!(cells.len(), columns.len(), "{line}: a cell per identity");
    let cells = columns.iter().copied().zip(cells).collect();
    (name.trim_end(), cells)
}

/// The identity that a column is headed with.
fn identity(heading: &str) -> Identity {
    match heading {
        "nobody" => Nobody,
        "expired streamer" => ExpiredStreamer,
        "expired viewer" => ExpiredViewer,
        "viewer" => Viewer,
        "other viewer" => OtherViewer,
        "other streamer" => OtherStreamer,
        "owner" => Owner,
        "author" => Author,
        "no role" => NoRole,
        "read only" => Reader,
        "· moderator" | "moderator" => Moderator,
        unknown => panic!("no identity is called {unknown}"),
    }
}

fn command(row: &str) -> Command {
    let found = COMMANDS.iter().find(|(name, _)| *name == row);
    let (_, command) = found.unwrap_or_else(|| panic!("no command is called {row}"));
    command()
}

async fn check(table: &'static str, public_read: bool) {
    let mut wrong = Vec::new();
    for (name, cells) in rows(table) {
        for (identity, expected) in cells {
            let scene = world(public_read).build();
            let mut session = session_of(identity, &scene).await;
            let answer = scene.ask(&mut session, command(name)).await;
            if result(&answer) != expected {
                wrong.push(format!(
                    "{name} × {identity:?}: {expected} expected, {answer:?}"
                ));
            }
            let journal = scene.journal.take();
            // A failed `authenticate` ends things, so it is left out here.
            let is_authenticate = matches!(command(name), Command::Authenticate(_));
            if answer.is_err() && !is_authenticate && !journal.is_empty() {
                wrong.push(format!("{name} × {identity:?}: refused, yet {journal:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn everybody_reads_where_reading_is_public() {
    check(PUBLIC, true).await;
}

#[tokio::test]
async fn only_those_whose_token_names_the_project_read_where_reading_is_not_public() {
    check(PRIVATE, false).await;
}

#[tokio::test]
async fn each_role_may_do_what_is_its_own() {
    check(ROLES, true).await;
    check(ROLES, false).await;
}

#[tokio::test]
async fn streamers_and_moderators_moderate_the_project_of_their_token_and_nobody_else_does() {
    check(MODERATION, true).await;
    check(MODERATION, false).await;
}

#[tokio::test]
async fn a_role_is_had_by_the_token_alone() {
    for public_read in [true, false] {
        check(FORMS, public_read).await;
        check(TOKENS, public_read).await;
    }
}

#[test]
fn every_command_has_its_rows() {
    let tables = [PUBLIC, PRIVATE, ROLES, MODERATION, FORMS, TOKENS].map(rows);
    assert_eq!(tables.each_ref().map(Vec::len), [22, 22, 39, 19, 9, 13]);
    let asked: BTreeSet<_> = tables.iter().flatten().map(|(name, _)| *name).collect();
    let named: BTreeSet<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named.len(), COMMANDS.len(), "a name for each command");
    assert_eq!(asked, named, "a row for each command");
    let covered: BTreeSet<_> = asked.into_iter().map(|name| verb(&command(name))).collect();
    let all: BTreeSet<_> = VERBS.iter().copied().collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[tokio::test]
async fn writes_go_to_the_project_of_ones_own_token_or_the_open_draft() {
    for (identity, expected) in [
        (Owner, "put ana/demo /n \"x\""),
        (OtherStreamer, "put dan/other /n \"x\""),
        (Author, "draft put /n \"x\""),
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
                    assert_eq!(result(&answer), "401", "{token} {of}");
                    assert!(session.roles.streamer.is_none(), "{token} {of}");
                }
                assert!(scene.journal.take().is_empty(), "{token} {of}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_gives_no_more_than_its_rights() {
    for number in 0..16 {
        let (public_read, bits) = (number & 8 > 0, number & 7);
        let all = [("read", 1), ("chat", 2), ("propose", 4)];
        let words: Vec<_> = all.iter().filter(|(_, bit)| bits & bit > 0).collect();
        let words: Vec<_> = words.into_iter().map(|(word, _)| *word).collect();
        let token = format!("bob:ana/demo,rights={}", words.join("+"));
        let [read, chat, propose] = all.map(|(_, bit)| bits & bit > 0);
        let scene = world(public_read).build();
        let mut session = scene.connect(1, &token, Sections::default()).await;
        let cell = |allowed: bool| if allowed { "yes" } else { "401" };
        let looks = public_read || read;
        let talks = chat && looks;
        for (command, expected) in [
            ("get demo", cell(looks)),
            ("list demo", cell(looks)),
            ("status demo", cell(looks)),
            ("watch demo", cell(looks)),
            ("stream demo", "401"),
            ("view demo as bob", cell(read)),
            ("chat in demo as bob", cell(talks)),
            ("say", cell(talks)),
            ("history", cell(talks)),
            ("members", cell(talks)),
            ("list requests", cell(read)),
            ("unknown request", if read { "400" } else { "401" }),
            ("end an unknown one", if read { "400" } else { "401" }),
            ("creation", cell(read && propose)),
            ("post", cell(read && propose)),
            ("finish", cell(read && propose)),
        ] {
            let answer = scene.ask(&mut session, self::command(command)).await;
            assert_eq!(
                result(&answer),
                expected,
                "{token}, {public_read}: {command}"
            );
        }
        let updates = scene.journal.take();
        let updates = updates.contains(&"subscribe #1 updates ana/demo".to_owned());
        assert_eq!(updates, looks, "{token}, {public_read}");
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
