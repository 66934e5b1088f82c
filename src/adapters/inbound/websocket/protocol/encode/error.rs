//! The one error message for each request error (protocol, section 2).

use bytes::Bytes;
use serde::Serialize;

use crate::adapters::inbound::websocket::protocol::encode::envelope::message;
use crate::adapters::inbound::websocket::protocol::request::{Context, Reference};
use crate::application::counting::ClosedSet as _;
use crate::application::{ErrorKind, RequestError};
use crate::domain::{AuthError, Timestamp};

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
    /// Seconds since the epoch, the unit of the claim `mutedUntil`.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Only ever true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    banned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Reference>,
}

/// The one error message for a request error.
pub(crate) fn refusal(refusal: &RequestError, context: &Context) -> Bytes {
    let name = context.name.as_deref();
    let kind = refusal.kind();
    let mut failure = Failure {
        code: code(kind),
        kind: kind.name(),
        message: String::new(),
        file: name,
        path: None,
        until: None,
        retry_after: None,
        banned: false,
        suggestion: None,
        reference: context.reference.as_ref(),
    };
    let shown = name.unwrap_or("/");
    failure.message = match refusal {
        RequestError::BadParameters(fault) => fault.to_string(),
        RequestError::Unauthorized(error) => {
            if let AuthError::Banned { until } = error {
                failure.until = Some(until_seconds(*until));
                failure.banned = true;
            }
            error.to_string()
        }
        RequestError::Muted { until } => {
            failure.until = Some(until_seconds(*until));
            "you are muted in this room for now".to_owned()
        }
        RequestError::Banned(ban) => {
            failure.until = ban.until.map(until_seconds);
            failure.banned = true;
            "you are banned from the chat of this project".to_owned()
        }
        RequestError::UnreadableFile => format!("File {shown} doesn't exist or cannot be read"),
        RequestError::UnreadablePath => {
            let path = if shown.is_empty() { "/" } else { shown };
            (failure.file, failure.path) = (None, Some(path));
            format!("Path {path} doesn't exist or cannot be read")
        }
        RequestError::UnwritableFile => format!("File {shown} cannot be created or written"),
        RequestError::NotApplied(why) => (*why).to_owned(),
        RequestError::LimitExceeded { limit, value } => {
            format!("the limit {limit} of {value} would be exceeded")
        }
        RequestError::RateLimited { retry_after } => {
            let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
            failure.retry_after = u64::try_from(seconds).ok();
            format!("too much at once; try again in {seconds} s")
        }
        RequestError::NameTaken { free } => {
            failure.suggestion = Some(free.as_str());
            format!("the name is taken; {} is free", free.as_str())
        }
        RequestError::Internal => "the server could not do this; try again later".to_owned(),
    };
    message(&failure)
}

fn code(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::BadParameters => 400,
        ErrorKind::BadAuth => 401,
        ErrorKind::FailReadFile
        | ErrorKind::FailReadPath
        | ErrorKind::FailWriteFile
        | ErrorKind::FailApply
        | ErrorKind::NameTaken => 409,
        ErrorKind::LimitExceeded => 413,
        ErrorKind::RateLimited => 429,
        ErrorKind::Internal => 500,
    }
}

/// Rounded up, so that nobody comes back too early.
pub(super) fn until_seconds(until: Timestamp) -> u64 {
    until.as_millis().div_ceil(1_000)
}
