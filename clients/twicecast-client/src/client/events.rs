//! What the server says without being asked, and where it waits until somebody reads it.

use std::collections::VecDeque;

use crate::error::Error;
use crate::listing;
use crate::protocol::{FilePart, ProjectOf, PullRequest, Reply, ServerError, ServerMessage};
use crate::untrusted::Untrusted;

/// The size of all events that may wait to be read, in bytes.
const EVENT_BYTES_MAX: usize = 64 << 20;
/// What an event costs besides its texts, in bytes.
const EVENT_BYTES: usize = 512;

/// What the server says without being asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A part of a file that has changed; [`Assembly`](crate::assembly::Assembly) puts parts
    /// together.
    Part(FilePart),
    /// A file was deleted.
    Deleted {
        /// Its name, not checked.
        name: String,
        /// The project, if the server names it.
        project: Option<ProjectOf>,
    },
    /// The streamer came or went.
    Presence {
        /// Whether the streamer is there now.
        connected: bool,
        /// The project, if the server names it.
        project: Option<ProjectOf>,
    },
    /// A pull request has come, for the streamer.
    PullRequest(PullRequest),
    /// Somebody's words in the chat room.
    Chat(ChatMessage),
    /// The server complains, for instance because the token has expired.
    Complaint(ServerError),
    /// Another message, such as `pullRequestClosed`.
    Other(Reply),
}

/// A message in a chat room.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct ChatMessage {
    /// Who says it.
    pub username: Untrusted,
    /// What they say.
    pub message: Untrusted,
    /// Its number, which grows within the room.
    pub id: u64,
    /// In milliseconds since the epoch.
    pub date: u64,
    /// Whether a moderator announces it to everybody.
    #[serde(default)]
    pub announcement: bool,
}

/// The events that nobody has read yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    waiting: VecDeque<(usize, Event)>,
    bytes: usize,
    is_full: bool,
}

impl Events {
    pub(super) fn push(&mut self, message: ServerMessage) {
        let (bytes, event) = match message {
            ServerMessage::Part(part) => (part.name.len() + part.content.len(), Event::Part(part)),
            ServerMessage::Deleted { name, project } => {
                (name.len(), Event::Deleted { name, project })
            }
            ServerMessage::Presence { connected, project } => {
                (0, Event::Presence { connected, project })
            }
            ServerMessage::PullRequest(pull) => {
                let names = pull.files.len() + pull.deleted.len() + pull.bases.len();
                let names = names + pull.deleted_bases.len();
                let bytes = listing::text_bytes(&pull) + names * EVENT_BYTES;
                (bytes, Event::PullRequest(pull))
            }
            ServerMessage::Error(error) => (error.message.raw().len(), Event::Complaint(error)),
            ServerMessage::Reply(reply) => {
                let bytes = reply.data.to_string().len();
                match serde_json::from_value(reply.data.clone()) {
                    Ok(message) if reply.kind == "chatMessage" => (bytes, Event::Chat(message)),
                    _ => (bytes, Event::Other(reply)),
                }
            }
            // The end of an answer that nobody waits for any more.
            _ => return,
        };
        let bytes = bytes + EVENT_BYTES;
        if self.bytes + bytes > EVENT_BYTES_MAX {
            self.is_full = true;
            return;
        }
        self.bytes += bytes;
        self.waiting.push_back((bytes, event));
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let (bytes, event) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(event)
    }

    /// Fails once an event had to be dropped, so that the loss does not go unnoticed.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_full {
            return Err(Error::TooMuch("64 MiB of events that nobody has read"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(bytes: usize) -> ServerMessage {
        ServerMessage::Deleted {
            name: "a".repeat(bytes),
            project: None,
        }
    }

    #[test]
    fn events_wait_in_order_and_never_more_than_fit() {
        let mut events = Events::default();
        events.push(event(1));
        events.push(ServerMessage::GetDone);
        events.push(event(EVENT_BYTES_MAX - 2 * EVENT_BYTES - 1));
        events.check().unwrap();
        assert!(matches!(events.pop(), Some(Event::Deleted { name, .. }) if name == "a"));
        events.push(event(2));
        assert!(matches!(events.check(), Err(Error::TooMuch(_))));
        assert!(events.pop().is_some() && events.pop().is_none());
        assert_eq!(events.bytes, 0);
    }

    #[test]
    fn words_in_the_room_are_told_from_other_replies() {
        let reply = |kind: &str, data: Value| {
            ServerMessage::Reply(Reply {
                kind: kind.into(),
                data,
                last: None,
            })
        };
        let data = json!({"username": "bob", "message": "hi", "room": "r", "id": 1, "date": 2});
        let mut events = Events::default();
        events.push(reply("chatMessage", data.clone()));
        events.push(reply("chatMessage", json!("OK")));
        events.push(reply("pullRequestClosed", data));
        assert!(matches!(events.pop(), Some(Event::Chat(said)) if said.username.raw() == "bob"));
        assert!(matches!(events.pop(), Some(Event::Other(_))));
        assert!(matches!(events.pop(), Some(Event::Other(_))));
    }
}
