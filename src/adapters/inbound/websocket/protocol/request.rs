//! A request as it comes over the wire (protocol, section 2).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::adapters::inbound::websocket::protocol::lenient_value::LenientValue;
use crate::application::{BadParameters, Checked};

/// The longest `name` that an answer repeats, in bytes: a path of 4,096 and a leading `/`.
const MAX_NAME_BYTES: usize = 4_097;
/// The longest text that `ref` may be, in bytes.
const MAX_REFERENCE_BYTES: usize = 128;
/// How far from 0 an integer `ref` may be: what JavaScript represents exactly.
const MAX_REFERENCE: i64 = 1 << 53;

/// In a message longer than this, `[`, `{` and `,` are counted: no request has many of them, and a
/// value takes a hundred times as long to skip as the same bytes in a text.
const UNCOUNTED_BYTES: usize = 16 * 1_024;
/// How many of them there may be, including those inside texts.
const MAX_STRUCTURE: usize = 20_000;

/// The `ref` of a request, which its answers repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    /// A text of at most 128 bytes.
    Text(String),
    /// An integer within ±2^53.
    Integer(i64),
}

/// What an answer needs to know about its request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Context {
    /// The request's `ref`.
    pub reference: Option<Reference>,
    /// The `name` of a `file` request, exactly as sent; absent if it is too long for any file.
    pub name: Option<String>,
}

/// A request that has been read but not judged.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Request<'a> {
    #[serde(rename = "type")]
    pub kind: LenientValue<'a>,
    pub subtype: LenientValue<'a>,
    pub data: LenientValue<'a, Data<'a>>,
    #[serde(rename = "ref")]
    pub reference: LenientValue<'a>,
}

/// Whether a message that cannot be read as a request is still an `authenticate`. It is valid JSON
/// then, but has more than it should, such as a duplicate member, and counts as a failed one.
pub(crate) fn is_authenticate(message: &[u8]) -> bool {
    message.len() <= UNCOUNTED_BYTES
        && serde_json::from_slice::<Outline>(message).is_ok_and(|Outline(found)| found)
}

/// Whether any `type` of an object is `authenticate`; the rest only has to be JSON.
struct Outline(bool);

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OutlineVisitor)
    }
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = false;
        while let Some(name) = object.next_key::<String>()? {
            if name == "type" {
                let kind = object.next_value::<LenientValue<'de>>()?;
                found |= matches!(kind, LenientValue::Text(kind) if kind == "authenticate");
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Outline(found))
    }
}

/// Every parameter that any request knows.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(crate) struct Data<'a> {
    pub name: LenientValue<'a>,
    pub content: LenientValue<'a>,
    pub part: LenientValue<'a>,
    pub max_part: LenientValue<'a>,
    pub base: LenientValue<'a>,
    pub executable: LenientValue<'a>,
    pub recursively: LenientValue<'a>,
    pub hashes: LenientValue<'a>,
    pub presence: LenientValue<'a>,
    pub line: LenientValue<'a>,
    pub username: LenientValue<'a>,
    pub project: LenientValue<'a>,
    pub streamer: LenientValue<'a>,
    pub room: LenientValue<'a>,
    pub present: LenientValue<'a>,
    pub applies: LenientValue<'a>,
    pub token: LenientValue<'a>,
    pub title: LenientValue<'a>,
    pub description: LenientValue<'a>,
    pub id: LenientValue<'a>,
    pub outcome: LenientValue<'a>,
    pub message: LenientValue<'a>,
    pub limit: LenientValue<'a>,
    pub seconds: LenientValue<'a>,
    pub files: LenientValue<'a>,
    pub conflicts: LenientValue<'a>,
    pub request: LenientValue<'a>,
    pub file: LenientValue<'a, SectionData<'a>>,
    pub chat: LenientValue<'a, SectionData<'a>>,
    pub pullrequest: LenientValue<'a, SectionData<'a>>,
}

/// Every parameter that any section of `authenticate` knows.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct SectionData<'a> {
    pub username: LenientValue<'a>,
    pub project: LenientValue<'a>,
    pub streamer: LenientValue<'a>,
    pub room: LenientValue<'a>,
    pub present: LenientValue<'a>,
    pub applies: LenientValue<'a>,
}

