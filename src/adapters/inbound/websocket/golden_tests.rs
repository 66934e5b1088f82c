//! Every message and every error as it goes over the wire, in both directions.

use std::time::Duration;

use bytes::Bytes;

use super::convert::read_command;
use super::encode::{self, FilePart, ListedFile};
use super::request::{Context, Reference};
use crate::application::{AuthError, BadParameters, Event, ProjectStatus, Refusal, Reply};
use crate::domain::{
    ChatMessage, FilePath, IdentityError, Outcome, ProjectId, ProjectName, PullRequest,
    PullRequestId, RoomName, Timestamp, UserName, Version,
};

/// The text of a whole frame.
fn text(frame: &Bytes) -> String {
    assert_eq!(frame[0], 0x81, "one whole text frame");
    let header = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    String::from_utf8(frame[header..].to_vec()).expect("UTF-8")
}

fn context(name: Option<&str>) -> Context {
    Context {
        reference: None,
        name: name.map(str::to_owned),
    }
}

fn project() -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("valid"),
        name: ProjectName::parse("demo").expect("valid"),
    }
}

fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("valid")
}

fn message() -> ChatMessage {
    ChatMessage {
        id: 7,
        room: RoomName::parse("ana/demo").expect("valid"),
        username: UserName::parse("bob").expect("valid"),
        text: "h\"i".into(),
        date: Timestamp::from_millis(1_700_000_000_123),
    }
}

fn pull_request() -> PullRequest {
    PullRequest {
        id: PullRequestId::parse("1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07").expect("valid"),
        project: project(),
        owner: UserName::parse("bob").expect("valid"),
        title: "Better".into(),
        description: "".into(),
        date: Timestamp::from_millis(1_700_000_000_123),
        files: vec![path("a")],
        deleted: vec![path("b")],
    }
}

const CHAT: &str =
    r#"{"message":"h\"i","username":"bob","room":"ana/demo","id":7,"date":1700000000123}"#;
const PULL: &str = r#"{"id":"1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07","owner":"bob","title":"Better","description":"","date":1700000000123,"data":1700000000123,"files":["/a"],"deleted":["/b"]}"#;

