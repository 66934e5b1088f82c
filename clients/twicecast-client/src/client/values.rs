//! What goes into requests and comes out of answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::protocol;

/// Content per part, in bytes. It is a multiple of 3 so that the base64 texts of the parts can be
/// joined.
pub const PART_BYTES: usize = 4 * 49_152;

/// Which role to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section<'a> {
    /// The streamer of a project, who writes it.
    File {
        /// The streamer, as the token names them.
        username: &'a str,
        /// The project's name.
        project: &'a str,
    },
    /// A viewer, who receives a project's updates and may propose changes.
    PullRequest {
        /// The viewer, as the token names them.
        username: &'a str,
        /// The streamer whose project it is.
        streamer: &'a str,
        /// The project's name.
        project: &'a str,
    },
    /// A member of a chat room.
    Chat {
        /// The member, as the token names them.
        username: &'a str,
        /// The room, such as `ana/demo`.
        room: &'a str,
    },
}

impl Section<'_> {
    /// The section's name in the contract, and its data.
    pub(super) fn parts(self) -> (&'static str, Value) {
        match self {
            Self::File { username, project } => {
                ("file", json!({"username": username, "project": project}))
            }
            Self::PullRequest {
                username,
                streamer,
                project,
            } => (
                "pullrequest",
                json!({"username": username, "streamer": streamer, "project": project}),
            ),
            Self::Chat { username, room } => ("chat", json!({"username": username, "room": room})),
        }
    }
}

/// The state of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Status {
    /// Whether the streamer is there.
    pub streamer: bool,
    /// How many connections receive its updates.
    pub viewers: u64,
    /// How many files it has.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As the server sent it; [`FileName`](crate::names::FileName) checks it.
    pub name: String,
    /// The whole content.
    pub content: Vec<u8>,
    /// Whether it is executable, if the server says so.
    pub executable: Option<bool>,
}

/// A file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post<'a> {
    /// Its name, such as `/src/main.rs`.
    pub name: &'a str,
    /// The whole content.
    pub content: &'a [u8],
    /// For a pull request: the SHA-256, in lower-case hex, of the content that it was made from.
    pub base: Option<&'a str>,
    /// Sets or clears the executable bit; `None` leaves it as it is.
    pub executable: Option<bool>,
}

impl<'a> Post<'a> {
    /// A file without a base and with the executable bit left as it is.
    pub fn of(name: &'a str, content: &'a [u8]) -> Self {
        Self {
            name,
            content,
            base: None,
            executable: None,
        }
    }

    /// The messages that send the file, one per part.
    pub(super) fn messages(
        self,
        asked: u64,
    ) -> impl Iterator<Item = Result<String, serde_json::Error>> {
        let count = self.content.len().div_ceil(PART_BYTES).max(1) as u64;
        // An empty file has one part, too.
        let empty = self.content.is_empty().then_some(self.content);
        let parts = self.content.chunks(PART_BYTES).chain(empty);
        (1..).zip(parts).map(move |(number, bytes)| {
            let part = (count > 1).then_some((number, count));
            let content = STANDARD.encode(bytes);
            protocol::post(asked, self.name, part, &content, self.base, self.executable)
        })
    }
}
