//! The envelope that every message has (protocol, section 2).

use bytes::Bytes;
use serde::Serialize;

use crate::adapters::inbound::transport::frame;
use crate::adapters::inbound::websocket::protocol::request::Reference;

/// `OK`, as data or message.
pub(crate) const OK: &str = "OK";

#[derive(Serialize)]
pub(crate) struct Success<'a, D> {
    pub(crate) code: u16,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'static str>,
    pub(crate) data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<bool>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<&'a Reference>,
}

impl<'a, D> Success<'a, D> {
    pub(crate) fn new(kind: &'static str, data: D, reference: Option<&'a Reference>) -> Self {
        Self {
            code: 200,
            kind,
            message: None,
            data,
            last: None,
            reference,
        }
    }
}

pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    // Only texts, numbers and lists of them: serialising them cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

/// A whole text frame with `value` as its text.
pub(crate) fn message(value: &impl Serialize) -> Bytes {
    frame::text(&json(value))
}

pub(crate) fn success<D: Serialize>(
    kind: &'static str,
    data: D,
    reference: Option<&Reference>,
) -> Bytes {
    message(&Success::new(kind, data, reference))
}
