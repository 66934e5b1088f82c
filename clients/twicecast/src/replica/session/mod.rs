//! A viewer's session as a plain state machine: messages go in, requests come out, and files are
//! written and removed. It holds no socket. It begins after the subscription with a list, then
//! fetches what differs, and then is live. Live updates are applied from the beginning.

mod catch_up;
mod errors;
mod retries;
mod retrying;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use twicecast_client::assembly::OutOfOrder;
use twicecast_client::protocol;
use twicecast_client::protocol::{FilePart, ListedFile, ProjectOf, ServerMessage};

use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::listing::Length;
use crate::names::{FileName, shown};
use crate::replica::assembly::{Assembly, NotWritten};
use crate::replica::session::retries::Retries;
use crate::replica::tree::{Refusal, Removal, Tree};
use crate::ui::output::{Report, failure_line, say, warn};
use crate::ui::tally::Tally;

/// The session of one connection.
#[derive(Debug)]
pub struct Session<'a> {
    credentials: &'a Credentials,
    tree: &'a mut Tree,
    report: &'a mut Report,
    once: bool,
    phase: Phase,
    assembly: Option<Assembly>,
    outbox: VecDeque<String>,
    next_reference: u64,
    round: u32,
    counts: Counts,
    /// Files that were refused because of what is in a place, by that place.
    blocked: HashMap<FileName, BTreeSet<FileName>>,
    retries: Retries,
}

#[derive(Debug, Default)]
struct Counts {
    listed: usize,
    fetched: Tally,
    removed: Tally,
}

#[derive(Debug)]
enum Phase {
    Listing {
        reference: u64,
        files: Vec<ListedFile>,
        length: Length,
        /// Names in live updates since the list was requested; the updates are newer than the list.
        touched: HashSet<FileName>,
    },
    Fetching {
        /// The reference of a `get` of the whole project, until it is answered.
        whole: Option<u64>,
        single: HashMap<u64, FileName>,
        waiting: VecDeque<FileName>,
        /// Files that are expected, with their sizes in the list.
        expected: BTreeMap<FileName, u64>,
    },
    /// The present state is complete, or there is no project.
    Live { absent: bool },
}

impl<'a> Session<'a> {
    /// Begins a session on a connection that receives the project's updates; references count up
    /// from `first_reference`.
    pub fn begin(
        credentials: &'a Credentials,
        tree: &'a mut Tree,
        report: &'a mut Report,
        once: bool,
        first_reference: u64,
    ) -> Self {
        let phase = Phase::Live { absent: true };
        let mut session = Self {
            credentials,
            tree,
            report,
            once,
            phase,
            assembly: None,
            outbox: VecDeque::new(),
            next_reference: first_reference,
            round: 0,
            counts: Counts::default(),
            blocked: HashMap::new(),
            retries: Retries::default(),
        };
        session.ask_for_list();
        session
    }

    /// The next request to send, if there is one.
    pub fn request(&mut self) -> Option<String> {
        self.outbox.pop_front()
    }

