//! Files being sent to a connection.

use bytes::Bytes;
use serde::Serialize;

use crate::adapters::inbound::transport::frame::FrameBuilder;
use crate::adapters::inbound::websocket::protocol::base64_content;
use crate::adapters::inbound::websocket::protocol::encode::envelope::{json, success};
use crate::adapters::inbound::websocket::protocol::request::{Context, Reference};
use crate::domain::{ContentHash, FilePath, ProjectId};

/// The most characters that a message takes besides name, content and base. Too small a guess costs
/// one reallocation.
const ENVELOPE_CHARS: usize = 160;
/// The same for a base.
const BASE_CHARS: usize = ContentHash::CHARS + 10;

/// Says that all of `file`/`get` has been sent, for a request that carried a `ref`.
pub(crate) fn get_done(name: &str, files: u64, context: &Context) -> Bytes {
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
pub(crate) struct ListedFile {
    pub name: String,
    pub size: u64,
    pub modified: u64,
    /// `None` if the file is longer than the server hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether it may be executed, if that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executable: Option<bool>,
}

/// One message of a `list`; `part` counts from 1.
pub(crate) fn file_list(
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

/// A part of a file being sent to a connection.
pub(crate) struct FilePart<'a> {
    pub path: &'a FilePath,
    pub content: &'a [u8],
    /// From 1 to `count`.
    pub part: u64,
    pub count: u64,
    /// The content that its author started from, for a pull request's file if known.
    pub base: Option<ContentHash>,
    /// Whether it may be executed, if that is told.
    pub executable: Option<bool>,
    /// Its project, if the file was not asked for.
    pub project: Option<&'a ProjectId>,
}

/// One `fileGet` as a whole frame, written by hand: its content is most of what this server sends.
pub(crate) fn file_part(part: &FilePart<'_>, reference: Option<&Reference>) -> Bytes {
    let content_chars = base64_content::encoded_len(part.content.len());
    let name_chars = part.path.as_str().len();
    let base_chars = part.base.map_or(0, |_| BASE_CHARS);
    let chars = content_chars + name_chars + base_chars + ENVELOPE_CHARS;
    let mut out = FrameBuilder::with_capacity(chars);
    out.extend(br#"{"code":200,"type":"fileGet","data":{"name":"#);
    out.extend(&json(&part.path.as_str()));
    out.extend(br#","content":""#);
    base64_content::encode_into(part.content, out.grow(content_chars));
    out.extend(format!(r#"","part":{},"maxPart":{}"#, part.part, part.count).as_bytes());
    if let Some(base) = part.base {
        out.extend(format!(r#","base":"{base}""#).as_bytes());
    }
    if let Some(executable) = part.executable {
        out.extend(format!(r#","executable":{executable}"#).as_bytes());
    }
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

/// How many parts a file of `bytes` has: at least one.
pub(crate) fn part_count(bytes: u64, part_bytes: usize) -> u64 {
    bytes.div_ceil(part_bytes as u64).max(1)
}
