//! Sending with a bounded window: requests go out while acknowledgements come in, matched by `ref` in whatever order.

mod sources;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::connection::{Incoming, Outgoing};
use crate::failure::Failure;
use crate::identity::Identity;
use crate::names::FileName;
use crate::progress::Progress;
use crate::protocol::{ServerError, ServerMessage};
use crate::report::{Report, warn};

pub use sources::{deletions, posts};

/// Files that were begun and are not acknowledged, at most.
const FILES_IN_FLIGHT_MAX: usize = 64;
/// Their bytes, at most; a single file may be larger and then flies alone.
const BYTES_IN_FLIGHT_MAX: u64 = 8 << 20;
/// The references that the server has refused; whoever reads files looks here before it reads on.
pub type Refused = Arc<Mutex<HashSet<u64>>>;

/// What a source has ready.
#[derive(Debug)]
pub enum Item {
    /// A message to send.
    Send(Message),
    /// A file that could not be read (to its end).
    Unreadable(u64, FileName, String),
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
    identity: &'a Identity,
    report: &'a mut Report,
    flights: HashMap<u64, Flight>,
    bytes_in_flight: u64,
    refused: Refused,
    tally: Tally,
}

impl<'a> Upload<'a> {
    /// Begins with nothing in flight.
    pub fn new(
        outgoing: Outgoing,
        incoming: Incoming,
        identity: &'a Identity,
        report: &'a mut Report,
    ) -> Self {
        Self {
            outgoing,
            incoming,
            identity,
            report,
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

    /// Sends all that a source has, and waits until all is acknowledged or refused.
    ///
    /// # Errors
    ///
    /// If the connection breaks or the server withdraws the right; single files that fail go into the report.
    pub async fn pump(
        &mut self,
        mut source: mpsc::Receiver<Item>,
        progress: &mut Progress,
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
            let may_send = held
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
                    room.send(message.text);
                }
                item = source.recv(), if !dry && held.is_none() => match item {
                    Some(Item::Send(message)) => held = Some(message),
                    Some(Item::Unreadable(reference, name, why)) => {
                        self.land(reference);
                        self.report.failed(name.as_str(), format!("cannot be read here: {why}"));
                        progress.settled();
                    }
                    Some(Item::Changed(name)) => {
                        self.report.failed(name.as_str(), "changed while it was being read; push again");
                    }
                    None => dry = true,
                },
                received = self.incoming.next() => {
                    let (reference, message) = received?;
                    self.receive(reference, message, progress)?;
                }
            }
        }
        Ok(())
    }

    /// Says goodbye.
    pub async fn finish(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }

    async fn what_ended_it(&mut self) -> Failure {
        loop {
            if let Err(failure) = self.incoming.next().await {
                return failure;
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
                    }
                    Verb::Delete => self.tally.deleted += 1,
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
                    self.refuse(reference, &flight, &error);
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
            _ => {}
        }
        Ok(())
    }

    fn refuse(&mut self, reference: u64, flight: &Flight, error: &ServerError) {
        if flight.verb == Verb::Delete && error.kind == "failReadFileError" {
            // Somebody else was faster; it is gone, which is all we wanted.
            return;
        }
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reference);
        let why = match (flight.verb, error.code) {
            (Verb::Post, 413) => format!(
                "over a limit of the server ({}); make it smaller, or ask the operator to raise the limit",
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
        self.report.failed(flight.name.as_str(), why);
    }
}
