//! From answers and events of the application to messages as they go over the wire (protocol,
//! sections 2 to 7). Each error maps to exactly one wire error.

use bytes::Bytes;
use serde::Serialize;

use super::base64_content;
use super::request::{Context, Reference};
use crate::adapters::inbound::transport::frame::{self, FrameBuilder};
use crate::application::{Event, ProjectStatus, Refusal, Reply};
use crate::domain::{ChatMessage, FilePath, Outcome, ProjectId, PullRequest, Timestamp};

/// How many characters a message takes besides name and content, at the most. A guess that is
/// too small costs one reallocation.
const ENVELOPE_CHARS: usize = 160;

/// `OK`, as data or message.
const OK: &str = "OK";

#[derive(Serialize)]
struct Success<'a, D> {
    code: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<bool>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Reference>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// Seconds since the epoch, as the claim `mutedUntil` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Reference>,
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and lists of them: there is nothing here that cannot be written.
    serde_json::to_vec(value).unwrap_or_default()
}

/// A whole text frame with `value` as its text.
fn message(value: &impl Serialize) -> Bytes {
    frame::text(&json(value))
}

fn success<D: Serialize>(kind: &'static str, data: D, reference: Option<&Reference>) -> Bytes {
    message(&Success {
        code: 200,
        kind,
        message: None,
        data,
        last: None,
        reference,
    })
}

#[derive(Serialize)]
struct Stored<'a> {
    message: &'static str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
}

fn stored(kind: &'static str, context: &Context) -> Bytes {
    let file = context.name.as_deref().unwrap_or_default();
    let data = Stored {
        message: OK,
        file,
        username: None,
        project: None,
    };
    let reference = context.reference.as_ref();
    message(&Success {
        code: 200,
        kind,
        message: Some(OK),
        data,
        last: None,
        reference,
    })
}

/// One message that answers a request.
pub(super) fn reply(reply: &Reply, context: &Context) -> Bytes {
    let ok = |kind| success(kind, OK, context.reference.as_ref());
    match reply {
        Reply::FileAuth => ok("fileAuth"),
        Reply::ChatAuth => ok("chatAuth"),
        Reply::PullRequestAuth => ok("pullRequestAuth"),
        Reply::Authentication => authentication(context),
        Reply::FilePosted => stored("filePost", context),
        Reply::FileDeleted => stored("fileDelete", context),
        Reply::FileWatch => ok("fileWatch"),
        Reply::FileUnwatch => ok("fileUnwatch"),
        Reply::FileStatus(status) => file_status(*status, context),
        Reply::PullRequestCreation => ok("pullRequestCreation"),
        Reply::PullRequestFinish => ok("pullRequestFinish"),
        Reply::PullRequestDelete => ok("pullRequestDelete"),
        Reply::ChatMessage => ok("chatMessage"),
        Reply::ChatHistory(messages) => {
            let data: Vec<_> = messages.iter().map(WireChatMessage::from).collect();
            success("chatHistory", data, context.reference.as_ref())
        }
        Reply::ChatMembers(names) => {
            let data: Vec<_> = names.iter().map(crate::domain::UserName::as_str).collect();
            success("chatMembers", data, context.reference.as_ref())
        }
        Reply::ChatLeave => ok("chatLeave"),
    }
}

fn authentication(context: &Context) -> Bytes {
    #[derive(Serialize)]
    struct Options {
        sep: &'static str,
    }
    #[derive(Serialize)]
    struct Authenticated {
        message: &'static str,
        opts: Options,
    }
    let data = Authenticated {
        message: OK,
        opts: Options { sep: "/" },
    };
    success("authentication", data, context.reference.as_ref())
}

fn file_status(status: ProjectStatus, context: &Context) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        streamer: bool,
        viewers: usize,
        files: u64,
        bytes: u64,
        max_bytes: u64,
    }
    let ProjectStatus {
        streamer,
        viewers,
        files,
        bytes,
        max_bytes,
    } = status;
    let data = Status {
        streamer,
        viewers,
        files,
        bytes,
        max_bytes,
    };
    success("fileStatus", data, context.reference.as_ref())
}

/// That all of `pullrequest`/`get` has been sent.
pub(super) fn pull_request_got(context: &Context) -> Bytes {
    success("pullRequestGet", OK, context.reference.as_ref())
}

