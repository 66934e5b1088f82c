//! Every message that the server sends, character by character. A new variant does not compile
//! until it has its number here, and the tests fail until it has its line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::adapters::inbound::websocket::protocol::encode;
use crate::adapters::inbound::websocket::protocol::encode::{FilePart, ListedFile};
use crate::adapters::inbound::websocket::protocol::request::{Context, Reference};
use crate::application::counting::ClosedSet;
use crate::application::{
    ApplyNotice, Event, FileKey, GuestPass, ProjectStatus, Reply, RequestKind,
};
use crate::domain::{
    Abilities, Action, ApplyOutcome, Bound, ChatMessage, ClientAddress, ContentHash, Deed,
    FilePath, GuestAccess, Moderation, Outcome, ProjectEntry, ProjectId, ProjectName, PullRequest,
    PullRequestId, RoomName, Timestamp, UserName, Version,
};

const BASE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ID: &str = "9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b";

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("a name")
}

fn project() -> ProjectId {
    let name = ProjectName::parse("demo").expect("a name");
    ProjectId {
        streamer: user("ana"),
        name,
    }
}

fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("a path")
}

fn said() -> ChatMessage {
    ChatMessage {
        id: 7,
        room: RoomName::parse("ana/demo").expect("a name"),
        username: user("bob"),
        text: "a \"b\"\n".into(),
        date: Timestamp::from_secs(5),
        is_announcement: false,
    }
}

fn proposal() -> PullRequest {
    PullRequest {
        id: PullRequestId::parse(ID).expect("an id"),
        project: project(),
        owner: user("bob"),
        title: "T".into(),
        description: "D".into(),
        date: Timestamp::from_secs(5),
        files: vec![path("a")],
        deleted: vec![path("b")],
        bases: BTreeMap::new(),
        deleted_bases: BTreeMap::new(),
        executable: BTreeMap::new(),
    }
}

/// The same proposal with one more file, a base for one of the two, and a base for the deletion.
fn proposal_with_bases() -> PullRequest {
    PullRequest {
        files: vec![path("a"), path("c")],
        bases: [(path("a"), base())].into(),
        deleted_bases: [(path("b"), base())].into(),
        ..proposal()
    }
}

fn base() -> ContentHash {
    ContentHash::parse(BASE).expect("a hash")
}

pub(crate) fn context(name: Option<&str>, reference: Option<Reference>) -> Context {
    Context {
        reference,
        name: name.map(str::to_owned),
    }
}

/// The text in one whole text frame.
pub(crate) fn text(frame: &Bytes) -> &str {
    assert_eq!(frame[0], 0x81, "a whole text message");
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    std::str::from_utf8(&frame[head..]).expect("UTF-8")
}

