//! What the two connections of a streamer are told when one asks the other to apply a pull request
//! (protocol, section 6).

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::envelope::{message, success};
use crate::application::counting::ClosedSet as _;
use crate::application::{ApplyNotice, ErrorKind};
use crate::domain::{ApplyOutcome, FilePath};

/// One notice as a whole frame.
pub(super) fn apply_notice(notice: &ApplyNotice) -> Bytes {
    match notice {
        ApplyNotice::Asked { request, id, files } => {
            #[derive(Serialize)]
            struct Asked<'a> {
                request: u64,
                id: String,
                #[serde(skip_serializing_if = "Option::is_none")]
                files: Option<Vec<&'a str>>,
            }
            let data = Asked {
                request: *request,
                id: id.to_string(),
                files: files.as_deref().map(names),
            };
            success("pullRequestApplyAsked", data, None)
        }
        ApplyNotice::Withdrawn { request } => {
            let data = json!({"request": request});
            success("pullRequestApplyWithdrawn", data, None)
        }
        ApplyNotice::Ended {
            request,
            id,
            outcome,
            conflicts,
            message,
        } => {
            #[derive(Serialize)]
            struct Ended<'a> {
                request: u64,
                id: String,
                outcome: &'static str,
                conflicts: Vec<&'a str>,
                message: &'a str,
            }
            let data = Ended {
                request: *request,
                id: id.to_string(),
                outcome: match outcome {
                    ApplyOutcome::Applied => "applied",
                    ApplyOutcome::Partly => "partly",
                    ApplyOutcome::Declined => "declined",
                    ApplyOutcome::Failed => "failed",
                },
                conflicts: names(conflicts),
                message,
            };
            success("pullRequestApplyEnded", data, None)
        }
        ApplyNotice::Failed {
            request,
            id,
            message: why,
        } => {
            #[derive(Serialize)]
            struct Failed<'a> {
                code: u16,
                #[serde(rename = "type")]
                kind: &'static str,
                message: &'a str,
                data: Data,
            }
            #[derive(Serialize)]
            struct Data {
                request: u64,
                id: String,
            }
            let data = Data {
                request: *request,
                id: id.to_string(),
            };
            message(&Failed {
                code: 409,
                kind: ErrorKind::FailApply.name(),
                message: why,
                data,
            })
        }
    }
}

fn names(paths: &[FilePath]) -> Vec<&str> {
    paths.iter().map(FilePath::as_str).collect()
}
