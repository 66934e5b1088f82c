//! Sending with a bounded window: requests go out while acknowledgements come in, matched by `ref` in whatever order.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::connection::{Incoming, Outgoing};
use crate::failure::Failure;
use crate::identity::Identity;
use crate::names::FileName;
use crate::parts::{self, Outcome};
use crate::place;
use crate::progress::Progress;
use crate::protocol::{self, ServerError, ServerMessage};
use crate::report::{Report, warn};

/// Files that were begun and are not acknowledged, at most.
const FILES_IN_FLIGHT_MAX: usize = 64;
/// Their bytes, at most; a single file may be larger and then flies alone.
const BYTES_IN_FLIGHT_MAX: u64 = 8 << 20;
/// Messages that are made and wait to go out.
const READY_MAX: usize = 4;

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
    posted: usize,
    posted_bytes: u64,
    not_deleted: usize,
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
            posted: 0,
            posted_bytes: 0,
            not_deleted: 0,
        }
    }

    /// Files that are acknowledged.
    pub fn posted(&self) -> usize {
        self.posted
    }

    /// Their bytes.
    pub fn posted_bytes(&self) -> u64 {
        self.posted_bytes
    }

    /// Deletions that were refused.
    pub fn not_deleted(&self) -> usize {
        self.not_deleted
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
        is_in(&self.refused, reference)
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
                if flight.verb == Verb::Post {
                    self.posted += 1;
                    self.posted_bytes += flight.bytes;
                }
                progress.settled();
            }
            ServerMessage::Error(error) if error.code == 401 => {
                return Err(self.identity.refused(&error.message));
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
            (Verb::Delete, _) => {
                self.not_deleted += 1;
                format!(
                    "not deleted by the server ({}: {})",
                    error.code, error.message
                )
            }
        };
        self.report.failed(flight.name.as_str(), why);
    }
}

fn is_in(refused: &Refused, reference: u64) -> bool {
    refused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&reference)
}

/// A source of deletions.
pub fn deletions(names: Vec<FileName>, first_reference: u64) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(READY_MAX);
    tokio::spawn(async move {
        for (reference, name) in (first_reference..).zip(names) {
            let text = protocol::delete(reference, name.as_str());
            let message = Message {
                reference,
                name,
                verb: Verb::Delete,
                text,
                bytes: 0,
                of: 0,
                first: true,
            };
            if sender.send(Item::Send(message)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// A source of posts, read one after the other, a few messages ahead of the connection.
pub fn posts(
    root: Arc<OwnedFd>,
    files: Vec<(FileName, u64)>,
    first_reference: u64,
    refused: Refused,
) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(READY_MAX);
    spawn_blocking(move || {
        for (reference, (name, size)) in (first_reference..).zip(files) {
            let open = || {
                Ok(place::open_parent(&root, &name)
                    .and_then(|(folder, leaf)| place::open_file(&folder, leaf))?)
            };
            let mut fault = None;
            let read = parts::read(open, |part| {
                if is_in(&refused, reference) {
                    return false;
                }
                let text = match protocol::post(
                    reference,
                    name.as_str(),
                    part.number,
                    &STANDARD.encode(part.bytes),
                ) {
                    Ok(text) => text,
                    Err(error) => {
                        fault = Some(error.to_string());
                        return false;
                    }
                };
                let bytes = part.bytes.len() as u64;
                let message = Message {
                    reference,
                    name: name.clone(),
                    verb: Verb::Post,
                    text,
                    bytes,
                    of: size.max(bytes),
                    first: part.is_first(),
                };
                sender.blocking_send(Item::Send(message)).is_ok()
            });
            let said = match (read, fault) {
                (Err(error), _) => Some(Item::Unreadable(reference, name, error.to_string())),
                (_, Some(error)) => Some(Item::Unreadable(reference, name, error)),
                (Ok(Outcome::Changed), _) => Some(Item::Changed(name)),
                (Ok(Outcome::Whole | Outcome::Stopped), _) => None,
            };
            if said.is_some_and(|item| sender.blocking_send(item).is_err()) || sender.is_closed() {
                return;
            }
        }
    });
    receiver
}
