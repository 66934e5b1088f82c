//! From answers and events of the application to messages as they go over the wire (protocol,
//! sections 2 to 7), each as a whole frame.

mod event;
mod failure;
mod files;
mod reply;
mod shapes;

pub(super) use event::{event, pull_request_created};
pub(super) use failure::refusal;
pub(super) use files::{FilePart, ListedFile, file_list, file_part, get_done, part_count};
pub(super) use reply::{pull_request_got, pull_request_list, reply};

use bytes::Bytes;
use serde::Serialize;

use super::request::Reference;
use crate::adapters::inbound::transport::frame;

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