impl<'a> Request<'a> {
    /// Reads a message; text and binary messages mean the same.
    ///
    /// # Errors
    /// It is not a JSON object, or one of its members occurs twice.
    pub(crate) fn read(message: &'a [u8]) -> Checked<Self> {
        let Ok(message) = std::str::from_utf8(message) else {
            return Err(BadParameters::new("the message is not UTF-8"));
        };
        let mut structure = memchr::memchr3_iter(b'[', b'{', b',', message.as_bytes());
        if message.len() > UNCOUNTED_BYTES && structure.nth(MAX_STRUCTURE).is_some() {
            return Err(BadParameters::new("the message holds too many values"));
        }
        match serde_json::from_str(message) {
            Ok(LenientValue::Object(request)) => Ok(*request),
            Ok(_) => Err(BadParameters::new("a message must be one JSON object")),
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                let what = if error.is_data() {
                    "a member of the message is there twice"
                } else {
                    "the message is not valid JSON"
                };
                Err(BadParameters(Cow::Owned(format!("{what} at {place}"))))
            }
        }
    }

    /// What an answer to this request needs to know about it.
    ///
    /// # Errors
    /// `ref` is not of a kind that the protocol allows; the rest of the context comes with the
    /// error.
    pub(crate) fn context(&self) -> Result<Context, (Context, BadParameters)> {
        let name = match (&self.kind, &self.data) {
            (LenientValue::Text(kind), LenientValue::Object(data)) if kind == "file" => {
                match &data.name {
                    LenientValue::Text(name) if name.len() <= MAX_NAME_BYTES => {
                        Some(name.clone().into_owned())
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        let reference = match &self.reference {
            LenientValue::Absent => None,
            LenientValue::Text(text) if text.len() <= MAX_REFERENCE_BYTES => {
                Some(Reference::Text(text.clone().into_owned()))
            }
            LenientValue::Integer(number) if (-MAX_REFERENCE..=MAX_REFERENCE).contains(number) => {
                Some(Reference::Integer(*number))
            }
            _ => {
                let fault = "ref must be a text of at most 128 bytes or an integer within ±2^53";
                let reference = None;
                return Err((Context { reference, name }, BadParameters::new(fault)));
            }
        };
        Ok(Context { reference, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_file_can_have_for_its_length_is_not_repeated() {
        for (bytes, is_repeated) in [(4_097, true), (4_098, false)] {
            let name = "n".repeat(bytes);
            let message = format!(r#"{{"type":"file","data":{{"name":"{name}"}},"ref":1}}"#);
            let request = Request::read(message.as_bytes()).expect("a request");
            let context = request.context().expect("a context");
            assert_eq!(context.name, is_repeated.then_some(name));
            assert_eq!(context.reference, Some(Reference::Integer(1)));
        }
    }

    #[test]
    fn a_long_message_of_very_many_values_is_refused_before_it_is_parsed() {
        let with = |values: usize| format!(r#"{{"type":"x","list":[{}0]}}"#, "0,".repeat(values));
        assert!(Request::read(with(MAX_STRUCTURE - 3).as_bytes()).is_ok());
        let message = with(MAX_STRUCTURE);
        let refused = Request::read(message.as_bytes());
        assert_eq!(
            refused.map(|_| ()),
            Err(BadParameters::new("the message holds too many values"))
        );
        let text = format!(r#"{{"type":"x","text":"{}"}}"#, "YQ==".repeat(100_000));
        assert!(Request::read(text.as_bytes()).is_ok());
    }

    #[test]
    fn only_one_json_object_is_a_message() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let deep_data = format!("{{\"type\":\"file\",\"data\":{}", "[".repeat(100_000));
        for message in [
            "",
            " ",
            "{",
            "{\"type\":\"file\",}",
            "nul",
            "\u{feff}{}",
            "\0\0\0",
            "null",
            "1",
            "\"x\"",
            "[]",
            "true",
            "{}{}",
            "{\"type\":1e400}",
            "{\"type\":\"\\ud800\"}",
            &deep,
            &deep_data,
            "{\"type\":\"file\",\"type\":\"chat\"}",
            "{\"type\":\"file\",\"data\":{\"name\":\"a\",\"name\":\"b\"}}",
        ] {
            let shown: String = message.chars().take(40).collect();
            assert!(Request::read(message.as_bytes()).is_err(), "{shown:?}");
        }
        assert!(Request::read(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
        assert!(Request::read(b"{}").is_ok());
        assert!(Request::read(b" {\"type\":{},\"data\":[],\"x\":[[1]]} ").is_ok());
    }

    #[test]
    fn a_reference_is_echoed_within_its_bounds_and_refused_beyond() {
        let context = |reference: &str| {
            let message = format!("{{\"type\":\"chat\",\"ref\":{reference}}}");
            let context = Request::read(message.as_bytes())
                .expect("an object")
                .context();
            context
                .map(|context| context.reference)
                .map_err(|(context, _)| context.reference)
        };
        let long = |bytes| format!("\"{}\"", "r".repeat(bytes));
        assert_eq!(context("\"a\""), Ok(Some(Reference::Text("a".into()))));
        assert_eq!(
            context(&long(128)),
            Ok(Some(Reference::Text("r".repeat(128))))
        );
        assert_eq!(context(&long(129)), Err(None));
        assert_eq!(
            context("9007199254740992"),
            Ok(Some(Reference::Integer(1 << 53)))
        );
        assert_eq!(
            context("-9007199254740992"),
            Ok(Some(Reference::Integer(-(1 << 53))))
        );
        assert_eq!(context("9007199254740993"), Err(None));
        assert_eq!(context("null"), Ok(None));
        for wrong in ["1.5", "true", "[]", "{}", "1e2"] {
            assert_eq!(context(wrong), Err(None), "{wrong}");
        }
    }

    #[test]
    fn the_name_is_kept_as_sent_for_file_requests_alone() {
        let name = |message: &str| {
            let request = Request::read(message.as_bytes()).expect("an object");
            request.context().expect("no ref").name
        };
        let sent = |kind| format!("{{\"type\":\"{kind}\",\"data\":{{\"name\":\"//a\"}}}}");
        assert_eq!(name(&sent("file")).as_deref(), Some("//a"));
        assert_eq!(name(&sent("chat")), None);
        assert_eq!(name("{\"type\":\"file\",\"data\":{\"name\":5}}"), None);
        assert_eq!(name("{\"type\":\"file\",\"data\":[]}"), None);
    }
}
