//! What is sent about files: the messages that a source makes, and what each file contained.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::fs::fingerprint::Fingerprint;
use crate::names::FileName;
use crate::publish::plan::Remote;

/// The references that the server has refused; the reader checks them before it reads on.
pub type Refused = Arc<Mutex<HashSet<u64>>>;

/// Whether the server has refused that file.
pub fn is_in(refused: &Refused, reference: u64) -> bool {
    refused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&reference)
}

/// What a source has ready.
#[derive(Debug)]
pub enum Item {
    /// A message to send.
    Send(Message),
    /// A file that could not be read, or not to its end.
    Unreadable(u64, FileName, std::io::Error),
    /// A file that must not be sent after all; the parts that were sent are not completed.
    Withheld(u64, FileName),
    /// A file that holds a secret of this kind; nothing that was searched is sent.
    Secret(u64, FileName, &'static str),
    /// A file that was sent to its end but changed while it was read.
    Changed(FileName),
}

/// A message about one file.
#[derive(Debug)]
pub struct Message {
    /// The reference of its answer.
    pub(super) reference: u64,
    /// The file.
    pub(super) name: FileName,
    /// What the server is asked to do with it.
    pub(super) verb: Verb,
    /// The text of the message.
    pub(super) text: String,
    /// Content bytes in this message.
    pub(super) bytes: u64,
    /// Content bytes of the whole file.
    pub(super) of: u64,
    /// Whether the file starts, or starts again, with this message.
    pub(super) first: bool,
    /// When the file was found to be allowed, and what to ask again.
    pub(super) judged: Option<(Instant, Allows)>,
    /// With a file's last message: all that was sent, if the file had that content at one moment.
    pub(super) content: Option<Content>,
}

/// Says whether a file may be sent. What is written to a file after it was forbidden is never sent.
#[derive(Clone)]
pub struct Allows(Arc<dyn Fn(&FileName) -> bool + Send + Sync>);

impl Allows {
    /// Allows files by this rule.
    pub fn when(allows: impl Fn(&FileName) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    /// Whether the file may be sent at this moment.
    pub fn ask(&self, name: &FileName) -> bool {
        (self.0)(name)
    }
}

impl fmt::Debug for Allows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Allows")
    }
}

/// What a message asks the server to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Store the file.
    Post,
    /// Delete the file.
    Delete,
}

/// What a file contained when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its size and hash.
    pub remote: Remote,
    /// The file's fingerprint, if no later change can leave the same one.
    pub fingerprint: Option<Fingerprint>,
    /// The whole content, if it is small.
    pub bytes: Option<Vec<u8>>,
}
