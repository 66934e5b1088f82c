//! Sending with a bounded window: requests go out while acknowledgements come in, matched by `ref`
//! in whatever order.

mod sources;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use twicecast_client::protocol::{ServerError, ServerMessage};

use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::fs::fingerprint::Fingerprint;
use crate::names::FileName;
use crate::publish::plan::Remote;
use crate::ui::output::warn;
use crate::ui::progress::Progress;

pub use sources::{Posts, deletions, posts};

/// Files that were begun and are not acknowledged, at most.
const FILES_IN_FLIGHT_MAX: usize = 64;
/// Their bytes, at most; a single file may be larger and then flies alone.
const BYTES_IN_FLIGHT_MAX: u64 = 8 << 20;
/// The references that the server has refused; the reader of files looks here before it reads on.
pub type Refused = Arc<Mutex<HashSet<u64>>>;

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
    reference: u64,
    name: FileName,
    verb: Verb,
    text: String,
    /// Content bytes in this message.
    bytes: u64,
    /// Content bytes of the whole file.
    of: u64,
    /// Whether the file begins, or begins anew, with it.
    first: bool,
    /// When it was asked whether it may be sent, and who is to be asked again.
    judged: Option<(Instant, Allows)>,
    /// With a file's last message: what was sent in all, if that is what the file held at one
    /// moment.
    content: Option<Content>,
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
    fn ask(&self, name: &FileName) -> bool {
        (self.0)(name)
    }
}

impl fmt::Debug for Allows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Allows")
    }
}

/// A message that has waited for longer than this is asked about again.
const JUDGED_FOR: Duration = Duration::from_millis(100);

/// What a file held when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// In bytes, and their hash.
    pub remote: Remote,
    /// Which file it was, where a later change cannot leave the same stamp.
    pub stamp: Option<Fingerprint>,
    /// All of it, where that is little.
    pub bytes: Option<Vec<u8>>,
}

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
        /// What.
        message: ServerMessage,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Post,
    Delete,
}

#[derive(Debug)]
struct Flight {
    name: FileName,
    verb: Verb,
    bytes: u64,
    content: Option<Content>,
}

/// What is acknowledged.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Files that were sent.
    pub posted: usize,
    /// Their bytes.
    pub posted_bytes: u64,
    /// Files that were deleted.
    pub deleted: usize,
}

/// One connection with its window.
#[derive(Debug)]
pub struct Upload<'a> {
    outgoing: Outgoing,
    incoming: Incoming,
    identity: &'a Credentials,
    flights: HashMap<u64, Flight>,
    bytes_in_flight: u64,
    refused: Refused,
    tally: Tally,
}

impl<'a> Upload<'a> {
    /// Begins with nothing in flight.
    pub fn new(outgoing: Outgoing, incoming: Incoming, identity: &'a Credentials) -> Self {
        Self {
            outgoing,
            incoming,
            identity,
            flights: HashMap::new(),
            bytes_in_flight: 0,
            refused: Refused::default(),
            tally: Tally::default(),
        }
    }

    /// What is acknowledged so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The set that a source of posts looks into.
    pub fn refused(&self) -> Refused {
        Arc::clone(&self.refused)
    }

    /// Sends all that a source has, and waits until all is acknowledged or refused; nothing is sent
    /// while `held_back` is true. `see` is told of what comes of each file.
    ///
    /// # Errors
    ///
    /// If the connection breaks or the server withdraws the right.
    pub async fn pump(
        &mut self,
        mut source: mpsc::Receiver<Item>,
        progress: &mut Progress,
        held_back: &mut watch::Receiver<bool>,
        see: &mut (dyn FnMut(Seen) + Send),
    ) -> Result<(), Failure> {
        let outgoing = self.outgoing.clone();
        let mut held: Option<Message> = None;
        let mut dry = false;
        while !dry || held.is_some() || !self.flights.is_empty() {
            if held
                .as_ref()
                .is_some_and(|message| self.is_refused(message.reference))
            {
                // The server refused the file while its parts were still coming.
                held = None;
                continue;
            }
            if let Some(message) = held.take_if(|message| self.is_withheld(message)) {
                self.withhold(&message);
                see(Seen::Withheld { name: message.name });
                progress.settled();
                continue;
            }
            let may_send = !*held_back.borrow()
                && held
                    .as_ref()
                    .is_some_and(|message| self.has_room_for(message));
            tokio::select! {
                room = outgoing.room(), if may_send => {
                    let (Some(room), Some(message)) = (room, held.take()) else {
                        return Err(self.what_ended_it().await);
                    };
                    progress.sent(message.bytes);
                    if message.first {
                        self.take_off(&message);
                    }
                    if let Some(flight) = self.flights.get_mut(&message.reference) {
                        flight.content.clone_from(&message.content);
                    }
                    room.send(message.text);
                }
                item = source.recv(), if !dry && held.is_none() => match item {
                    Some(Item::Send(message)) => held = Some(message),
                    Some(Item::Unreadable(reference, name, why)) => {
                        self.land(reference);
                        let gone = is_gone(&why);
                        see(Seen::Unreadable { name, why: why.to_string(), gone });
                        progress.settled();
                    }
                    Some(Item::Withheld(reference, name)) => {
                        self.land(reference);
                        see(Seen::Withheld { name });
                        progress.settled();
                    }
                    Some(Item::Secret(reference, name, kind)) => {
                        self.land(reference);
                        see(Seen::Secret { name, kind });
                        progress.settled();
                    }
                    Some(Item::Changed(name)) => see(Seen::Changed { name }),
                    None => dry = true,
                },
                Ok(()) = held_back.changed() => see(Seen::Held),
                received = self.incoming.next() => {
                    let (reference, message) = received?;
                    self.receive(reference, message, progress, see)?;
                }
            }
        }
        Ok(())
    }

