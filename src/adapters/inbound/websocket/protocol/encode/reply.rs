//! The messages that answer a request.

use std::sync::LazyLock;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::envelope::{OK, Success, message, success};
use super::moderation::{chat_ban, chat_mute};
use super::shapes::{Stored, WirePullRequest};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::counting::ClosedSet;
use crate::application::{GuestPass, ProjectStatus, Reply, RequestKind};
use crate::domain::{PullRequest, UserName};

fn stored(kind: &'static str, context: &Context) -> Bytes {
    let file = context.name.as_deref().unwrap_or_default();
    let data = Stored {
        message: OK,
        file,
        username: None,
        project: None,
    };
    message(&Success {
        message: Some(OK),
        ..Success::new(kind, data, context.reference.as_ref())
    })
}

/// Whether the answer to a request, once it is done, is just `"OK"`.
pub(crate) fn is_answered_ok(kind: RequestKind) -> bool {
    use RequestKind as Kind;
    matches!(
        kind,
        Kind::WatchProject
            | Kind::UnwatchProject
            | Kind::Focus
            | Kind::CreatePullRequest
            | Kind::FinishPullRequest
            | Kind::DeletePullRequest
            | Kind::AcceptPullRequest
            | Kind::AppliedPullRequest
            | Kind::SendMessage
            | Kind::Listen
            | Kind::LeaveRoom
            | Kind::Unmute
            | Kind::Unban
            | Kind::DeleteMessage
            | Kind::Slow
            | Kind::Announce
    )
}

/// The type of the answer to a request: `fileWatch` for `file`/`watch`.
pub(crate) fn answer_type(kind: RequestKind) -> &'static str {
    static TYPES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let names = RequestKind::ALL.iter().map(|kind| kind.name());
        names.map(camel_case).collect()
    });
    &TYPES[kind.index()]
}

/// Joins type and subtype: `pullrequest/finish` becomes `pullRequestFinish`.
fn camel_case(name: &str) -> String {
    let (kind, subtype) = name.split_once('/').unwrap_or((name, ""));
    let first = subtype
        .chars()
        .take(1)
        .map(|first| first.to_ascii_uppercase());
    let rest = subtype.chars().skip(1);
    let kind = kind.replace("request", "Request");
    kind.chars().chain(first).chain(rest).collect()
}

/// One message that answers a request.
pub(crate) fn reply(reply: &Reply, context: &Context) -> Bytes {
    let ok = |kind| success(kind, OK, context.reference.as_ref());
    match reply {
        Reply::Done(kind) => {
            debug_assert!(is_answered_ok(*kind), "{kind:?} has another answer");
            ok(answer_type(*kind))
        }
        Reply::FileAuth => ok("fileAuth"),
        Reply::ChatAuth => ok("chatAuth"),
        Reply::PullRequestAuth => ok("pullRequestAuth"),
        Reply::Authentication => {
            let data = json!({"message": OK, "opts": {"sep": "/"}});
            success("authentication", data, context.reference.as_ref())
        }
        Reply::FilePosted => stored("filePost", context),
        Reply::FileDeleted => stored("fileDelete", context),
        Reply::FileStatus(status) => file_status(status, context),
        Reply::PullRequestApply { request } => {
            let data = json!({"request": request});
            success("pullRequestApply", data, context.reference.as_ref())
        }
        Reply::ChatMute {
            user,
            until,
            address,
        } => chat_mute(user, *until, *address, context),
        Reply::ChatBan {
            user,
            until,
            address,
        } => chat_ban(user, *until, *address, context),
        Reply::GuestEnter(pass) => guest_enter(pass, context),
    }
}

fn file_status(status: &ProjectStatus, context: &Context) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'a> {
        streamer: bool,
        viewers: usize,
        files: u64,
        bytes: u64,
        max_bytes: u64,
        folders: u64,
        guests: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        slow: Option<u32>,
        you: You<'a>,
    }
    #[derive(Serialize)]
    #[expect(
        clippy::struct_excessive_bools,
        reason = "each is a member of the answer"
    )]
    struct You<'a> {
        name: Option<&'a str>,
        read: bool,
        listen: bool,
        chat: bool,
        propose: bool,
        stream: bool,
        apply: bool,
        moderate: bool,
    }
    let you = &status.you;
    let data = Status {
        streamer: status.streamer,
        viewers: status.viewers,
        files: status.files,
        bytes: status.bytes,
        max_bytes: status.max_bytes,
        folders: status.folders,
        guests: status.guests.as_str(),
        slow: status.slow,
        you: You {
            name: you.user.as_ref().map(UserName::as_str),
            read: you.read,
            listen: you.listen,
            chat: you.chat,
            propose: you.propose,
            stream: you.stream,
            apply: status.apply,
            moderate: you.moderate,
        },
    };
    success("fileStatus", data, context.reference.as_ref())
}

fn guest_enter(pass: &GuestPass, context: &Context) -> Bytes {
    #[derive(Serialize)]
    struct Pass<'a> {
        token: &'a str,
        name: &'a str,
        rights: &'a [&'a str],
        expires: u64,
    }
    let data = Pass {
        token: &pass.token,
        name: pass.name.as_str(),
        rights: pass.access.rights(),
        expires: pass.expires.as_millis(),
    };
    success("guestEnter", data, context.reference.as_ref())
}

/// Says that all of `pullrequest`/`get` has been sent.
pub(crate) fn pull_request_got(context: &Context) -> Bytes {
    success("pullRequestGet", OK, context.reference.as_ref())
}

/// One message of a pull requests' `list`.
pub(crate) fn pull_request_list(page: &[PullRequest], last: bool, context: &Context) -> Bytes {
    let data: Vec<_> = page.iter().map(WirePullRequest::from).collect();
    message(&Success {
        last: Some(last),
        ..Success::new("pullRequestList", data, context.reference.as_ref())
    })
}