#[test]
fn every_reply() {
    let status = ProjectStatus {
        streamer: true,
        viewers: 2,
        files: 3,
        bytes: 4,
        max_bytes: 5,
    };
    let user = |name| UserName::parse(name).expect("valid");
    let replies = [
        (Reply::FileAuth, r#"{"code":200,"type":"fileAuth","data":"OK"}"#.to_owned()),
        (Reply::ChatAuth, r#"{"code":200,"type":"chatAuth","data":"OK"}"#.into()),
        (Reply::PullRequestAuth, r#"{"code":200,"type":"pullRequestAuth","data":"OK"}"#.into()),
        (Reply::Authentication, r#"{"code":200,"type":"authentication","data":{"message":"OK","opts":{"sep":"/"}}}"#.into()),
        (Reply::FilePosted, r#"{"code":200,"type":"filePost","message":"OK","data":{"message":"OK","file":"a//b"}}"#.into()),
        (Reply::FileDeleted, r#"{"code":200,"type":"fileDelete","message":"OK","data":{"message":"OK","file":"a//b"}}"#.into()),
        (Reply::FileWatch, r#"{"code":200,"type":"fileWatch","data":"OK"}"#.into()),
        (Reply::FileUnwatch, r#"{"code":200,"type":"fileUnwatch","data":"OK"}"#.into()),
        (Reply::FileStatus(status), r#"{"code":200,"type":"fileStatus","data":{"streamer":true,"viewers":2,"files":3,"bytes":4,"maxBytes":5}}"#.into()),
        (Reply::PullRequestCreation, r#"{"code":200,"type":"pullRequestCreation","data":"OK"}"#.into()),
        (Reply::PullRequestFinish, r#"{"code":200,"type":"pullRequestFinish","data":"OK"}"#.into()),
        (Reply::PullRequestDelete, r#"{"code":200,"type":"pullRequestDelete","data":"OK"}"#.into()),
        (Reply::ChatMessage, r#"{"code":200,"type":"chatMessage","data":"OK"}"#.into()),
        (Reply::ChatHistory(vec![message()]), format!(r#"{{"code":200,"type":"chatHistory","data":[{CHAT}]}}"#)),
        (Reply::ChatMembers(vec![user("ana"), user("bob")]), r#"{"code":200,"type":"chatMembers","data":["ana","bob"]}"#.into()),
        (Reply::ChatLeave, r#"{"code":200,"type":"chatLeave","data":"OK"}"#.into()),
    ];
    for (reply, golden) in &replies {
        assert_eq!(text(&encode::reply(reply, &context(Some("a//b")))), *golden);
        let with = Context {
            reference: Some(Reference::Integer(-1)),
            ..context(Some("a//b"))
        };
        let golden = format!(r#"{},"ref":-1}}"#, &golden[..golden.len() - 1]);
        assert_eq!(text(&encode::reply(reply, &with)), golden);
    }
    // A new reply does not compile until it is counted, and then wants its row above.
    let count = |reply: &Reply| match reply {
        Reply::FileAuth
        | Reply::ChatAuth
        | Reply::PullRequestAuth
        | Reply::Authentication
        | Reply::FilePosted
        | Reply::FileDeleted
        | Reply::FileWatch
        | Reply::FileUnwatch
        | Reply::FileStatus(_)
        | Reply::PullRequestCreation
        | Reply::PullRequestFinish
        | Reply::PullRequestDelete
        | Reply::ChatMessage
        | Reply::ChatHistory(_)
        | Reply::ChatMembers(_)
        | Reply::ChatLeave => 16,
    };
    assert_eq!(count(&replies[0].0), replies.len());
}

#[test]
fn every_answer_that_comes_in_pieces() {
    let with = Context {
        reference: Some(Reference::Text("r".into())),
        name: None,
    };
    let part = FilePart {
        path: &path("a\"b"),
        content: b"abcd",
        part: 2,
        count: 3,
        project: None,
    };
    assert_eq!(
        text(&encode::file_part(&part, with.reference.as_ref())),
        r#"{"code":200,"type":"fileGet","data":{"name":"/a\"b","content":"YWJjZA==","part":2,"maxPart":3},"ref":"r"}"#
    );
    assert_eq!(
        text(&encode::get_done("/", 12, &with)),
        r#"{"code":200,"type":"fileGetDone","data":{"name":"/","files":12},"ref":"r"}"#
    );
    assert_eq!(
        text(&encode::pull_request_got(&with)),
        r#"{"code":200,"type":"pullRequestGet","data":"OK","ref":"r"}"#
    );
    let listed = ListedFile {
        name: "/a".into(),
        size: 1,
        modified: 2,
        sha256: "00ff".into(),
    };
    assert_eq!(
        text(&encode::file_list("/", &[listed], 1, true, &with)),
        r#"{"code":200,"type":"fileList","data":{"name":"/","files":[{"name":"/a","size":1,"modified":2,"sha256":"00ff"}],"part":1,"last":true},"ref":"r"}"#
    );
    assert_eq!(
        text(&encode::pull_request_list(
            &[pull_request()],
            false,
            &context(None)
        )),
        format!(r#"{{"code":200,"type":"pullRequestList","data":[{PULL}],"last":false}}"#)
    );
    assert_eq!(
        text(&encode::pull_request_created(&pull_request())),
        format!(r#"{{"code":200,"type":"pullRequestCreated","data":{PULL}}}"#)
    );
}

#[test]
fn every_event() {
    let version = Version::new(1);
    let updated = |content| Event::FileUpdated {
        project: project(),
        path: path("a"),
        version,
        content,
    };
    let id = pull_request().id;
    let events = [
        (
            updated(Some(Bytes::from_static(b"abcd"))),
            vec![
                r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"YWJj","part":1,"maxPart":2,"username":"ana","project":"demo"}}"#.to_owned(),
                r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"ZA==","part":2,"maxPart":2,"username":"ana","project":"demo"}}"#.to_owned(),
            ],
        ),
        (
            updated(Some(Bytes::new())),
            vec![r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"","part":1,"maxPart":1,"username":"ana","project":"demo"}}"#.to_owned()],
        ),
        (updated(None), vec![]),
        (
            Event::FileDeleted { project: project(), path: path("a"), version },
            vec![r#"{"code":200,"type":"fileDeleted","data":{"message":"OK","file":"/a","username":"ana","project":"demo"}}"#.to_owned()],
        ),
        (
            Event::Presence { project: project(), connected: true },
            vec![r#"{"code":200,"type":"streamerConnected","data":{"username":"ana","project":"demo"}}"#.to_owned()],
        ),
        (
            Event::Presence { project: project(), connected: false },
            vec![r#"{"code":200,"type":"streamerDisconnected","data":{"username":"ana","project":"demo"}}"#.to_owned()],
        ),
        (
            Event::PullRequestCreated(pull_request()),
            vec![format!(r#"{{"code":200,"type":"pullRequestCreated","data":{PULL}}}"#)],
        ),
        (
            Event::PullRequestClosed { id, outcome: Outcome::Merged },
            vec![format!(r#"{{"code":200,"type":"pullRequestClosed","data":{{"id":"{id}","outcome":"merged"}}}}"#)],
        ),
        (
            Event::PullRequestClosed { id, outcome: Outcome::Closed },
            vec![format!(r#"{{"code":200,"type":"pullRequestClosed","data":{{"id":"{id}","outcome":"closed"}}}}"#)],
        ),
        (
            Event::ChatMessage(message()),
            vec![format!(r#"{{"code":200,"type":"chatMessage","data":{CHAT}}}"#)],
        ),
    ];
    for (event, golden) in events {
        let encoded: Vec<_> = encode::event(&event, 3).iter().map(text).collect();
        assert_eq!(encoded, golden);
    }
}

#[test]
fn every_error() {
    let auth = |error: AuthError| Refusal::Unauthorized(error);
    let errors = [
        (
            Refusal::BadParameters(BadParameters::new("no")),
            r#"{"code":400,"type":"badParametersError","message":"no","file":"a//b"}"#,
        ),
        (
            auth(AuthError::NoToken),
            r#"{"code":401,"type":"badAuthError","message":"authenticate first","file":"a//b"}"#,
        ),
        (
            auth(AuthError::BadToken),
            r#"{"code":401,"type":"badAuthError","message":"the token is not valid for this server","file":"a//b"}"#,
        ),
        (
            auth(AuthError::Identity(IdentityError::Expired)),
            r#"{"code":401,"type":"badAuthError","message":"the token has expired; get a new one","file":"a//b"}"#,
        ),
        (
            auth(AuthError::Claims("this")),
            r#"{"code":401,"type":"badAuthError","message":"the token does not allow this","file":"a//b"}"#,
        ),
        (
            auth(AuthError::Role("why")),
            r#"{"code":401,"type":"badAuthError","message":"why","file":"a//b"}"#,
        ),
        (
            Refusal::Muted {
                until: Timestamp::from_millis(1_500),
            },
            r#"{"code":401,"type":"badAuthError","message":"you are muted in this room for now","file":"a//b","until":2}"#,
        ),
        (
            Refusal::UnreadableFile,
            r#"{"code":409,"type":"failReadFileError","message":"File a//b doesn't exist or cannot be read","file":"a//b"}"#,
        ),
        (
            Refusal::UnreadablePath,
            r#"{"code":409,"type":"failReadPathError","message":"Path a//b doesn't exist or cannot be read","path":"a//b"}"#,
        ),
        (
            Refusal::UnwritableFile,
            r#"{"code":409,"type":"failWriteFileError","message":"File a//b cannot be created or written","file":"a//b"}"#,
        ),
        (
            Refusal::LimitExceeded {
                limit: "maxFileBytes",
                value: 9,
            },
            r#"{"code":413,"type":"limitExceededError","message":"the limit maxFileBytes of 9 would be exceeded","file":"a//b"}"#,
        ),
        (
            Refusal::RateLimited {
                retry_after: Duration::from_millis(1_200),
            },
            r#"{"code":429,"type":"rateLimitedError","message":"too many messages; try again in 2 s","file":"a//b","retryAfter":2}"#,
        ),
        (
            Refusal::Internal,
            r#"{"code":500,"type":"internalError","message":"the server could not do this; try again later","file":"a//b"}"#,
        ),
    ];
    for (refusal, golden) in &errors {
        assert_eq!(
            text(&encode::refusal(refusal, &context(Some("a//b")))),
            *golden
        );
    }
    assert_eq!(
        text(&encode::refusal(&Refusal::UnreadablePath, &context(None))),
        r#"{"code":409,"type":"failReadPathError","message":"Path / doesn't exist or cannot be read","path":"/"}"#
    );
    let with = Context {
        reference: Some(Reference::Text("r".into())),
        name: None,
    };
    assert_eq!(
        text(&encode::refusal(&Refusal::Internal, &with)),
        r#"{"code":500,"type":"internalError","message":"the server could not do this; try again later","ref":"r"}"#
    );
}

/// Each request of the contract, and how the command that it becomes shows itself.
#[test]
fn every_request() {
    let of = r#""username":"ana","project":"demo""#;
    let file_section = format!("{{{of}}}");
    let requests = [
        (format!(r#"{{"type":"authenticate","data":{{"token":"t","file":{file_section},"chat":{{"username":"ana","room":"r"}},"pullrequest":{{"username":"bob","streamer":"ana","project":"demo"}}}}}}"#),
            r#"Authenticate(Ok(Authenticate { token: "t", sections: Sections { file: Some(FileSection { username: "ana", project: "demo" }), chat: Some(ChatSection { username: "ana", room: "r" }), pull_request: Some(PullRequestSection { username: "bob", project: "ana"/"demo" }) } }))"#),
        (r#"{"type":"authenticate","data":{"token":"","file":null}}"#.into(), r#"Authenticate(Ok(Authenticate { token: "", sections: Sections { file: None, chat: None, pull_request: None } }))"#),
        (r#"{"type":"authenticate","data":{"token":5}}"#.into(), r#"Authenticate(Err(BadParameters("token must be a text")))"#),
        (r#"{"type":"authenticate"}"#.into(), r#"Authenticate(Err(BadParameters("data must be an object")))"#),
        (r#"{"type":"authenticate","ref":1.5,"data":{"token":""}}"#.into(), r#"Authenticate(Err(BadParameters("ref must be a text of at most 128 bytes or an integer within ±2^53")))"#),
        (format!(r#"{{"type":"file","subtype":"auth","data":{file_section}}}"#), r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Ok(File(FileSection { username: "ana", project: "demo" })) }))"#),
        (r#"{"type":"chat","subtype":"auth","data":{"token":"t","username":"../x","room":"r"}}"#.into(), r#"AuthenticateSection(Ok(AuthenticateSection { token: Some("t"), section: Err(BadParameters("username must not hold / or \\ and must not be . or ..")) }))"#),
        (r#"{"type":"pullrequest","subtype":"auth","data":{"username":"bob","streamer":"ana","project":"demo"}}"#.into(), r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Ok(PullRequest(PullRequestSection { username: "bob", project: "ana"/"demo" })) }))"#),
        (format!(r#"{{"type":"file","subtype":"get","data":{{{of}}}}}"#), r#"GetFiles(Ok(ReadFiles { project: "ana"/"demo", query: PathQuery { path: None, means_folder: true }, recursively: true }))"#),
        (format!(r#"{{"type":"file","subtype":"get","data":{{{of},"name":"/"}}}}"#), r#"GetFiles(Ok(ReadFiles { project: "ana"/"demo", query: PathQuery { path: None, means_folder: true }, recursively: false }))"#),
        (format!(r#"{{"type":"file","subtype":"get","data":{{{of},"name":"src/","recursively":true}}}}"#), r#"GetFiles(Ok(ReadFiles { project: "ana"/"demo", query: PathQuery { path: Some("/src"), means_folder: true }, recursively: true }))"#),
        (format!(r#"{{"type":"file","subtype":"get","data":{{{of},"recursively":"yes"}}}}"#), r#"GetFiles(Err(BadParameters("recursively must be true or false")))"#),
        (format!(r#"{{"type":"file","subtype":"list","data":{{{of},"name":"a"}}}}"#), r#"ListFiles(Ok(ReadFiles { project: "ana"/"demo", query: PathQuery { path: Some("/a"), means_folder: false }, recursively: false }))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a","content":"YWI="}}"#.into(), r#"PostFile(Ok(PostFile { path: "/a", content: b"ab", part: None, chars: 4, padded: true, binary: false }))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","part":1,"maxPart":2147483647}}"#.into(), r#"PostFile(Ok(PostFile { path: "/a", content: b"", part: Some(PartOf { number: Some(1), count: 2147483647 }), chars: 0, padded: false, binary: false }))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","maxPart":2}}"#.into(), r#"PostFile(Ok(PostFile { path: "/a", content: b"", part: Some(PartOf { number: None, count: 2 }), chars: 0, padded: false, binary: false }))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","part":1}}"#.into(), r#"PostFile(Err(BadParameters("part needs maxPart")))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a/","content":""}}"#.into(), r#"PostFile(Err(BadParameters("the name of a file must not end in /")))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":5,"content":""}}"#.into(), r#"PostFile(Err(BadParameters("name must be a text")))"#),
        (r#"{"type":"file","subtype":"post","data":{"name":"a","content":"***"}}"#.into(), r#"PostFile(Err(BadParameters("content must be base64 of the standard alphabet")))"#),
        (r#"{"type":"file","subtype":"delete","data":{"name":"d/"}}"#.into(), r#"DeleteFile(Ok(DeleteFile { path: "/d", means_folder: true }))"#),
        (r#"{"type":"file","subtype":"delete","data":{"name":"/"}}"#.into(), r#"DeleteFile(Err(BadParameters("the name must be that of a file, not of the project's folder")))"#),
        (format!(r#"{{"type":"file","subtype":"watch","data":{{{of}}}}}"#), r#"WatchProject(Ok("ana"/"demo"))"#),
        (format!(r#"{{"type":"file","subtype":"unwatch","data":{{{of}}}}}"#), r#"UnwatchProject(Ok("ana"/"demo"))"#),
        (format!(r#"{{"type":"file","subtype":"status","data":{{{of}}}}}"#), r#"ProjectStatus(Ok("ana"/"demo"))"#),
        (r#"{"type":"pullrequest","subtype":"creation","data":{"title":"t","description":""}}"#.into(), r#"CreatePullRequest(Ok(CreatePullRequest { title: "t", description: "" }))"#),
        (r#"{"type":"pullrequest","subtype":"creation","data":{"title":"t"}}"#.into(), r#"CreatePullRequest(Err(BadParameters("description is missing")))"#),
        (r#"{"type":"pullrequest","subtype":"finish"}"#.into(), "FinishPullRequest"),
        (r#"{"type":"pullrequest","subtype":"get","data":{"id":"1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07"}}"#.into(), "GetPullRequest(Ok(Some(1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07)))"),
        (r#"{"type":"pullrequest","subtype":"get","data":{"id":"src"}}"#.into(), "GetPullRequest(Ok(None))"),
        (r#"{"type":"pullrequest","subtype":"get","data":{"id":7}}"#.into(), r#"GetPullRequest(Err(BadParameters("id must be a text")))"#),
        (r#"{"type":"pullrequest","subtype":"delete","data":{"id":"x","outcome":"merged"}}"#.into(), "DeletePullRequest(Ok(DeletePullRequest { id: None, outcome: Merged }))"),
        (r#"{"type":"pullrequest","subtype":"delete","data":{"id":"x","outcome":"won"}}"#.into(), r#"DeletePullRequest(Err(BadParameters("outcome must be \"merged\" or \"closed\"")))"#),
        (r#"{"type":"pullrequest","subtype":"list"}"#.into(), "ListPullRequests"),
        (r#"{"type":"chat","subtype":"message","data":{"message":"hi","username":"admin"}}"#.into(), r#"SendMessage(Ok("hi"))"#),
        (r#"{"type":"chat","subtype":"message","data":{"message":{}}}"#.into(), r#"SendMessage(Err(BadParameters("message must be a text")))"#),
        (r#"{"type":"chat","subtype":"history"}"#.into(), "ChatHistory(Ok(None))"),
        (r#"{"type":"chat","subtype":"history","data":{"limit":3}}"#.into(), "ChatHistory(Ok(Some(3)))"),
        (r#"{"type":"chat","subtype":"history","data":{"limit":0}}"#.into(), r#"ChatHistory(Err(BadParameters("limit must be an integer of at least 1")))"#),
        (r#"{"type":"chat","subtype":"members"}"#.into(), "ChatMembers"),
        (r#"{"type":"chat","subtype":"leave","data":null}"#.into(), "LeaveRoom"),
        ("[]".into(), r#"Malformed(BadParameters("a message must be one JSON object"))"#),
        (r#"{"type":["file"],"subtype":"get"}"#.into(), r#"Malformed(BadParameters("type must be a text"))"#),
        (r#"{"type":"file","subtype":null}"#.into(), r#"Malformed(BadParameters("subtype must be a text"))"#),
        (r#"{"type":"FILE","subtype":"get"}"#.into(), r#"Malformed(BadParameters("type or subtype is unknown"))"#),
        (r#"{"type":"__proto__","subtype":"x"}"#.into(), r#"Malformed(BadParameters("type or subtype is unknown"))"#),
    ];
    for (request, shown) in requests {
        let (command, _) = read_command(request.as_bytes(), false);
        assert_eq!(format!("{command:?}"), shown, "{request}");
    }
    for part in [
        r#""1""#,
        "1.5",
        "-1",
        "0",
        "true",
        "2147483648",
        "1000000000000000000000000000000",
        "1e3",
        "[]",
    ] {
        for name in ["part", "maxPart"] {
            let other = if name == "part" { "maxPart" } else { "part" };
            let request = format!(
                r#"{{"type":"file","subtype":"post","data":{{"name":"a","content":"","{name}":{part},"{other}":1}}}}"#
            );
            let (command, _) = read_command(request.as_bytes(), false);
            let fault = format!("{name} must be an integer from 1 to 2147483647");
            assert!(
                format!("{command:?}").contains(&fault),
                "{request}: {command:?}"
            );
        }
    }
}
