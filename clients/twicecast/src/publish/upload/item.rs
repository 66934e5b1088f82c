//! What is sent of files: the messages that a source makes, and what each file held.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::fs::fingerprint::Fingerprint;
use crate::names::FileName;
use crate::publish::plan::Remote;

/// The references that the server has refused; the reader of files looks here before it reads on.
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
    /// A file that could not be read (to its end).
    Unreadable(u64, FileName, std::io::Error),
    /// A file that is not to be sent after all; what was sent of it is not completed.
    Withheld(u64, FileName),
    /// A file that holds a secret of that kind; nothing of it that was looked at is sent.
    Secret(u64, FileName, &'static str),
    /// A file that was sent to its end but changed while it was read.
    Changed(FileName),
}

/// A message about one file.
#[derive(Debug)]
pub struct Message {
    /// What its answer is matched by.
    pub(super) reference: u64,
    /// The file.
    pub(super) name: FileName,
    /// What is to become of it.
    pub(super) verb: Verb,
    /// As it goes out.
    pub(super) text: String,
    /// Content bytes in this message.
    pub(super) bytes: u64,
    /// Content bytes of the whole file.
    pub(super) of: u64,
    /// Whether the file begins, or begins anew, with it.
    pub(super) first: bool,
    /// When it was asked whether it may be sent, and who is to be asked again.
    pub(super) judged: Option<(Instant, Allows)>,
    /// With a file's last message: what was sent in all, if that is what the file held at one
    /// moment.
    pub(super) content: Option<Content>,
}

/// Says whether a file may be sent. What was written to a file after it was forbidden never leaves.
#[derive(Clone)]
pub struct Allows(Arc<dyn Fn(&FileName) -> bool + Send + Sync>);

impl Allows {
    /// By that rule.
    pub fn when(allows: impl Fn(&FileName) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    /// Whether it may be sent at this moment.
    pub fn ask(&self, name: &FileName) -> bool {
        (self.0)(name)
    }
}

impl fmt::Debug for Allows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Allows")
    }
}

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is stored.
    Post,
    /// It is deleted.
    Delete,
}

/// What a file held when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// In bytes, and their hash.
    pub remote: Remote,
    /// Which file it was, where a later change cannot leave the same one.
    pub fingerprint: Option<Fingerprint>,
    /// All of it, where that is little.
    pub bytes: Option<Vec<u8>>,
}
