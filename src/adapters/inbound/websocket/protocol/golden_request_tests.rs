//! Every request of the contract and the command that it is read as.

use crate::adapters::inbound::websocket::protocol::read_command::read_command;
use crate::application::Command;

const COMMANDS: usize = 33;

fn number_of_command(command: &Command) -> usize {
    match command {
        Command::Malformed(_) => 0,
        Command::Authenticate(_) => 1,
        Command::AuthenticateSection(_) => 2,
        Command::GetFiles(_) => 3,
        Command::ListFiles(_) => 4,
        Command::PostFile(_) => 5,
        Command::DeleteFile(_) => 6,
        Command::WatchProject(_) => 7,
        Command::UnwatchProject(_) => 8,
        Command::ProjectStatus(_) => 9,
        Command::CreatePullRequest(_) => 10,
        Command::FinishPullRequest => 11,
        Command::GetPullRequest(_) => 12,
        Command::DeletePullRequest(_) => 13,
        Command::ListPullRequests => 14,
        Command::SendMessage(_) => 15,
        Command::ChatHistory(_) => 16,
        Command::ChatMembers => 17,
        Command::LeaveRoom => 18,
        Command::Focus(_) => 19,
        Command::Listen(_) => 20,
        Command::ApplyPullRequest(_) => 21,
        Command::AcceptPullRequest(_) => 22,
        Command::AppliedPullRequest(_) => 23,
        Command::EnterAsGuest(_) => 24,
        Command::Mute(_) => 25,
        Command::Unmute(_) => 26,
        Command::Ban(_) => 27,
        Command::Unban(_) => 28,
        Command::DeleteMessage(_) => 29,
        Command::Slow(_) => 30,
        Command::Announce(_) => 31,
        Command::ShowModeration => 32,
    }
}

