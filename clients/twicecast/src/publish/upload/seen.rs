//! The results of what was sent.

use twicecast_client::protocol::ServerMessage;

use crate::names::FileName;
use crate::publish::upload::item::Content;

/// The result for something that was sent, or another message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The server has stored a file.
    Posted {
        /// Its name.
        name: FileName,
        /// Its bytes.
        bytes: u64,
        /// What it has stored, if that is known.
        content: Option<Content>,
    },
    /// The server no longer has the file.
    Deleted {
        /// Its name.
        name: FileName,
    },
    /// A file could not be read.
    Unreadable {
        /// Its name.
        name: FileName,
        /// The system's words.
        why: String,
        /// Whether the file is gone, or something else has taken its place.
        gone: bool,
    },
    /// The server refused to store or delete a file.
    Failed {
        /// Its name.
        name: FileName,
        /// Why.
        why: String,
    },
    /// A file was sent to its end but changed while it was read.
    Changed {
        /// Its name.
        name: FileName,
    },
    /// A file was not sent, or not to its end, because it is no longer allowed.
    Withheld {
        /// Its name.
        name: FileName,
    },
    /// A file was not sent because it holds what looks like a secret.
    Secret {
        /// Its name.
        name: FileName,
        /// The kind of secret.
        kind: &'static str,
    },
    /// Somebody has paused or resumed sending.
    Held,
    /// A message that has nothing to do with what was sent.
    Said {
        /// The reference of the request that it answers, if it does.
        reference: Option<u64>,
        /// The message.
        message: ServerMessage,
    },
}