/// Every number from 0 on is there.
pub(crate) fn assert_complete(mut numbers: Vec<usize>, count: usize) {
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

const REPLIES: usize = 12;

fn number_of_reply(reply: &Reply) -> usize {
    match reply {
        Reply::Done(_) => 0,
        Reply::FileAuth => 1,
        Reply::ChatAuth => 2,
        Reply::PullRequestAuth => 3,
        Reply::Authentication => 4,
        Reply::FilePosted => 5,
        Reply::FileDeleted => 6,
        Reply::FileStatus(_) => 7,
        Reply::PullRequestApply { .. } => 8,
        Reply::GuestEnter(_) => 9,
        Reply::ChatMute { .. } => 10,
        Reply::ChatBan { .. } => 11,
    }
}

/// A status as it is told to somebody with a name, and to somebody without.
fn statuses() -> [ProjectStatus; 2] {
    let status = ProjectStatus {
        streamer: true,
        viewers: 2,
        files: 3,
        bytes: 4,
        max_bytes: 5,
        folders: 6,
        guests: GuestAccess::Off,
        slow: Some(0),
        you: Abilities {
            user: Some(user("bob")),
            read: true,
            listen: false,
            chat: false,
            propose: true,
            stream: false,
            moderate: false,
        },
        apply: false,
    };
    let to_nobody = ProjectStatus {
        guests: GuestAccess::Propose,
        slow: Some(30),
        you: Abilities {
            user: None,
            listen: true,
            chat: true,
            stream: true,
            moderate: true,
            ..status.you.clone()
        },
        apply: true,
        ..status.clone()
    };
    [status, to_nobody]
}

fn replies() -> Vec<(Reply, &'static str)> {
    let [status, to_nobody] = statuses();
    vec![
        (Reply::FileAuth, r#""type":"fileAuth","data":"OK""#),
        (Reply::ChatAuth, r#""type":"chatAuth","data":"OK""#),
        (
            Reply::PullRequestAuth,
            r#""type":"pullRequestAuth","data":"OK""#,
        ),
        (
            Reply::Authentication,
            r#""type":"authentication","data":{"message":"OK","opts":{"sep":"/"}}"#,
        ),
        (
            Reply::FilePosted,
            r#""type":"filePost","message":"OK","data":{"message":"OK","file":"./a//b"}"#,
        ),
        (
            Reply::FileDeleted,
            r#""type":"fileDelete","message":"OK","data":{"message":"OK","file":"./a//b"}"#,
        ),
        (
            Reply::Done(RequestKind::WatchProject),
            r#""type":"fileWatch","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::UnwatchProject),
            r#""type":"fileUnwatch","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::Focus),
            r#""type":"fileFocus","data":"OK""#,
        ),
        (
            Reply::FileStatus(status),
            r#""type":"fileStatus","data":{"streamer":true,"viewers":2,"files":3,"bytes":4,"maxBytes":5,"folders":6,"guests":"off","slow":0,"you":{"name":"bob","read":true,"listen":false,"chat":false,"propose":true,"stream":false,"apply":false,"moderate":false}}"#,
        ),
        (
            Reply::FileStatus(to_nobody),
            r#""type":"fileStatus","data":{"streamer":true,"viewers":2,"files":3,"bytes":4,"maxBytes":5,"folders":6,"guests":"propose","slow":30,"you":{"name":null,"read":true,"listen":true,"chat":true,"propose":true,"stream":true,"apply":true,"moderate":true}}"#,
        ),
        (
            Reply::Done(RequestKind::CreatePullRequest),
            r#""type":"pullRequestCreation","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::FinishPullRequest),
            r#""type":"pullRequestFinish","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::DeletePullRequest),
            r#""type":"pullRequestDelete","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::SendMessage),
            r#""type":"chatMessage","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::Listen),
            r#""type":"chatListen","data":"OK""#,
        ),
        (
            Reply::PullRequestApply { request: 7 },
            r#""type":"pullRequestApply","data":{"request":7}"#,
        ),
        (
            Reply::Done(RequestKind::AcceptPullRequest),
            r#""type":"pullRequestAccept","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::AppliedPullRequest),
            r#""type":"pullRequestApplied","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::LeaveRoom),
            r#""type":"chatLeave","data":"OK""#,
        ),
        (
            Reply::GuestEnter(guest_pass()),
            r#""type":"guestEnter","data":{"token":"a.b.c","name":"~bob","rights":["read","chat"],"expires":5000}"#,
        ),
    ]
}

#[test]
fn every_reply_is_what_the_contract_says() {
    let table = replies();
    check_replies(&table);
    let moderating = replies_to_moderators();
    check_replies(&moderating);
    assert_complete(
        table
            .iter()
            .chain(&moderating)
            .map(|(reply, _)| number_of_reply(reply))
            .collect(),
        REPLIES,
    );
}

#[test]
fn every_request_has_an_answer_that_is_named_after_it() {
    let kind = |message: &str| {
        let message: serde_json::Value = serde_json::from_str(message).expect("JSON");
        message["type"].as_str().expect("a type").to_owned()
    };
    let told: BTreeSet<_> = messages().iter().map(|message| kind(message)).collect();
    let others = [
        RequestKind::Malformed,
        RequestKind::Authenticate,
        RequestKind::AuthenticateSection,
    ];
    for request in RequestKind::ALL {
        if !others.contains(request) {
            assert!(told.contains(encode::answer_type(*request)), "{request:?}");
        }
    }
}

#[test]
fn only_requests_that_are_answered_with_ok_are_merely_done() {
    let moderating = replies_to_moderators();
    let table = replies();
    let told = table.iter().chain(&moderating);
    let done: BTreeSet<_> = told
        .filter_map(|(reply, _)| match reply {
            Reply::Done(request) => Some(request.name()),
            _ => None,
        })
        .collect();
    for request in RequestKind::ALL {
        let is_done = done.contains(request.name());
        assert_eq!(encode::is_answered_ok(*request), is_done, "{request:?}");
    }
}

fn replies_to_moderators() -> [(Reply, &'static str); 8] {
    let ban = |seconds: Option<u64>, address| Reply::ChatBan {
        user: user("~bob"),
        until: seconds.map(Timestamp::from_secs),
        address,
    };
    let mute = Reply::ChatMute {
        user: user("bob"),
        until: Timestamp::from_millis(4_001),
        address: false,
    };
    [
        (
            mute,
            r#""type":"chatMute","data":{"address":false,"until":5,"username":"bob"}"#,
        ),
        (
            Reply::Done(RequestKind::Unmute),
            r#""type":"chatUnmute","data":"OK""#,
        ),
        (
            ban(Some(5), false),
            r#""type":"chatBan","data":{"username":"~bob","until":5,"address":false}"#,
        ),
        (
            ban(None, true),
            r#""type":"chatBan","data":{"username":"~bob","address":true}"#,
        ),
        (
            Reply::Done(RequestKind::Unban),
            r#""type":"chatUnban","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::DeleteMessage),
            r#""type":"chatDelete","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::Slow),
            r#""type":"chatSlow","data":"OK""#,
        ),
        (
            Reply::Done(RequestKind::Announce),
            r#""type":"chatAnnounce","data":"OK""#,
        ),
    ]
}

/// The answer to `moderation`, and in how many slices it was encoded.
fn encoded_moderation(moderation: &Moderation, reference: Option<Reference>) -> (String, usize) {
    let context = context(None, reference);
    let mut list = encode::chat_moderation(moderation, &context);
    let mut slices = 1;
    while list.encode_slice() {
        slices += 1;
    }
    (text(&list.finish()).to_owned(), slices)
}

fn moderation() -> Moderation {
    let mut moderation = Moderation::default();
    for deed in [
        Deed::Mute(user("pat"), 60),
        Deed::Mute(user("bob"), 30),
        Deed::Ban(user("eve"), Some(9)),
        Deed::Ban(user("~bob"), None),
        Deed::Slow(5),
        Deed::Delete(3, Some(user("bob"))),
        Deed::Delete(2, None),
        Deed::Announce,
        Deed::Unmute(user("pat")),
    ] {
        let addresses = deed
            .user()
            .and_then(UserName::guest)
            .map(|_| ClientAddress(7));
        let action = Action {
            date: Timestamp::from_secs(5),
            by: user("ana"),
            deed,
        };
        let changes = moderation.carry_out(action, addresses, Bound::new(9_999, true));
        assert_eq!(changes, Ok(true));
    }
    moderation
}

#[test]
fn what_moderators_have_decided_is_what_the_contract_says() {
    let nothing = r#"{"code":200,"type":"chatModeration","data":{"muted":[],"banned":[],"slow":0,"log":[]},"ref":"[]"}"#;
    let reference = Reference::Text("[]".into());
    let encoded_nothing = encoded_moderation(&Moderation::default(), Some(reference));
    assert_eq!(encoded_nothing, (nothing.to_owned(), 1));
    let mut moderation = moderation();
    let expected = concat!(
        r#"{"code":200,"type":"chatModeration","data":{"#,
        r#""muted":[{"username":"bob","until":35,"by":"ana","date":5000,"address":false}],"#,
        r#""banned":[{"username":"eve","until":14,"by":"ana","date":5000,"address":false},"#,
        r#"{"username":"~bob","by":"ana","date":5000,"address":true}],"slow":5,"log":["#,
        r#"{"username":"pat","by":"ana","date":5000,"action":"mute","seconds":60},"#,
        r#"{"username":"bob","by":"ana","date":5000,"action":"mute","seconds":30},"#,
        r#"{"username":"eve","by":"ana","date":5000,"action":"ban","seconds":9},"#,
        r#"{"username":"~bob","by":"ana","date":5000,"action":"ban"},"#,
        r#"{"by":"ana","date":5000,"action":"slow","seconds":5},"#,
        r#"{"username":"bob","by":"ana","date":5000,"action":"delete","id":3},"#,
        r#"{"by":"ana","date":5000,"action":"delete","id":2},"#,
        r#"{"by":"ana","date":5000,"action":"announce"},"#,
        r#"{"username":"pat","by":"ana","date":5000,"action":"unmute"}]}}"#,
    );
    assert_eq!(
        encoded_moderation(&moderation, None),
        (expected.to_owned(), 1)
    );
    for number in 0..2_000 {
        let action = Action {
            date: Timestamp::from_secs(5),
            by: user("ana"),
            deed: Deed::Mute(user(&format!("user {number}")), 9),
        };
        moderation
            .carry_out(action, [], Bound::new(9_999, true))
            .expect("has room");
    }
    let (long, slices) = encoded_moderation(&moderation, None);
    assert!(slices > 5, "{slices}");
    let long: serde_json::Value = serde_json::from_str(&long).expect("JSON");
    let lengths =
        ["muted", "banned", "log"].map(|list| long["data"][list].as_array().map(Vec::len));
    assert_eq!(lengths, [Some(2_001), Some(2), Some(200)]);
}

fn guest_pass() -> GuestPass {
    GuestPass {
        token: "a.b.c".into(),
        name: user("~bob"),
        access: GuestAccess::Chat,
        expires: Timestamp::from_secs(5),
    }
}

fn check_replies(table: &[(Reply, &str)]) {
    for (reply, members) in table {
        let plain = encode::reply(reply, &context(Some("./a//b"), None));
        assert_eq!(text(&plain), format!("{{\"code\":200,{members}}}"));
        let number = context(Some("./a//b"), Some(Reference::Integer(-5)));
        let expected = format!("{{\"code\":200,{members},\"ref\":-5}}");
        assert_eq!(text(&encode::reply(reply, &number)), expected);
        let word = context(Some("./a//b"), Some(Reference::Text("ü\"".into())));
        let expected = format!("{{\"code\":200,{members},\"ref\":\"ü\\\"\"}}");
        assert_eq!(text(&encode::reply(reply, &word)), expected);
    }
}

#[test]
fn a_long_list_is_what_the_contract_says_however_many_slices_it_has() {
    let encoded = |messages: &[ChatMessage], reference| {
        let context = context(None, reference);
        let mut list = encode::chat_history(messages, &context);
        let mut slices = 1;
        while list.encode_slice() {
            slices += 1;
        }
        (text(&list.finish()).to_owned(), slices)
    };
    let message =
        r#"{"message":"a \"b\"\n","username":"bob","room":"ana/demo","id":7,"date":5000}"#;
    for count in [0, 1, 2, 1_000] {
        let list = vec![message; count].join(",");
        let expected = format!(r#"{{"code":200,"type":"chatHistory","data":[{list}]}}"#);
        let slices = list.len() / encode::SLICE_BYTES + 1;
        assert_eq!(encoded(&vec![said(); count], None), (expected, slices));
    }
    let reference = Reference::Text("[]".into());
    let expected = r#"{"code":200,"type":"chatHistory","data":[],"ref":"[]"}"#;
    assert_eq!(encoded(&[], Some(reference)), (expected.to_owned(), 1));
    let names = [user("ana"), user("bob")];
    let plain = context(None, None);
    let mut members = encode::chat_members(&names, &plain);
    assert!(!members.encode_slice());
    let expected = r#"{"code":200,"type":"chatMembers","data":["ana","bob"]}"#;
    assert_eq!(text(&members.finish()), expected);
}

const EVENTS: usize = 13;

fn number_of_event(event: &Event) -> usize {
    match event {
        Event::FileUpdated { .. } => 0,
        Event::FileDeleted { .. } => 1,
        Event::Presence { .. } => 2,
        Event::PullRequestCreated(_) => 3,
        Event::PullRequestClosed { .. } => 4,
        Event::ChatMessage(_) => 5,
        Event::FileChanged { .. } => 6,
        Event::ViewersChanged { .. } => 7,
        Event::FocusChanged { .. } => 8,
        Event::Apply(_) => 9,
        Event::ChatDeleted { .. } => 10,
        Event::ChatSlowed { .. } => 11,
        Event::ChatModerated { .. } => 12,
    }
}

fn file() -> Arc<FileKey> {
    Arc::new(FileKey {
        project: project(),
        path: path("d/a"),
    })
}

fn written(executable: bool) -> ProjectEntry {
    ProjectEntry::written(4, Version::new(1), Timestamp::from_secs(5), executable)
}

fn updated(executable: bool, content: &'static [u8]) -> Event {
    Event::FileUpdated {
        file: file(),
        entry: written(executable),
        content: Some(Bytes::from_static(content)),
    }
}

/// The events that are not about watching or applying.
fn events() -> Vec<(Event, Vec<&'static str>)> {
    let presence = |connected| Event::Presence {
        project: project(),
        connected,
    };
    let closed = |outcome| Event::PullRequestClosed {
        id: proposal().id,
        outcome,
    };
    let deleted = Event::FileDeleted {
        file: file(),
        version: Version::new(1),
    };
    vec![
        (
            updated(true, b""),
            vec![
                r#"{"code":200,"type":"fileGet","data":{"name":"/d/a","content":"","part":1,"maxPart":1,"executable":true,"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            updated(false, b""),
            vec![
                r#"{"code":200,"type":"fileGet","data":{"name":"/d/a","content":"","part":1,"maxPart":1,"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            updated(false, b"abcd"),
            vec![
                r#"{"code":200,"type":"fileGet","data":{"name":"/d/a","content":"YWJj","part":1,"maxPart":2,"username":"ana","project":"demo"}}"#,
                r#"{"code":200,"type":"fileGet","data":{"name":"/d/a","content":"ZA==","part":2,"maxPart":2,"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            deleted,
            vec![
                r#"{"code":200,"type":"fileDeleted","data":{"message":"OK","file":"/d/a","username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            presence(true),
            vec![
                r#"{"code":200,"type":"streamerConnected","data":{"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            presence(false),
            vec![
                r#"{"code":200,"type":"streamerDisconnected","data":{"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            Event::PullRequestCreated(proposal()),
            vec![
                r#"{"code":200,"type":"pullRequestCreated","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","owner":"bob","title":"T","description":"D","date":5000,"data":5000,"files":["/a"],"deleted":["/b"]}}"#,
            ],
        ),
        (
            Event::PullRequestCreated(proposal_with_bases()),
            vec![
                r#"{"code":200,"type":"pullRequestCreated","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","owner":"bob","title":"T","description":"D","date":5000,"data":5000,"files":["/a","/c"],"deleted":["/b"],"bases":{"/a":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"deletedBases":{"/b":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}"#,
            ],
        ),
        (
            closed(Outcome::Merged),
            vec![
                r#"{"code":200,"type":"pullRequestClosed","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","outcome":"merged"}}"#,
            ],
        ),
        (
            closed(Outcome::Closed),
            vec![
                r#"{"code":200,"type":"pullRequestClosed","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","outcome":"closed"}}"#,
            ],
        ),
        (
            closed(Outcome::Withdrawn),
            vec![
                r#"{"code":200,"type":"pullRequestClosed","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","outcome":"withdrawn"}}"#,
            ],
        ),
        (
            Event::ChatMessage(said()),
            vec![
                r#"{"code":200,"type":"chatMessage","data":{"message":"a \"b\"\n","username":"bob","room":"ana/demo","id":7,"date":5000}}"#,
            ],
        ),
    ]
}

#[test]
fn every_event_is_what_the_contract_says() {
    let watchers_events = events_of_watchers();
    check_events(&watchers_events);
    let applying = events_of_applying();
    check_events(&applying);
    let table = events();
    check_events(&table);
    let moderated = events_of_moderation();
    check_events(&moderated);
    let all = table.iter().chain(&watchers_events).chain(&applying);
    let all = all.chain(&moderated);
    let all = all.map(|(event, _)| number_of_event(event));
    assert_complete(all.collect(), EVENTS);
}

/// What a room is told of what its moderators do.
fn events_of_moderation() -> [(Event, Vec<&'static str>); 5] {
    let room = said().room;
    let announced = ChatMessage {
        is_announcement: true,
        ..said()
    };
    let moderated = |action, until: Option<u64>| Event::ChatModerated {
        room: said().room,
        action,
        user: user("bob"),
        until: until.map(Timestamp::from_millis),
    };
    let deleted = Event::ChatDeleted {
        room: room.clone(),
        id: 7,
    };
    [
        (
            Event::ChatMessage(announced),
            r#"{"code":200,"type":"chatMessage","data":{"message":"a \"b\"\n","username":"bob","room":"ana/demo","id":7,"date":5000,"announcement":true}}"#,
        ),
        (
            deleted,
            r#"{"code":200,"type":"chatDeleted","data":{"id":7,"room":"ana/demo"}}"#,
        ),
        (
            Event::ChatSlowed { room, seconds: 30 },
            r#"{"code":200,"type":"chatSlowed","data":{"room":"ana/demo","seconds":30}}"#,
        ),
        (
            moderated("mute", Some(4_001)),
            r#"{"code":200,"type":"chatModerated","data":{"room":"ana/demo","action":"mute","username":"bob","until":5}}"#,
        ),
        (
            moderated("unban", None),
            r#"{"code":200,"type":"chatModerated","data":{"room":"ana/demo","action":"unban","username":"bob"}}"#,
        ),
    ]
    .map(|(event, message)| (event, vec![message]))
}

/// What the two connections of a streamer are told of a pull request that one of them wants
/// applied.
fn events_of_applying() -> [(Event, Vec<&'static str>); 5] {
    let id = proposal().id;
    let asked = |files| ApplyNotice::Asked {
        request: 7,
        id,
        files,
    };
    let ended = ApplyNotice::Ended {
        request: 7,
        id,
        outcome: ApplyOutcome::Partly,
        conflicts: [path("a")].into(),
        message: "m".into(),
    };
    let failed = ApplyNotice::Failed {
        request: 7,
        id,
        message: "why",
    };
    let withdrawn = ApplyNotice::Withdrawn { request: 7 };
    [
        (
            asked(None),
            r#"{"code":200,"type":"pullRequestApplyAsked","data":{"request":7,"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b"}}"#,
        ),
        (
            asked(Some([path("a")].into())),
            r#"{"code":200,"type":"pullRequestApplyAsked","data":{"request":7,"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","files":["/a"]}}"#,
        ),
        (
            withdrawn,
            r#"{"code":200,"type":"pullRequestApplyWithdrawn","data":{"request":7}}"#,
        ),
        (
            ended,
            r#"{"code":200,"type":"pullRequestApplyEnded","data":{"request":7,"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","outcome":"partly","conflicts":["/a"],"message":"m"}}"#,
        ),
        (
            failed,
            r#"{"code":409,"type":"failApplyError","message":"why","data":{"request":7,"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b"}}"#,
        ),
    ]
    .map(|(notice, message)| (Event::Apply(notice), vec![message]))
}

fn check_events(table: &[(Event, Vec<&str>)]) {
    for (event, expected) in table {
        let frames = encode::event(event, 3);
        let messages: Vec<_> = frames.iter().map(text).collect();
        assert_eq!(&messages, expected);
    }
}

/// What comes only to those whose `watch` asks for it.
fn events_of_watchers() -> [(Event, Vec<&'static str>); 5] {
    let changed = |executable| Event::FileChanged {
        file: file(),
        entry: written(executable),
    };
    let viewers = Event::ViewersChanged {
        project: project(),
        viewers: 3,
    };
    let focus = |line| Event::FocusChanged {
        file: (*file()).clone(),
        line,
    };
    [
        (
            changed(false),
            vec![
                r#"{"code":200,"type":"fileChanged","data":{"name":"/d/a","size":4,"modified":5000,"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            changed(true),
            vec![
                r#"{"code":200,"type":"fileChanged","data":{"name":"/d/a","size":4,"modified":5000,"executable":true,"username":"ana","project":"demo"}}"#,
            ],
        ),
        (
            viewers,
            vec![
                r#"{"code":200,"type":"viewersChanged","data":{"username":"ana","project":"demo","viewers":3}}"#,
            ],
        ),
        (
            focus(None),
            vec![
                r#"{"code":200,"type":"focusChanged","data":{"username":"ana","project":"demo","name":"/d/a"}}"#,
            ],
        ),
        (
            focus(Some(12)),
            vec![
                r#"{"code":200,"type":"focusChanged","data":{"username":"ana","project":"demo","name":"/d/a","line":12}}"#,
            ],
        ),
    ]
}

fn pieces() -> Vec<(Bytes, &'static str)> {
    let reference = context(None, Some(Reference::Integer(1)));
    let listed = ListedFile {
        name: "/a".into(),
        size: 1,
        modified: 2,
        sha256: Some(BASE.into()),
        executable: Some(true),
    };
    let too_long_to_hash = ListedFile {
        name: "/b".into(),
        size: 3,
        modified: 4,
        sha256: None,
        executable: None,
    };
    let part = FilePart {
        path: &path("a"),
        content: b"x",
        part: 2,
        count: 3,
        base: None,
        executable: None,
        project: None,
    };
    let executable = FilePart {
        path: &path("a"),
        executable: Some(true),
        ..part
    };
    let part_with_a_base = FilePart {
        path: &path("a"),
        base: Some(base()),
        ..part
    };
    vec![
        (
            encode::file_part(&part, None),
            r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"eA==","part":2,"maxPart":3}}"#,
        ),
        (
            encode::file_part(&part, Some(&Reference::Integer(1))),
            r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"eA==","part":2,"maxPart":3},"ref":1}"#,
        ),
        (
            encode::file_part(&executable, None),
            r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"eA==","part":2,"maxPart":3,"executable":true}}"#,
        ),
        (
            encode::file_part(&part_with_a_base, None),
            r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"eA==","part":2,"maxPart":3,"base":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#,
        ),
        (
            encode::get_done("/", 12, &reference),
            r#"{"code":200,"type":"fileGetDone","data":{"name":"/","files":12},"ref":1}"#,
        ),
        (
            encode::file_list("/", &[listed, too_long_to_hash], 1, true, &reference),
            r#"{"code":200,"type":"fileList","data":{"name":"/","files":[{"name":"/a","size":1,"modified":2,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","executable":true},{"name":"/b","size":3,"modified":4}],"part":1,"last":true},"ref":1}"#,
        ),
        (
            encode::file_list("/d", &[], 2, false, &Context::default()),
            r#"{"code":200,"type":"fileList","data":{"name":"/d","files":[],"part":2,"last":false}}"#,
        ),
        (
            encode::pull_request_got(&reference),
            r#"{"code":200,"type":"pullRequestGet","data":"OK","ref":1}"#,
        ),
        (
            encode::pull_request_list(&[], true, &reference),
            r#"{"code":200,"type":"pullRequestList","data":[],"last":true,"ref":1}"#,
        ),
        (
            encode::pull_request_list(&[proposal_with_bases()], true, &Context::default()),
            r#"{"code":200,"type":"pullRequestList","data":[{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","owner":"bob","title":"T","description":"D","date":5000,"data":5000,"files":["/a","/c"],"deleted":["/b"],"bases":{"/a":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"deletedBases":{"/b":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"last":true}"#,
        ),
        (
            encode::pull_request_list(&[proposal()], false, &Context::default()),
            r#"{"code":200,"type":"pullRequestList","data":[{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","owner":"bob","title":"T","description":"D","date":5000,"data":5000,"files":["/a"],"deleted":["/b"]}],"last":false}"#,
        ),
    ]
}

#[test]
fn what_is_sent_piece_by_piece_is_what_the_contract_says() {
    for (frame, expected) in pieces() {
        assert_eq!(text(&frame), expected);
    }
}

/// Every golden message that is no error, as it is encoded.
pub(crate) fn messages() -> Vec<String> {
    let mut frames = Vec::new();
    for (reply, _) in replies().into_iter().chain(replies_to_moderators()) {
        for reference in [None, Some(Reference::Integer(-5))] {
            frames.push(encode::reply(&reply, &context(Some("./a//b"), reference)));
        }
    }
    let watching = events_of_watchers().into_iter();
    let moderated = events_of_moderation();
    for (event, _) in watching
        .chain(events_of_applying())
        .chain(events())
        .chain(moderated)
    {
        frames.extend(encode::event(&event, 3));
    }
    frames.extend(pieces().into_iter().map(|(frame, _)| frame));
    for reference in [None, Some(Reference::Text("r".into()))] {
        let context = context(None, reference);
        let announced = ChatMessage {
            is_announcement: true,
            ..said()
        };
        let said = [said(), announced];
        let mut history = encode::chat_history(&said, &context);
        assert!(!history.encode_slice());
        frames.push(history.finish());
        let names = [user("ana"), user("bob")];
        let mut members = encode::chat_members(&names, &context);
        assert!(!members.encode_slice());
        frames.push(members.finish());
    }
    let mut messages: Vec<_> = frames.iter().map(|frame| text(frame).to_owned()).collect();
    for reference in [None, Some(Reference::Integer(2))] {
        messages.push(encoded_moderation(&moderation(), reference).0);
    }
    messages
}