/// That all of `file`/`get` has been sent, for a request that carried a `ref`.
pub(super) fn get_done(name: &str, files: u64, context: &Context) -> Bytes {
    #[derive(Serialize)]
    struct Done<'a> {
        name: &'a str,
        files: u64,
    }
    success(
        "fileGetDone",
        Done { name, files },
        context.reference.as_ref(),
    )
}

/// One file of a `list`.
#[derive(Debug, Serialize)]
pub(super) struct ListedFile {
    pub name: String,
    pub size: u64,
    pub modified: u64,
    pub sha256: String,
}

/// One message of a `list`; `part` counts from 1.
pub(super) fn file_list(
    name: &str,
    files: &[ListedFile],
    part: u32,
    last: bool,
    context: &Context,
) -> Bytes {
    #[derive(Serialize)]
    struct List<'a> {
        name: &'a str,
        files: &'a [ListedFile],
        part: u32,
        last: bool,
    }
    success(
        "fileList",
        List {
            name,
            files,
            part,
            last,
        },
        context.reference.as_ref(),
    )
}

/// One message of a pull requests' `list`.
pub(super) fn pull_request_list(page: &[PullRequest], last: bool, context: &Context) -> Bytes {
    let data: Vec<_> = page.iter().map(WirePullRequest::from).collect();
    let reference = context.reference.as_ref();
    message(&Success {
        code: 200,
        kind: "pullRequestList",
        message: None,
        data,
        last: Some(last),
        reference,
    })
}

/// A part of a file on its way to a connection.
pub(super) struct FilePart<'a> {
    pub path: &'a FilePath,
    pub content: &'a [u8],
    /// From 1 to `count`.
    pub part: u64,
    pub count: u64,
    /// Whose file it is, where it was not asked for.
    pub project: Option<&'a ProjectId>,
}

