//! The protocol: what is sent to the server, as text, and what may come from it, as values. Nothing
//! here acts on anything.

mod requests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::untrusted::Untrusted;
pub use requests::{
    authenticate, delete, focus, get, list, post, pull_request_accept, pull_request_applied,
    pull_request_creation, pull_request_delete, pull_request_finish, pull_request_get,
    pull_requests, status, watch, watch_presence,
};

/// A message from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage {
    /// One part of a file: an answer to a `get`, or a live update.
    Part(FilePart),
    /// A `get` is answered in full.
    GetDone,
    /// Some of a project's files; `last` ends the list.
    List {
        /// The files.
        files: Vec<ListedFile>,
        /// Whether the list ends here.
        last: bool,
    },
    /// A file of ours is stored.
    Posted,
    /// A file is deleted, as we asked.
    DeleteDone,
    /// Somebody deleted a file.
    Deleted {
        /// Its name, not checked yet.
        name: String,
        /// The project, if the server names it.
        project: Option<ProjectOf>,
    },
    /// The streamer came or went.
    Presence {
        /// Whether the streamer is there now.
        connected: bool,
        /// The project, if the server names it.
        project: Option<ProjectOf>,
    },
    /// A pull request for the streamer: a viewer has just sent it, or it was waiting.
    PullRequest(PullRequest),
    /// The whole `authenticate` succeeded.
    Authenticated,
    /// The project's updates will follow.
    Watching,
    /// A request failed, or the server has something to complain about.
    Error(ServerError),
    /// A reply that only one command reads and interprets itself.
    Reply(Reply),
    /// Something that this client does not use.
    Other,
}

/// A reply whose data is passed on unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its type, such as `chatMessage`.
    pub kind: String,
    /// Its data, not checked yet.
    pub data: Value,
    /// Whether no more follow, for an answer in several messages.
    pub last: Option<bool>,
}

/// The replies that are passed on unread, besides all those of the chat.
const LEFT_AS_THEY_CAME: [&str; 13] = [
    "pullRequestCreation",
    "pullRequestFinish",
    "pullRequestGet",
    "pullRequestDelete",
    "pullRequestClosed",
    "fileStatus",
    "pullRequestAuth",
    "pullRequestList",
    "pullRequestApplyAsked",
    "pullRequestApplyWithdrawn",
    "pullRequestAccept",
    "fileFocus",
    "viewersChanged",
];

/// The project that a push is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectOf {
    /// The streamer's name.
    pub username: String,
    /// The project's name.
    pub project: String,
}

/// One part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// As the server sent it, not checked yet.
    pub name: String,
    /// Base64.
    pub content: String,
    /// From 1.
    pub part: u64,
    /// How many parts the file has.
    pub max_part: u64,
    /// Whether the file is executable. In a project the server may not say; in a pull request
    /// `None` means that the author leaves the bit as the project has it.
    pub executable: Option<bool>,
    /// The project, in live updates.
    pub project: Option<ProjectOf>,
}

/// A file in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedFile {
    /// As the server sent it, not checked yet.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Lower-case hex. Empty, and so equal to no content's, if the server has not hashed the file.
    #[serde(default)]
    pub sha256: String,
    /// When the server stored it, in milliseconds since the epoch.
    #[serde(default)]
    pub modified: u64,
    /// Whether the file is executable.
    #[serde(default)]
    pub executable: bool,
}

