//! Sends with a bounded window: requests go out while acknowledgements come in, in any order,
//! matched by `ref`.

mod item;
mod seen;
mod sources;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use twicecast_client::protocol::{ServerError, ServerMessage};

use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::FileName;
use crate::ui::output::warn;
use crate::ui::progress::Progress;

pub use item::{Allows, Content, Item, Refused};
use item::{Message, Verb, is_in};
pub use seen::Seen;
pub use sources::{Posts, deletions, posts};

/// The most files that have been started and are not acknowledged.
const FILES_IN_FLIGHT_MAX: usize = 64;
/// The most bytes of such files; a single file may be larger, and is then sent alone.
const BYTES_IN_FLIGHT_MAX: u64 = 8 << 20;
/// A message that has waited for longer than this is checked again.
const JUDGED_FOR: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Flight {
    name: FileName,
    verb: Verb,
    bytes: u64,
    content: Option<Content>,
}

/// What has been acknowledged.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Files that were sent.
    pub posted: usize,
    /// Their bytes.
    pub posted_bytes: u64,
    /// Files that were deleted.
    pub deleted: usize,
}

/// A connection with its window.
#[derive(Debug)]
pub struct Upload<'a> {
    outgoing: Outgoing,
    incoming: Incoming,
    credentials: &'a Credentials,
    flights: HashMap<u64, Flight>,
    bytes_in_flight: u64,
    refused: Refused,
    tally: Tally,
}

impl<'a> Upload<'a> {
    /// Starts with nothing in flight.
    pub fn new(outgoing: Outgoing, incoming: Incoming, credentials: &'a Credentials) -> Self {
        Self {
            outgoing,
            incoming,
            credentials,
            flights: HashMap::new(),
            bytes_in_flight: 0,
            refused: Refused::default(),
            tally: Tally::default(),
        }
    }

    /// What has been acknowledged so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The set of refused references, for a source of posts.
    pub fn refused(&self) -> Refused {
        Arc::clone(&self.refused)
    }

    /// Sends everything that a source has, and waits until all of it is acknowledged or refused.
    /// Nothing is sent while `held_back` is true. `see` gets the result for each file.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or the server no longer accepts the token.
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
                // The server refused the file while more of its parts were being read.
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

    /// Sends another kind of request. Its answer comes from [`next`](Self::next), or as
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

    /// Returns the connection.
    pub fn into_connection(self) -> (Outgoing, Incoming) {
        (self.outgoing, self.incoming)
    }

    /// Closes the connection properly.
    pub async fn finish(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }

    /// Whether a message that could be sent now has waited so long that its file has been
    /// forbidden.
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
        is_in(&self.refused, reference)
    }

    /// Whether an error with this reference concerns what was sent, or the whole connection.
    fn is_about_files(&self, reference: Option<u64>) -> bool {
        reference.is_none_or(|reference| {
            self.flights.contains_key(&reference) || self.is_refused(reference)
        })
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
            message @ ServerMessage::Error(_) if !self.is_about_files(reference) => {
                see(Seen::Said { reference, message });
            }
            ServerMessage::Error(error) if error.code == 401 => {
                return Err(self.credentials.withdrawn(&error.message));
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
                // More parts of the file were on their way when it was refused.
                None => {}
            },
            message => see(Seen::Said { reference, message }),
        }
        Ok(())
    }

    fn refuse(&mut self, reference: u64, flight: Flight, error: &ServerError) -> Seen {
        if flight.verb == Verb::Delete && error.kind == "failReadFileError" {
            // Somebody else has deleted it first, which is just as good.
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

/// Whether a file could not be read because it is gone, or because a link, a folder or the like has
/// taken its place.
fn is_gone(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let known = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|error| known.contains(&error))
}
