//! The part of the conversation that concerns moderation.

use serde::Deserialize;
use twicecast_client::protocol;
use twicecast_client::protocol::{Reply, ServerError};
use twicecast_client::untrusted::{Untrusted, shown};

use crate::chat::completion::Offer;
use crate::chat::conversation::{Conversation, Phase, read};
use crate::chat::effects::{Effect, Said};
use crate::chat::in_force::{Moderation, slow_line};
use crate::chat::orders::{Order, Pending};
use crate::failure::Failure;
use crate::ui::time::{date_and_time, now, time_of_day};

/// The most names that are remembered for completion, and the most messages whose authors are
/// remembered.
const KNOWN_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    slow: u64,
    you: Option<You>,
}

#[derive(Deserialize)]
struct You {
    #[serde(default)]
    moderate: bool,
}

#[derive(Deserialize)]
struct Moderated {
    action: String,
    username: Untrusted,
    until: Option<u64>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct Slowed {
    seconds: u64,
}

#[derive(Deserialize)]
struct Sanction {
    #[serde(default)]
    address: bool,
}

impl Conversation {
    /// Whether we moderate the room.
    pub fn moderates(&self) -> bool {
        self.room.moderates
    }

    /// Asks for something as a moderator; `line` is the line that was typed.
    pub fn order(&mut self, order: Order, line: String) {
        let why = if !self.room.moderates {
            "Only the streamer and moderators can do this."
        } else if self.phase == Phase::Outside {
            "Not connected; nothing was done."
        } else {
            let (subtype, data) = order.request();
            let reference = self.ask(subtype, &data);
            let is_told = false;
            self.room.orders.insert(
                reference,
                Pending {
                    order,
                    line,
                    is_told,
                },
            );
            return;
        };
        self.tell(why);
        self.effects.push_back(Effect::GiveBack(line));
    }

    /// If somebody types: asks whether we moderate, and whether slow mode is on.
    pub fn ask_for_status(&mut self) {
        if let Some((streamer, project)) =
            self.room.name.split_once('/').filter(|_| self.room.types)
        {
            self.next_reference += 1;
            self.room.status = self.next_reference;
            let request = protocol::status(self.room.status, streamer, project);
            self.requests.push_back(request);
        }
    }

    /// Gives up what the lost connection has not answered.
    pub fn lose_orders(&mut self) {
        for pending in std::mem::take(&mut self.room.orders).into_values() {
            let line = shown(&pending.line);
            self.tell(&format!("Not known whether it was done: {line}"));
        }
    }

    /// Remembers names that a line can be completed with.
    pub fn note_names<'a>(&mut self, names: impl IntoIterator<Item = &'a Untrusted>) {
        let before = self.room.names.len();
        for name in names {
            if self.room.types && self.room.names.len() < KNOWN_MAX {
                self.room.names.insert(name.raw().to_owned());
            }
        }
        if self.room.names.len() > before {
            self.offer();
        }
    }

    fn offer(&mut self) {
        let offer = Offer {
            names: self.room.names.iter().cloned().collect(),
            moderates: self.room.moderates,
        };
        self.effects.push_back(Effect::Offer(offer));
    }

    /// Remembers who said a message, for when it is deleted.
    pub fn note_author(&mut self, said: &Said) {
        if self.room.authors.len() == KNOWN_MAX {
            self.room.authors.pop_front();
        }
        let author = (said.id, said.username.clone(), said.date);
        self.room.authors.push_back(author);
    }

