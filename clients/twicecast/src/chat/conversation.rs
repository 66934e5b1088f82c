//! The conversation in a room as a plain state machine: replies and wishes go in, requests and
//! effects come out. It holds no socket and no terminal.
//!
//! Only one message is under way at a time, so that none overtakes another that the server refuses
//! for a while. After a lost connection the history shows what is new, and whether the message
//! under way arrived.

mod catch_up;
mod moderating;
mod refusals;

use std::collections::VecDeque;

use serde_json::{Value, json};
use twicecast_client::protocol::Reply;
use twicecast_client::untrusted::{Untrusted, shown};

use crate::chat::effects::{Effect, Said};
use crate::chat::room::Room;
use crate::chat::words::Words;
use crate::failure::Failure;

const FIRST_REFERENCE: u64 = 10;
/// More bytes than any server accepts: it would only close the connection.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// The messages, and their bytes, that may wait to be sent.
const QUEUE_MAX: usize = 64;
const QUEUE_BYTES_MAX: usize = 1 << 20;
/// If so many connections in a row are lost while a message is under way, the message may be the
/// cause.
const LOSSES_MAX: u32 = 3;
/// Our own messages that are remembered until somebody else says something.
const ACKNOWLEDGED_MAX: usize = 1_000;
/// Their bytes.
const ACKNOWLEDGED_BYTES_MAX: usize = 1 << 20;
/// Messages that may arrive before the history does.
const EARLY_MAX: usize = 10_000;

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Outside,
    /// History and members have been asked for; messages that arrive before the answer wait.
    Entering {
        early: Vec<Said>,
    },
    Inside,
}

/// The conversation, over several connections.
#[derive(Debug, Default)]
pub struct Conversation {
    me: String,
    room: Room,
    phase: Phase,
    was_inside: bool,
    paused: bool,
    /// Not sent yet.
    queue: VecDeque<String>,
    /// Sent and not answered, with its reference.
    under_way: Option<(u64, String)>,
    /// Sent on a connection that was lost before the answer.
    uncertain: Option<String>,
    /// Connections lost in a row with a message under way.
    losses: u32,
    /// Sent and answered since somebody else last said something; their ids are not known.
    acknowledged: VecDeque<String>,
    /// Id and date of the last message that the server sent.
    last: Option<(u64, i64)>,
    history: u64,
    members: u64,
    next_reference: u64,
    requests: VecDeque<String>,
    effects: VecDeque<Effect>,
    refused: usize,
}

impl Conversation {
    /// Begins a conversation of the user `me`, outside the room; `types` says whether a person is
    /// typing.
    pub fn new(me: &str, room: &str, types: bool) -> Self {
        Self {
            me: me.to_owned(),
            room: Room {
                name: room.to_owned(),
                types,
                ..Room::default()
            },
            next_reference: FIRST_REFERENCE,
            ..Self::default()
        }
    }

    /// The room has let us in.
    pub fn entered(&mut self) {
        self.requests.clear();
        self.phase = Phase::Entering { early: Vec::new() };
        self.ask_for_status();
        self.history = self.ask("history", &json!({}));
        self.members = self.ask("members", &json!({}));
    }

    /// Notes that the connection is gone. Returns whether it had got into the room.
    pub fn lost(&mut self) -> bool {
        if let Phase::Entering { early } = &mut self.phase {
            let early = std::mem::take(early);
            self.tell_new(early);
        }
        let was_there = self.phase != Phase::Outside;
        self.phase = Phase::Outside;
        self.paused = false;
        self.requests.clear();
        self.lose_orders();
        if let Some((_, text)) = self.under_way.take() {
            self.lose(text);
        }
        was_there
    }

    /// Sends a message as soon as that is possible.
    pub fn say(&mut self, text: String) {
        if text.len() > MESSAGE_BYTES_MAX {
            self.refuse("Not sent: more than 256 KiB are no message.");
            return;
        }
        if !self.has_room() {
            self.refuse("Not sent: too many messages wait already.");
            self.effects.push_back(Effect::GiveBack(text));
            return;
        }
        self.queue.push_back(text);
        if self.phase == Phase::Outside && self.was_inside {
            self.tell("Not connected; it will be sent when the connection is back.");
        }
        self.send_next();
    }

    /// Whether another message may wait to be sent.
    pub fn has_room(&self) -> bool {
        self.queue.len() < QUEUE_MAX
            && self.queue.iter().map(String::len).sum::<usize>() < QUEUE_BYTES_MAX
    }

    /// Asks who is there.
    pub fn ask_for_names(&mut self) {
        if self.phase == Phase::Outside {
            self.tell("Not connected; nobody can be asked who is there.");
        } else {
            self.members = self.ask("members", &json!({}));
        }
    }

    /// Continues sending after a pause.
    pub fn resume(&mut self) {
        self.paused = false;
        self.send_next();
    }