    /// Sends a request of another kind; what it is answered comes from [`next`](Self::next), or is
    /// [`Seen::Said`].
    pub async fn send(&self, request: String) {
        self.outgoing.send(request).await;
    }

    /// The server's next message while nothing is in flight.
    ///
    /// # Errors
    ///
    /// If the connection breaks.
    pub async fn next(&mut self) -> Result<(Option<u64>, ServerMessage), Failure> {
        Ok(self.incoming.next().await?)
    }

    /// Says goodbye.
    pub async fn finish(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }

    /// Whether a message that could go now has waited until it is forbidden.
    fn is_withheld(&self, message: &Message) -> bool {
        message.judged.as_ref().is_some_and(|(when, allows)| {
            when.elapsed() > JUDGED_FOR && self.has_room_for(message) && !allows.ask(&message.name)
        })
    }

    /// Sends no more of a file.
    fn withhold(&mut self, message: &Message) {
        self.land(message.reference);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(message.reference);
    }

    async fn what_ended_it(&mut self) -> Failure {
        loop {
            if let Err(failure) = self.incoming.next().await {
                return failure.into();
            }
        }
    }

    fn is_refused(&self, reference: u64) -> bool {
        sources::is_in(&self.refused, reference)
    }

    fn has_room_for(&self, message: &Message) -> bool {
        !message.first
            || self.flights.contains_key(&message.reference)
            || self.flights.is_empty()
            || (self.flights.len() < FILES_IN_FLIGHT_MAX
                && self.bytes_in_flight + message.of <= BYTES_IN_FLIGHT_MAX)
    }

    fn take_off(&mut self, message: &Message) {
        let flight = Flight {
            name: message.name.clone(),
            verb: message.verb,
            bytes: message.of,
            content: None,
        };
        self.bytes_in_flight += message.of;
        if let Some(earlier) = self.flights.insert(message.reference, flight) {
            self.bytes_in_flight -= earlier.bytes;
        }
    }

    fn land(&mut self, reference: u64) -> Option<Flight> {
        let flight = self.flights.remove(&reference)?;
        self.bytes_in_flight -= flight.bytes;
        Some(flight)
    }

    fn receive(
        &mut self,
        reference: Option<u64>,
        message: ServerMessage,
        progress: &mut Progress,
        see: &mut (dyn FnMut(Seen) + Send),
    ) -> Result<(), Failure> {
        match message {
            ServerMessage::Posted | ServerMessage::DeleteDone => {
                let Some(flight) = reference.and_then(|reference| self.land(reference)) else {
                    return Ok(());
                };
                match flight.verb {
                    Verb::Post => {
                        self.tally.posted += 1;
                        self.tally.posted_bytes += flight.bytes;
                        see(Seen::Posted {
                            name: flight.name,
                            bytes: flight.bytes,
                            content: flight.content,
                        });
                    }
                    Verb::Delete => {
                        self.tally.deleted += 1;
                        see(Seen::Deleted { name: flight.name });
                    }
                }
                progress.settled();
            }
            ServerMessage::Error(error) if error.code == 401 => {
                return Err(self.identity.withdrawn(&error.message));
            }
            ServerMessage::Error(error) => match reference
                .and_then(|reference| self.land(reference).map(|flight| (reference, flight)))
            {
                Some((reference, flight)) => {
                    see(self.refuse(reference, flight, &error));
                    progress.settled();
                }
                None if reference.is_none() => warn(&format!(
                    "The server says: {} ({}).",
                    crate::names::shown(&error.message),
                    error.code
                )),
                // More parts of a file that is refused already were on their way.
                None => {}
            },
            message => see(Seen::Said { message }),
        }
        Ok(())
    }

    fn refuse(&mut self, reference: u64, flight: Flight, error: &ServerError) -> Seen {
        if flight.verb == Verb::Delete && error.kind == "failReadFileError" {
            // Somebody else was faster; it is gone, which is all we wanted.
            return Seen::Deleted { name: flight.name };
        }
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reference);
        let why = match (flight.verb, error.code) {
            (Verb::Post, 413) => format!(
                "over a limit of the server ({}); make it smaller, or ask the operator to raise \
                 the limit",
                error.message
            ),
            (Verb::Post, _) => format!(
                "not taken by the server ({}: {})",
                error.code, error.message
            ),
            (Verb::Delete, _) => format!(
                "not deleted by the server ({}: {})",
                error.code, error.message
            ),
        };
        Seen::Failed {
            name: flight.name,
            why,
        }
    }
}

/// Whether a file could not be read because it is gone, or a link, a folder or the like has taken
/// its place.
fn is_gone(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let known = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|error| known.contains(&error))
}