    /// Handles a reply or notice about moderation.
    ///
    /// # Errors
    ///
    /// A sentence, if we have been banned or the message cannot be understood.
    pub fn handle_moderation(
        &mut self,
        reference: Option<u64>,
        reply: Reply,
    ) -> Result<(), Failure> {
        match (reply.kind.as_str(), reference) {
            ("fileStatus", Some(answered)) if answered == self.room.status => {
                let status: Status = read(reply)?;
                self.room.moderates = status.you.is_some_and(|you| you.moderate);
                self.offer();
                if status.slow > 0 {
                    self.tell(&slow_line(status.slow));
                }
            }
            ("chatDeleted", None) => {
                let Numbered { id } = read(reply)?;
                self.deleted(id);
            }
            ("chatSlowed", None) => {
                let Slowed { seconds } = read(reply)?;
                self.told(|order| matches!(order, Order::Slow(_)));
                self.tell(&slow_line(seconds));
            }
            ("chatModerated", None) => self.moderated(read(reply)?)?,
            (_, Some(answered)) => {
                if let Some(pending) = self.room.orders.remove(&answered) {
                    self.done(pending, reply)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn deleted(&mut self, id: u64) {
        if let Phase::Entering { early } = &mut self.phase {
            early.retain(|said| said.id != id);
        }
        self.effects.push_back(Effect::Remove(id));
        let known = self.room.authors.iter().find(|(known, ..)| *known == id);
        let whose = known.map(|(_, name, date)| (name.to_string(), *date));
        self.tell(&match whose {
            Some((name, date)) => {
                let time = time_of_day(date, now());
                format!("A message of {name} from {time} was deleted.")
            }
            None => "A message was deleted.".to_owned(),
        });
    }

    /// Notes that the room has been told of the order of ours that matches.
    fn told(&mut self, is_such: impl Fn(&Order) -> bool) {
        let mut pending = self.room.orders.values_mut();
        if let Some(pending) = pending.find(|pending| is_such(&pending.order)) {
            pending.is_told = true;
        }
    }

    fn moderated(&mut self, moderated: Moderated) -> Result<(), Failure> {
        let Moderated {
            action,
            username,
            until,
        } = moderated;
        let is_me = username.raw() == self.me;
        let until = until.map(|until| format!(" until {}", date_and_time(until)));
        let until = until.unwrap_or_default();
        self.told(|order| order.name() == Some(username.raw()) && order.request().0 == action);
        let sentence = match (action.as_str(), is_me) {
            ("mute", true) => {
                format!("A moderator has muted you{until}: you can read, and not write.")
            }
            ("unmute", true) => "You may write again.".to_owned(),
            ("ban", true) => {
                return Err(Failure::denied(format!(
                    "A moderator has banned you from this room{until}."
                )));
            }
            ("mute", false) => format!("{username} is muted{until}."),
            ("unmute", false) => format!("{username} may write again."),
            ("ban", false) => format!("{username} is banned{until}."),
            ("unban", _) => format!("{username} may come back."),
            _ => return Ok(()),
        };
        if is_me {
            // Somebody who is muted does not moderate, so the answer may have changed.
            self.ask_for_status();
        }
        self.tell(&sentence);
        Ok(())
    }

    fn done(&mut self, pending: Pending, reply: Reply) -> Result<(), Failure> {
        let Pending {
            order,
            line,
            is_told,
        } = pending;
        match order {
            Order::DeleteLast(name) => {
                let said: Vec<Said> = read(reply)?;
                let mut newest_first = said.iter().rev();
                if let Some(said) = newest_first.find(|said| said.username.raw() == name) {
                    self.order(Order::Delete(said.id), line);
                } else {
                    let name = shown(&name);
                    self.tell(&format!("The room remembers no message of {name}."));
                    self.effects.push_back(Effect::GiveBack(line));
                }
            }
            Order::Show => {
                let moderation: Moderation = read(reply)?;
                moderation
                    .lines(now())
                    .iter()
                    .for_each(|line| self.tell(line));
            }
            Order::Mute(..) => {
                let Sanction { address } = read(reply)?;
                if address {
                    self.tell("No guest from the same address can write, either.");
                }
            }
            Order::Ban(..) => {
                let Sanction { address } = read(reply)?;
                if address {
                    self.tell("No guest comes from the same address any more, either.");
                }
            }
            Order::Unmute(name) if !is_told => {
                self.tell(&format!("{} was not muted.", shown(&name)));
            }
            Order::Unban(name) if !is_told => {
                self.tell(&format!("{} was not banned.", shown(&name)));
            }
            Order::Slow(_) if !is_told => self.tell("It was so already."),
            Order::Unmute(_)
            | Order::Unban(_)
            | Order::Slow(_)
            | Order::Delete(_)
            | Order::Announce(_) => {}
        }
        Ok(())
    }

    /// Handles an error if it answers a moderator's request of ours. Returns whether it did.
    pub fn handle_order_error(&mut self, reference: Option<u64>, error: &ServerError) -> bool {
        let Some(reference) = reference else {
            return false;
        };
        // The status is only a convenience: an old server does not tell it.
        if reference == self.room.status {
            return true;
        }
        let Some(pending) = self.room.orders.remove(&reference) else {
            return false;
        };
        let why = shown(&error.message);
        self.tell(&format!("It was not done: {why} ({}).", error.code));
        self.effects.push_back(Effect::GiveBack(pending.line));
        true
    }
}