    /// Whether there is a request to send.
    pub fn has_request(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether the present state is complete here.
    pub fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Live { absent: false })
    }

    /// Handles a message.
    ///
    /// # Errors
    ///
    /// A sentence, if the session cannot go on.
    pub fn handle(
        &mut self,
        reference: Option<u64>,
        message: ServerMessage,
    ) -> Result<(), Failure> {
        match message {
            ServerMessage::Part(part) if self.is_ours(part.project.as_ref()) => {
                Ok(self.take_part(reference, &part)?)
            }
            ServerMessage::List { files, last } => self.take_list(reference, files, last),
            ServerMessage::GetDone => {
                self.take_done(reference);
                Ok(())
            }
            ServerMessage::Deleted { name, project } if self.is_ours(project.as_ref()) => {
                self.take_deletion(&name);
                Ok(())
            }
            ServerMessage::Presence { connected, project } if self.is_ours(project.as_ref()) => {
                self.say(&format!(
                    "{} {}",
                    shown(&self.credentials.streamer),
                    if connected { "is live" } else { "has left" }
                ));
                if connected && matches!(self.phase, Phase::Live { absent: true }) {
                    self.ask_for_list();
                }
                Ok(())
            }
            ServerMessage::Error(error) => self.take_error(reference, &error),
            _ => Ok(()),
        }
    }

    fn is_ours(&self, project: Option<&ProjectOf>) -> bool {
        project.is_none_or(|of| {
            of.username == self.credentials.streamer && of.project == self.credentials.project
        })
    }

    fn say(&self, line: &str) {
        if !self.once {
            say(line);
        }
    }

    fn reference(&mut self) -> u64 {
        self.next_reference += 1;
        self.next_reference
    }

    fn ask_for_list(&mut self) {
        let reference = self.reference();
        self.outbox.push_back(protocol::list(
            reference,
            &self.credentials.streamer,
            &self.credentials.project,
        ));
        self.phase = Phase::Listing {
            reference,
            files: Vec::new(),
            length: Length::default(),
            touched: HashSet::new(),
        };
        self.round += 1;
    }

    fn take_part(&mut self, reference: Option<u64>, part: &FilePart) -> Result<(), OutOfOrder> {
        let mut assembly = match self.assembly.take() {
            Some(assembly) => assembly,
            // The rest of a file whose beginning was sent before we subscribed; the list will
            // contain it.
            None if part.part != 1 => return Ok(()),
            None => {
                let listed = self.announced(reference, part);
                Assembly::begin(part, reference, listed, self.tree.staging())?
            }
        };
        if !assembly.take(part)? {
            self.assembly = Some(assembly);
            return Ok(());
        }
        let assembled = assembly.finish();
        let name = match assembled.result {
            Ok((name, incoming)) => {
                let put = self.tree.put(incoming, &name);
                self.touch(&name);
                match put {
                    Ok(()) => {
                        self.report.mended(name.as_str());
                        self.retries.done(&name);
                        self.counts.fetched.add(&name);
                        if matches!(self.phase, Phase::Live { .. }) {
                            self.say(&format!("updated {name}"));
                        }
                    }
                    Err(refusal) => self.refuse(&name, refusal),
                }
                Some(name)
            }
            Err(NotWritten::Refused(name, refusal)) => {
                self.touch(&name);
                self.refuse(&name, refusal);
                Some(name)
            }
            // A file that is too long may have grown since; another list shows its size.
            Err(why @ (NotWritten::TooLong(_) | NotWritten::Name(_))) => {
                self.fail(&assembled.raw_name, &why.to_string());
                None
            }
        };
        if let (Some(name), Phase::Fetching { expected, .. }) = (name, &mut self.phase) {
            expected.remove(&name);
        }
        Ok(())
    }

    /// The size in the list for a file that was asked for.
    fn announced(&self, reference: Option<u64>, part: &FilePart) -> Option<u64> {
        let Phase::Fetching { expected, .. } = &self.phase else {
            return None;
        };
        reference?;
        expected.get(&FileName::parse(&part.name).ok()?).copied()
    }

    fn take_deletion(&mut self, raw_name: &str) {
        self.report.mended(raw_name);
        // A file with an invalid name was never written.
        let Ok(name) = FileName::parse(raw_name) else {
            return;
        };
        self.retries.done(&name);
        self.touch(&name);
        if let Phase::Fetching { expected, .. } = &mut self.phase {
            expected.remove(&name);
        }
        self.remove(&name);
        self.retry_what_it_blocked(&name);
    }

    fn remove(&mut self, name: &FileName) {
        match self.tree.remove(name) {
            Ok(removal) => self.tell_removal(name, removal),
            Err(_) if self.tree.is_stopped() => {}
            Err(refusal) => {
                self.fail(name.as_str(), &not_removed(&refusal));
                self.retries.remove(name.clone());
            }
        }
    }

    fn tell_removal(&mut self, name: &FileName, removal: Removal) {
        match removal {
            Removal::Removed => {
                self.counts.removed.add(name);
                if matches!(self.phase, Phase::Live { .. }) {
                    self.say(&format!("removed {name}"));
                }
            }
            Removal::NotOurs => {}
            Removal::Edited => warn(&format!(
                "{name}: the project no longer has it; it was edited here, so it stays"
            )),
        }
    }

    fn touch(&mut self, name: &FileName) {
        if let Phase::Listing { touched, .. } = &mut self.phase {
            touched.insert(name.clone());
        }
    }

    fn fail(&mut self, name: &str, why: &str) {
        if self.report.failed(name, why) {
            warn(&failure_line(name, why));
        }
    }
}

/// What to say about a file that is not removed.
fn not_removed(why: &Refusal) -> String {
    format!("cannot be removed: {why}")
}

#[cfg(test)]
mod tests;