/// What is sent, and the command as `Debug` shows it.
pub(crate) const REQUESTS: &[(&str, &str)] = &[
    (
        r#"{"type":"x","subtype":"y"}"#,
        r#"Malformed(BadParameters("type or subtype is unknown"))"#,
    ),
    (
        r#"{"type":"authenticate","data":{"token":"t","file":{"username":"ana","project":"demo"},"chat":{"username":"ana","room":"ana/demo"},"pullrequest":{"username":"bob","streamer":"ana","project":"demo"}}}"#,
        r#"Authenticate(Ok(Authenticate { token: "t", sections: Sections { file: Some(FileSection { project: "ana"/"demo", streaming: Streaming { present: true, applies: false } }), chat: Some(ChatSection { username: "ana", room: "ana/demo" }), pull_request: Some(PullRequestSection { username: "bob", project: "ana"/"demo" }) } }))"#,
    ),
    (
        r#"{"type":"authenticate","data":{"token":"t","file":{"username":"ana","project":"demo","present":false,"applies":true}}}"#,
        r#"Authenticate(Ok(Authenticate { token: "t", sections: Sections { file: Some(FileSection { project: "ana"/"demo", streaming: Streaming { present: false, applies: true } }), chat: None, pull_request: None } }))"#,
    ),
    (
        r#"{"type":"file","subtype":"auth","data":{"username":"ana","project":"demo","token":"t"}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: Some("t"), section: Ok(Sections { file: Some(FileSection { project: "ana"/"demo", streaming: Streaming { present: true, applies: false } }), chat: None, pull_request: None }) }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"auth","data":{"username":"bob","streamer":"ana","project":"demo","token":"t"}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: Some("t"), section: Ok(Sections { file: None, chat: None, pull_request: Some(PullRequestSection { username: "bob", project: "ana"/"demo" }) }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"list","data":{"username":"ana","project":"demo","name":"d","recursively":true}}"#,
        r#"ListFiles(Ok(ReadFiles { project: "ana"/"demo", files: Ok(FilesQuery { path: PathQuery { path: Some("/d"), means_folder: false }, recursively: true, hashes: true }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"auth","data":{"username":"ana","project":"demo"}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Ok(Sections { file: Some(FileSection { project: "ana"/"demo", streaming: Streaming { present: true, applies: false } }), chat: None, pull_request: None }) }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"auth","data":{"username":"ana","room":"r","token":"t"}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: Some("t"), section: Ok(Sections { file: None, chat: Some(ChatSection { username: "ana", room: "r" }), pull_request: None }) }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"auth","data":{"username":"bob","streamer":"ana","project":"demo"}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Ok(Sections { file: None, chat: None, pull_request: Some(PullRequestSection { username: "bob", project: "ana"/"demo" }) }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"auth","data":{"username":"ana","project":"demo","present":false,"applies":true}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Ok(Sections { file: Some(FileSection { project: "ana"/"demo", streaming: Streaming { present: false, applies: true } }), chat: None, pull_request: None }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"auth","data":{"username":"ana","project":"demo","present":0}}"#,
        r#"AuthenticateSection(Ok(AuthenticateSection { token: None, section: Err(BadParameters("present must be true or false")) }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"listen","data":{"room":"ana/demo"}}"#,
        r#"Listen(Ok("ana/demo"))"#,
    ),
    (
        r#"{"type":"chat","subtype":"listen","data":{}}"#,
        r#"Listen(Err(BadParameters("room is missing")))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"apply","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b"}}"#,
        r"ApplyPullRequest(Ok(ApplyPullRequest { id: Some(9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b), files: None }))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"apply","data":{"id":"7","files":["a"]}}"#,
        r#"ApplyPullRequest(Ok(ApplyPullRequest { id: None, files: Some(["/a"]) }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"apply","data":{"id":"7","files":"a"}}"#,
        r#"ApplyPullRequest(Err(BadParameters("files must be a list of names")))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"accept","data":{"request":7}}"#,
        r"AcceptPullRequest(Ok(7))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"accept","data":{"request":-7}}"#,
        r#"AcceptPullRequest(Err(BadParameters("request must be the number of a question")))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"applied","data":{"request":7,"outcome":"partly","conflicts":["a"],"message":"m"}}"#,
        r#"AppliedPullRequest(Ok(AppliedPullRequest { request: 7, outcome: Partly, conflicts: ["/a"], message: "m" }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"applied","data":{"request":7,"outcome":"declined"}}"#,
        r#"AppliedPullRequest(Ok(AppliedPullRequest { request: 7, outcome: Declined, conflicts: [], message: "" }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"applied","data":{"request":7,"outcome":"done"}}"#,
        r#"AppliedPullRequest(Err(BadParameters("outcome must be \"applied\", \"partly\", \"declined\" or \"failed\"")))"#,
    ),
    (
        r#"{"type":"file","subtype":"get","data":{"username":"ana","project":"demo","name":"d/","recursively":true}}"#,
        r#"GetFiles(Ok(ReadFiles { project: "ana"/"demo", files: Ok(FilesQuery { path: PathQuery { path: Some("/d"), means_folder: true }, recursively: true, hashes: true }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"get","data":{"username":"ana","project":"demo"}}"#,
        r#"GetFiles(Ok(ReadFiles { project: "ana"/"demo", files: Ok(FilesQuery { path: PathQuery { path: None, means_folder: true }, recursively: true, hashes: true }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"list","data":{"username":"ana","project":"demo","name":"/"}}"#,
        r#"ListFiles(Ok(ReadFiles { project: "ana"/"demo", files: Ok(FilesQuery { path: PathQuery { path: None, means_folder: true }, recursively: false, hashes: true }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"list","data":{"username":"ana","project":"demo","hashes":false}}"#,
        r#"ListFiles(Ok(ReadFiles { project: "ana"/"demo", files: Ok(FilesQuery { path: PathQuery { path: None, means_folder: true }, recursively: true, hashes: false }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"list","data":{"username":"ana","project":"demo","hashes":0}}"#,
        r#"ListFiles(Ok(ReadFiles { project: "ana"/"demo", files: Err(BadParameters("hashes must be true or false")) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"./a//b","content":"eA=="}}"#,
        r#"PostFile(Ok(PostFile { path: "/a/b", content: b"x", part: None, chars: 4, padded: true, binary: false, base: None, executable: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"eHl6","part":1,"maxPart":2}}"#,
        r#"PostFile(Ok(PostFile { path: "/a", content: b"xyz", part: Some(PartOf { number: Some(1), count: 2 }), chars: 4, padded: false, binary: false, base: None, executable: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"eHl6","maxPart":2}}"#,
        r#"PostFile(Ok(PostFile { path: "/a", content: b"xyz", part: Some(PartOf { number: None, count: 2 }), chars: 4, padded: false, binary: false, base: None, executable: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","base":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#,
        r#"PostFile(Ok(PostFile { path: "/a", content: b"", part: None, chars: 0, padded: false, binary: false, base: Some(e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855), executable: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","executable":true}}"#,
        r#"PostFile(Ok(PostFile { path: "/a", content: b"", part: None, chars: 0, padded: false, binary: false, base: None, executable: Some(true) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","executable":1}}"#,
        r#"PostFile(Err(BadParameters("executable must be true or false")))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","executable":null,"base":null}}"#,
        r#"PostFile(Ok(PostFile { path: "/a", content: b"", part: None, chars: 0, padded: false, binary: false, base: None, executable: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","base":"E3"}}"#,
        r#"PostFile(Err(BadParameters("base must be a SHA-256 as 64 characters of lower-case hex")))"#,
    ),
    (
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","base":5}}"#,
        r#"PostFile(Err(BadParameters("base must be a text")))"#,
    ),
    (
        r#"{"type":"file","subtype":"delete","data":{"name":"d/"}}"#,
        r#"DeleteFile(Ok(DeleteFile { path: "/d", means_folder: true, base: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"delete","data":{"name":"d","base":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#,
        r#"DeleteFile(Ok(DeleteFile { path: "/d", means_folder: false, base: Some(e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"delete","data":{"name":"d","base":"E3"}}"#,
        r#"DeleteFile(Err(BadParameters("base must be a SHA-256 as 64 characters of lower-case hex")))"#,
    ),
    (
        r#"{"type":"file","subtype":"watch","data":{"username":"ana","project":"demo"}}"#,
        r#"WatchProject(Ok(WatchProject { project: "ana"/"demo", watch: Ok(Watch { contents: All, presence: false }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"watch","data":{"username":"ana","project":"demo","content":["a","/d//b"],"presence":true}}"#,
        r#"WatchProject(Ok(WatchProject { project: "ana"/"demo", watch: Ok(Watch { contents: Of({"/a", "/d/b"}), presence: true }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"watch","data":{"username":"ana","project":"demo","content":false}}"#,
        r#"WatchProject(Ok(WatchProject { project: "ana"/"demo", watch: Ok(Watch { contents: Of({}), presence: false }) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"watch","data":{"username":"ana","project":"demo","content":["a",1]}}"#,
        r#"WatchProject(Ok(WatchProject { project: "ana"/"demo", watch: Err(BadParameters("content must be true, false or a list of at most 256 names")) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"watch","data":{"username":"ana","project":"demo","content":["../a"]}}"#,
        r#"WatchProject(Ok(WatchProject { project: "ana"/"demo", watch: Err(BadParameters("the name must not hold .. segments")) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"focus","data":{"name":"a","line":12}}"#,
        r#"Focus(Ok(Focus { path: "/a", line: Some(12) }))"#,
    ),
    (
        r#"{"type":"file","subtype":"focus","data":{"name":"a"}}"#,
        r#"Focus(Ok(Focus { path: "/a", line: None }))"#,
    ),
    (
        r#"{"type":"file","subtype":"focus","data":{"name":"a","line":0}}"#,
        r#"Focus(Err(BadParameters("line must be an integer from 1 to 2147483647")))"#,
    ),
    (
        r#"{"type":"file","subtype":"unwatch","data":{"username":"ana","project":"demo"}}"#,
        r#"UnwatchProject(Ok("ana"/"demo"))"#,
    ),
    (
        r#"{"type":"file","subtype":"status","data":{"username":"ana","project":"demo"}}"#,
        r#"ProjectStatus(Ok("ana"/"demo"))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"creation","data":{"title":"T","description":""}}"#,
        r#"CreatePullRequest(Ok(CreatePullRequest { title: "T", description: "" }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"creation","data":{"title":"T"}}"#,
        r#"CreatePullRequest(Ok(CreatePullRequest { title: "T", description: "" }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"creation","data":{"title":"T","description":null}}"#,
        r#"CreatePullRequest(Ok(CreatePullRequest { title: "T", description: "" }))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"creation","data":{"title":"T","description":5}}"#,
        r#"CreatePullRequest(Err(BadParameters("description must be a text")))"#,
    ),
    (
        r#"{"type":"pullrequest","subtype":"finish"}"#,
        "FinishPullRequest",
    ),
    (
        r#"{"type":"pullrequest","subtype":"get","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b"}}"#,
        "GetPullRequest(Ok(Some(9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b)))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"get","data":{"id":"src"}}"#,
        "GetPullRequest(Ok(None))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"delete","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b"}}"#,
        "DeletePullRequest(Ok(DeletePullRequest \
         { id: Some(9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b), outcome: Closed }))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"delete","data":{"id":"9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b","outcome":"merged"}}"#,
        "DeletePullRequest(Ok(DeletePullRequest \
         { id: Some(9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b), outcome: Merged }))",
    ),
    (
        r#"{"type":"pullrequest","subtype":"list"}"#,
        "ListPullRequests",
    ),
    (
        r#"{"type":"chat","subtype":"message","data":{"message":"hello"}}"#,
        r#"SendMessage(Ok("hello"))"#,
    ),
    (
        r#"{"type":"chat","subtype":"history"}"#,
        "ChatHistory(Ok(None))",
    ),
    (
        r#"{"type":"chat","subtype":"history","data":{"limit":3}}"#,
        "ChatHistory(Ok(Some(3)))",
    ),
    (r#"{"type":"chat","subtype":"members"}"#, "ChatMembers"),
    (r#"{"type":"chat","subtype":"leave"}"#, "LeaveRoom"),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"bob","seconds":31536000}}"#,
        r#"Mute(Ok(Mute { user: "bob", seconds: 31536000 }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"~bob","seconds":1}}"#,
        r#"Mute(Ok(Mute { user: "~bob", seconds: 1 }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"bob","seconds":31536001}}"#,
        r#"Mute(Err(BadParameters("seconds must be an integer from 1 to 31536000")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"bob","seconds":0}}"#,
        r#"Mute(Err(BadParameters("seconds must be an integer from 1 to 31536000")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"bob"}}"#,
        r#"Mute(Err(BadParameters("seconds must be an integer from 1 to 31536000")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"mute","data":{"username":"a/b","seconds":1}}"#,
        r#"Mute(Err(BadParameters("username must not hold / or \\ and must not be . or ..")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"unmute","data":{"username":"bob"}}"#,
        r#"Unmute(Ok("bob"))"#,
    ),
    (
        r#"{"type":"chat","subtype":"unmute","data":{}}"#,
        r#"Unmute(Err(BadParameters("username is missing")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"ban","data":{"username":"bob","seconds":60}}"#,
        r#"Ban(Ok(Ban { user: "bob", seconds: Some(60) }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"ban","data":{"username":"bob","seconds":null}}"#,
        r#"Ban(Ok(Ban { user: "bob", seconds: None }))"#,
    ),
    (
        r#"{"type":"chat","subtype":"ban","data":{"username":"bob","seconds":0}}"#,
        r#"Ban(Err(BadParameters("seconds must be an integer from 1 to 31536000")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"unban","data":{"username":"bob"}}"#,
        r#"Unban(Ok("bob"))"#,
    ),
    (
        r#"{"type":"chat","subtype":"delete","data":{"id":7}}"#,
        "DeleteMessage(Ok(Some(7)))",
    ),
    (
        r#"{"type":"chat","subtype":"delete","data":{"id":-7}}"#,
        "DeleteMessage(Ok(None))",
    ),
    (
        r#"{"type":"chat","subtype":"delete","data":{"id":"7"}}"#,
        r#"DeleteMessage(Err(BadParameters("id must be the number of a message")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"slow","data":{"seconds":0}}"#,
        "Slow(Ok(0))",
    ),
    (
        r#"{"type":"chat","subtype":"slow","data":{"seconds":3600}}"#,
        "Slow(Ok(3600))",
    ),
    (
        r#"{"type":"chat","subtype":"slow","data":{"seconds":3601}}"#,
        r#"Slow(Err(BadParameters("seconds must be an integer from 0 to 3600")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"announce","data":{"message":"hello"}}"#,
        r#"Announce(Ok("hello"))"#,
    ),
    (
        r#"{"type":"chat","subtype":"announce"}"#,
        r#"Announce(Err(BadParameters("data must be an object")))"#,
    ),
    (
        r#"{"type":"chat","subtype":"moderation"}"#,
        "ShowModeration",
    ),
    (
        r#"{"type":"guest","subtype":"enter","data":{"name":"bob","streamer":"ana","project":"demo"}}"#,
        r#"EnterAsGuest(Ok(EnterAsGuest { project: "ana"/"demo", name: Ok("bob") }))"#,
    ),
    (
        r#"{"type":"guest","subtype":"enter","data":{"name":"~bob","streamer":"ana","project":"demo"}}"#,
        r#"EnterAsGuest(Ok(EnterAsGuest { project: "ana"/"demo", name: Err(BadParameters("name must not start with ~")) }))"#,
    ),
    (
        r#"{"type":"guest","subtype":"enter","data":{"streamer":"ana","project":"demo"}}"#,
        r#"EnterAsGuest(Ok(EnterAsGuest { project: "ana"/"demo", name: Err(BadParameters("name is missing")) }))"#,
    ),
    (
        r#"{"type":"guest","subtype":"enter","data":{"name":"bob","project":"demo"}}"#,
        r#"EnterAsGuest(Err(BadParameters("streamer is missing")))"#,
    ),
    (
        r#"{"type":"guest","subtype":"enter"}"#,
        r#"EnterAsGuest(Err(BadParameters("data must be an object")))"#,
    ),
];

#[test]
fn every_request_of_the_contract_is_read_as_its_command() {
    let mut numbers = Vec::new();
    for (request, expected) in REQUESTS {
        let (command, _) = read_command(request.as_bytes(), false);
        assert_eq!(format!("{command:?}"), *expected, "{request}");
        numbers.push(number_of_command(&command));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..COMMANDS).collect::<Vec<_>>());
}