/// One `fileGet` as a whole frame, written by hand: its content is most of what this server ever
/// sends.
pub(super) fn file_part(part: &FilePart<'_>, reference: Option<&Reference>) -> Bytes {
    let content_chars = base64_content::encoded_len(part.content.len());
    let name_chars = part.path.as_str().len();
    let mut out = FrameBuilder::with_capacity(content_chars + name_chars + ENVELOPE_CHARS);
    out.extend(br#"{"code":200,"type":"fileGet","data":{"name":"#);
    out.extend(&json(&part.path.as_str()));
    out.extend(br#","content":""#);
    base64_content::encode_into(part.content, out.grow(content_chars));
    out.extend(format!(r#"","part":{},"maxPart":{}"#, part.part, part.count).as_bytes());
    if let Some(project) = part.project {
        out.extend(br#","username":"#);
        out.extend(&json(&project.streamer.as_str()));
        out.extend(br#","project":"#);
        out.extend(&json(&project.name.as_str()));
    }
    out.extend(b"}");
    if let Some(reference) = reference {
        out.extend(br#","ref":"#);
        out.extend(&json(reference));
    }
    out.extend(b"}");
    out.text()
}

/// How many parts a file of `bytes` makes: at least one.
pub(super) fn part_count(bytes: u64, part_bytes: usize) -> u64 {
    bytes.div_ceil(part_bytes as u64).max(1)
}

/// The messages that tell of an event; none where its receivers have to read the content back.
pub(super) fn event(event: &Event, part_bytes: usize) -> Vec<Bytes> {
    match event {
        Event::FileUpdated {
            project,
            path,
            content: Some(content),
            ..
        } => {
            let count = part_count(content.len() as u64, part_bytes);
            let mut parts = content.chunks(part_bytes);
            let part = |part| FilePart {
                path,
                content: parts.next().unwrap_or_default(),
                part,
                count,
                project: Some(project),
            };
            (1..=count)
                .map(part)
                .map(|part| file_part(&part, None))
                .collect()
        }
        Event::FileUpdated { content: None, .. } => Vec::new(),
        Event::FileDeleted { project, path, .. } => {
            let data = Stored {
                message: OK,
                file: path.as_str(),
                username: Some(project.streamer.as_str()),
                project: Some(project.name.as_str()),
            };
            vec![success("fileDeleted", data, None)]
        }
        Event::Presence { project, connected } => {
            #[derive(Serialize)]
            struct Streamer<'a> {
                username: &'a str,
                project: &'a str,
            }
            let kind = if *connected {
                "streamerConnected"
            } else {
                "streamerDisconnected"
            };
            let data = Streamer {
                username: project.streamer.as_str(),
                project: project.name.as_str(),
            };
            vec![success(kind, data, None)]
        }
        Event::PullRequestCreated(created) => vec![pull_request_created(created)],
        Event::PullRequestClosed { id, outcome } => {
            #[derive(Serialize)]
            struct Closed {
                id: String,
                outcome: &'static str,
            }
            let outcome = match outcome {
                Outcome::Merged => "merged",
                Outcome::Closed => "closed",
            };
            vec![success(
                "pullRequestClosed",
                Closed {
                    id: id.to_string(),
                    outcome,
                },
                None,
            )]
        }
        Event::ChatMessage(message) => {
            vec![success("chatMessage", WireChatMessage::from(message), None)]
        }
    }
}

/// That a pull request waits for the streamer.
pub(super) fn pull_request_created(created: &PullRequest) -> Bytes {
    success("pullRequestCreated", WirePullRequest::from(created), None)
}

#[derive(Serialize)]
struct WireChatMessage<'a> {
    message: &'a str,
    username: &'a str,
    room: &'a str,
    id: u64,
    date: u64,
}

impl<'a> From<&'a ChatMessage> for WireChatMessage<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        Self {
            message: &message.text,
            username: message.username.as_str(),
            room: message.room.as_str(),
            id: message.id,
            date: message.date.as_millis(),
        }
    }
}

#[derive(Serialize)]
struct WirePullRequest<'a> {
    id: String,
    owner: &'a str,
    title: &'a str,
    description: &'a str,
    date: u64,
    /// `date` once more: the original's documentation calls it that.
    data: u64,
    files: Vec<&'a str>,
    deleted: Vec<&'a str>,
}

impl<'a> From<&'a PullRequest> for WirePullRequest<'a> {
    fn from(made: &'a PullRequest) -> Self {
        let names = |paths: &'a [FilePath]| paths.iter().map(FilePath::as_str).collect();
        Self {
            id: made.id.to_string(),
            owner: made.owner.as_str(),
            title: &made.title,
            description: &made.description,
            date: made.date.as_millis(),
            data: made.date.as_millis(),
            files: names(&made.files),
            deleted: names(&made.deleted),
        }
    }
}

/// The one error that a refusal is on the wire.
pub(super) fn refusal(refusal: &Refusal, context: &Context) -> Bytes {
    let name = context.name.as_deref();
    let mut failure = Failure {
        code: 0,
        kind: "",
        message: String::new(),
        file: name,
        path: None,
        until: None,
        retry_after: None,
        reference: context.reference.as_ref(),
    };
    let shown = name.unwrap_or("/");
    (failure.code, failure.kind, failure.message) = match refusal {
        Refusal::BadParameters(fault) => (400, "badParametersError", fault.to_string()),
        Refusal::Unauthorized(error) => (401, "badAuthError", error.to_string()),
        Refusal::Muted { until } => {
            failure.until = Some(until_seconds(*until));
            (
                401,
                "badAuthError",
                "you are muted in this room for now".to_owned(),
            )
        }
        Refusal::UnreadableFile => (
            409,
            "failReadFileError",
            format!("File {shown} doesn't exist or cannot be read"),
        ),
        Refusal::UnreadablePath => {
            failure.file = None;
            failure.path = Some(if shown.is_empty() { "/" } else { shown });
            let path = failure.path.unwrap_or_default();
            (
                409,
                "failReadPathError",
                format!("Path {path} doesn't exist or cannot be read"),
            )
        }
        Refusal::UnwritableFile => (
            409,
            "failWriteFileError",
            format!("File {shown} cannot be created or written"),
        ),
        Refusal::LimitExceeded { limit, value } => (
            413,
            "limitExceededError",
            format!("the limit {limit} of {value} would be exceeded"),
        ),
        Refusal::RateLimited { retry_after } => {
            let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
            failure.retry_after = u64::try_from(seconds).ok();
            let message = format!("too many messages; try again in {seconds} s");
            (429, "rateLimitedError", message)
        }
        Refusal::Internal => (
            500,
            "internalError",
            "the server could not do this; try again later".to_owned(),
        ),
    };
    message(&failure)
}

/// Rounded up, so that nobody comes back too early.
fn until_seconds(until: Timestamp) -> u64 {
    until.as_millis().div_ceil(1_000)
}