/// A pull request without the content of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The id that the server gave it.
    pub id: Untrusted,
    /// Who sent it.
    pub owner: Untrusted,
    /// The title that its author gave it.
    pub title: Untrusted,
    /// The description that its author gave it.
    #[serde(default)]
    pub description: Untrusted,
    /// The files that it changes or adds, as the server sent them, not checked yet.
    #[serde(default)]
    pub files: Vec<String>,
    /// The files that it deletes, as the server sent them, not checked yet.
    #[serde(default)]
    pub deleted: Vec<String>,
    /// When it was sent, in milliseconds since the epoch.
    pub date: u64,
    /// For each file, the SHA-256 of the content that it was made from, if its author's client sent
    /// that.
    #[serde(default)]
    pub bases: BTreeMap<String, String>,
    /// For each file to be deleted, the SHA-256 of the content that its author saw, if their client
    /// sent that.
    #[serde(default, rename = "deletedBases")]
    pub deleted_bases: BTreeMap<String, String>,
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The code, 400 or more.
    pub code: u64,
    /// The error's type, such as `badAuthError`.
    pub kind: String,
    /// The server's own words.
    pub message: Untrusted,
    /// The file it is about, if it names one.
    pub file: Option<String>,
    /// Until when it holds, in seconds since the epoch, if it says so.
    pub until: Option<u64>,
    /// After how many seconds another attempt may succeed, if it says so.
    pub retry_after: Option<u64>,
    /// Whether a ban is the reason.
    pub banned: bool,
}

impl ServerError {
    /// The file that the server cannot read, if this error is about one. In the answer about a
    /// whole project such an error does not end the answer.
    pub fn unread_file(&self) -> Option<&str> {
        (self.kind == "failReadFileError")
            .then_some(self.file.as_deref())
            .flatten()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    code: u64,
    r#type: String,
    r#ref: Option<Value>,
    data: Option<Value>,
    message: Option<String>,
    file: Option<String>,
    until: Option<Value>,
    retry_after: Option<Value>,
    banned: Option<Value>,
    last: Option<bool>,
}

/// The most characters kept of an error's message, which is for people.
const ERROR_CHARS_MAX: usize = 1_000;

/// Reads a message: its `ref`, if it answers a request of ours, and its content.
///
/// # Errors
///
/// What is wrong, if the contract does not know such a message.
pub fn parse(text: &str) -> Result<(Option<u64>, ServerMessage), String> {
    let envelope: Envelope = serde_json::from_str(text)
        .map_err(|error| format!("it is not a message of the contract ({error})"))?;
    let reference = envelope.r#ref.as_ref().and_then(Value::as_u64);
    if envelope.code != 200 {
        let mut message = envelope.message.unwrap_or_default();
        let end = message.char_indices().nth(ERROR_CHARS_MAX);
        if let Some((end, _)) = end {
            message.truncate(end);
            message.push('…');
        }
        let message = message.into();
        let error = ServerError {
            code: envelope.code,
            kind: envelope.r#type,
            message,
            file: envelope.file,
            until: envelope.until.as_ref().and_then(whole_seconds),
            retry_after: envelope.retry_after.as_ref().and_then(whole_seconds),
            banned: envelope.banned == Some(Value::Bool(true)),
        };
        return Ok((reference, ServerMessage::Error(error)));
    }
    let kind = envelope.r#type;
    let data = envelope.data.unwrap_or(Value::Null);
    if kind.starts_with("chat") || LEFT_AS_THEY_CAME.contains(&kind.as_str()) {
        let last = envelope.last;
        return Ok((reference, ServerMessage::Reply(Reply { kind, data, last })));
    }
    let message = body(&kind, data)
        .map_err(|error| format!("a `{kind}` without what it must hold ({error})"))?;
    Ok((reference, message))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartData {
    name: String,
    content: String,
    part: u64,
    max_part: u64,
    executable: Option<bool>,
    username: Option<String>,
    project: Option<String>,
}

#[derive(Deserialize)]
struct ListData {
    files: Vec<ListedFile>,
    last: bool,
}

#[derive(Deserialize)]
struct PushData {
    file: Option<String>,
    username: Option<String>,
    project: Option<String>,
}

fn body(kind: &str, data: Value) -> Result<ServerMessage, serde_json::Error> {
    Ok(match kind {
        "fileGet" => {
            let PartData {
                name,
                content,
                part,
                max_part,
                executable,
                username,
                project,
            } = serde_json::from_value(data)?;
            ServerMessage::Part(FilePart {
                name,
                content,
                part,
                max_part,
                executable,
                project: project_of(username, project),
            })
        }
        "fileGetDone" => ServerMessage::GetDone,
        "fileList" => {
            let ListData { files, last } = serde_json::from_value(data)?;
            ServerMessage::List { files, last }
        }
        "filePost" => ServerMessage::Posted,
        "fileDelete" => ServerMessage::DeleteDone,
        "fileDeleted" => {
            let PushData {
                file,
                username,
                project,
            } = serde_json::from_value(data)?;
            ServerMessage::Deleted {
                name: file.unwrap_or_default(),
                project: project_of(username, project),
            }
        }
        "streamerConnected" | "streamerDisconnected" => {
            let PushData {
                username, project, ..
            } = serde_json::from_value(data)?;
            ServerMessage::Presence {
                connected: kind == "streamerConnected",
                project: project_of(username, project),
            }
        }
        "pullRequestCreated" => ServerMessage::PullRequest(serde_json::from_value(data)?),
        "authentication" => ServerMessage::Authenticated,
        "fileWatch" => ServerMessage::Watching,
        _ => ServerMessage::Other,
    })
}

/// A number of seconds, rounded up; numbers in JSON may have fractions.
pub fn whole_seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let seconds = value.as_f64()?.ceil();
        format!("{seconds:.0}").parse().ok()
    })
}