    /// The next request to send.
    pub fn request(&mut self) -> Option<String> {
        self.requests.pop_front()
    }

    /// The next thing to do outside the conversation.
    pub fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether we have been in the room and no message of ours waits to be sent or answered.
    pub fn is_idle(&self) -> bool {
        let has_seen = match self.phase {
            Phase::Inside => true,
            Phase::Outside => self.was_inside,
            Phase::Entering { .. } => false,
        };
        has_seen && self.unsent().next().is_none() && self.unanswered().is_none()
    }

    /// The messages that wait to be sent.
    pub fn unsent(&self) -> impl Iterator<Item = &str> {
        self.queue.iter().map(String::as_str)
    }

    /// The message that was sent and has no answer.
    pub fn unanswered(&self) -> Option<&str> {
        let under_way = self.under_way.as_ref().map(|(_, text)| text);
        under_way.or(self.uncertain.as_ref()).map(String::as_str)
    }

    /// Whether an answer may still come on this connection.
    pub fn is_waiting(&self) -> bool {
        self.under_way.is_some()
    }

    /// Handles a reply, or a message of somebody; `now` is in milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// A sentence, if the message cannot be understood.
    pub fn handle(
        &mut self,
        reference: Option<u64>,
        reply: Reply,
        now: i64,
    ) -> Result<(), Failure> {
        match (reply.kind.as_str(), reference) {
            ("chatMessage", Some(answered)) => {
                if let Some((_, text)) = self.under_way.take_if(|(sent, _)| *sent == answered) {
                    self.losses = 0;
                    self.remember(text.clone());
                    let words = Words {
                        date: now,
                        name: self.me.as_str().into(),
                        text: text.into(),
                        is_announcement: false,
                        number: None,
                    };
                    self.effects.push_back(Effect::Message(None, words));
                    self.send_next();
                }
            }
            ("chatMessage", None) => {
                let said: Said = read(reply)?;
                if let Phase::Entering { early } = &mut self.phase {
                    if early.len() == EARLY_MAX {
                        return Err(Failure::denied(
                            "The server sends messages without end before it tells the room's \
                             history; something is wrong with it.",
                        ));
                    }
                    early.push(said);
                } else {
                    self.acknowledged.clear();
                    self.tell_message(said);
                }
            }
            ("chatHistory", Some(answered)) if answered == self.history => {
                let told = read(reply)?;
                self.take_history(told);
            }
            ("chatMembers", Some(answered)) if answered == self.members => {
                let names: Vec<Untrusted> = read(reply)?;
                self.note_names(names.iter());
                self.effects.push_back(Effect::Names(names));
                self.is_inside();
            }
            _ => self.handle_moderation(reference, reply)?,
        }
        Ok(())
    }

    /// Remembers a message of ours that was answered, and forgets the oldest ones beyond the
    /// bounds.
    fn remember(&mut self, text: String) {
        self.acknowledged.push_front(text);
        let mut bytes = 0;
        let kept = self.acknowledged.iter().take(ACKNOWLEDGED_MAX);
        let kept = kept.take_while(|text| {
            bytes += text.len();
            bytes <= ACKNOWLEDGED_BYTES_MAX
        });
        let kept = kept.count();
        self.acknowledged.truncate(kept);
    }

    /// Answers come in the order of the requests: the members after the history, and then we are
    /// inside.
    fn is_inside(&mut self) {
        if let Phase::Entering { .. } = self.phase {
            self.phase = Phase::Inside;
            self.was_inside = true;
            self.send_next();
        }
    }

    fn tell_message(&mut self, said: Said) {
        self.last = Some((said.id, said.date));
        self.note_names([&said.username]);
        self.note_author(&said);
        let words = Words {
            date: said.date,
            name: said.username,
            text: said.message,
            is_announcement: said.announcement,
            number: self.room.moderates.then_some(said.id),
        };
        self.effects
            .push_back(Effect::Message(Some(said.id), words));
    }

    fn tell(&mut self, sentence: &str) {
        self.effects.push_back(Effect::Tell(sentence.to_owned()));
    }

    fn send_next(&mut self) {
        if self.phase != Phase::Inside || self.paused || self.under_way.is_some() {
            return;
        }
        if let Some(text) = self.queue.pop_front() {
            let reference = self.ask("message", &json!({ "message": text }));
            self.under_way = Some((reference, text));
        }
    }

    fn ask(&mut self, subtype: &str, data: &Value) -> u64 {
        self.next_reference += 1;
        let request =
            json!({"type": "chat", "subtype": subtype, "ref": self.next_reference, "data": data});
        self.requests.push_back(request.to_string());
        self.next_reference
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: Reply) -> Result<T, Failure> {
    serde_json::from_value(reply.data).map_err(|error| {
        Failure::connection(format!(
            "The server sent a `{}` without what it must hold ({}).",
            shown(&reply.kind),
            shown(&error.to_string())
        ))
    })
}

#[cfg(test)]
mod tests;
