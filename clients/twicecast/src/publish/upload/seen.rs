//! What comes of what was sent.

use twicecast_client::protocol::ServerMessage;

use crate::names::FileName;
use crate::publish::upload::item::Content;

/// What comes of what was sent, and what else the server says meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The server has stored a file.
    Posted {
        /// Its name.
        name: FileName,
        /// Its bytes.
        bytes: u64,
        /// What it has stored, where that is known.
        content: Option<Content>,
    },
    /// The server does not have the file any more.
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
        /// Whether that is because it is not there any more, or something else is.
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
    /// A file was not sent, or not to its end, because that is not allowed any more.
    Withheld {
        /// Its name.
        name: FileName,
    },
    /// A file was not sent, since it holds what looks like a secret.
    Secret {
        /// Its name.
        name: FileName,
        /// The kind of secret.
        kind: &'static str,
    },
    /// Somebody has paused the sending, or let it go on.
    Held,
    /// What has nothing to do with what was sent.
    Said {
        /// The reference of the request that it answers, if it does.
        reference: Option<u64>,
        /// What.
        message: ServerMessage,
    },
}