fn project_of(username: Option<String>, project: Option<String>) -> Option<ProjectOf> {
    Some(ProjectOf {
        username: username?,
        project: project?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_live_update_says_whose_project_it_is() {
        let (reference, message) =
            parse(r#"{"code":200,"type":"fileGet","data":{"name":"/a","content":"QQ==","part":1,"maxPart":1,"username":"ana","project":"demo"}}"#).unwrap();
        assert_eq!(reference, None);
        let ServerMessage::Part(part) = message else {
            panic!("{message:?}")
        };
        assert_eq!(
            part.project,
            Some(ProjectOf {
                username: "ana".into(),
                project: "demo".into()
            })
        );
    }

    #[test]
    fn of_an_errors_words_the_beginning_is_kept() {
        let text = json!({"code": 400, "type": "t", "message": "ä".repeat(100_000)}).to_string();
        let Ok((_, ServerMessage::Error(error))) = parse(&text) else {
            panic!("no error");
        };
        assert_eq!(error.message.raw().chars().count(), ERROR_CHARS_MAX + 1);
    }

    #[test]
    fn an_error_keeps_its_reference_and_its_file() {
        let (reference, message) =
            parse(r#"{"code":413,"type":"limitExceededError","message":"maxFileBytes is 5","file":"/a","ref":3}"#).unwrap();
        assert_eq!(reference, Some(3));
        assert!(
            matches!(message, ServerMessage::Error(ServerError { code: 413, file: Some(file), .. }) if file == "/a")
        );
    }

    #[test]
    fn an_error_says_whether_it_is_because_of_a_ban() {
        for (member, expected) in [
            ("", false),
            (r#","banned":true"#, true),
            (r#","banned":false"#, false),
            (r#","banned":"yes""#, false),
        ] {
            let text = format!(r#"{{"code":401,"type":"badAuthError","message":"no"{member}}}"#);
            let (_, message) = parse(&text).unwrap();
            let ServerMessage::Error(error) = message else {
                panic!("no error");
            };
            assert_eq!(error.banned, expected, "{member}");
        }
    }

    #[test]
    fn unknown_members_and_types_are_passed_over_and_nonsense_is_not() {
        assert_eq!(
            parse(r#"{"code":200,"type":"new","data":"OK","more":1}"#),
            Ok((None, ServerMessage::Other))
        );
        assert!(parse("[]").is_err());
        assert!(parse(r#"{"code":200,"type":"fileGet","data":{}}"#).is_err());
    }
}
