//! The client: one request at a time, each answered by its `ref`, and the events that come between.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Error;
use crate::assembly::Assembly;
use crate::connection::{self, Incoming, Options, Outgoing};
use crate::listing;
use crate::protocol::{self, FilePart, ListedFile, ProjectOf, PullRequest, Reply};
use crate::protocol::{ServerError, ServerMessage};
use crate::untrusted::Untrusted;

/// Content per part, in bytes; a multiple of 3, so that the parts' base64 texts can be joined.
pub const PART_BYTES: usize = 4 * 49_152;
/// What waits to be read by [`Client::next_event`], at most.
const EVENT_BYTES_MAX: usize = 64 << 20;
/// What an event costs beside its texts.
const EVENT_BYTES: usize = 512;
/// What a pull request may hold, or a single file.
const CONTENT_BYTES_MAX: usize = 512 << 20;

/// A connection to a server, with a role once [`Client::authenticate`] has given one.
#[derive(Debug)]
pub struct Client {
    outgoing: Outgoing,
    incoming: Incoming,
    reference: u64,
    events: Events,
}

/// Which role to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section<'a> {
    /// The streamer of a project, who writes it.
    File {
        /// The streamer, as the token names them.
        username: &'a str,
        /// The project.
        project: &'a str,
    },
    /// A viewer, who receives a project's updates and may propose changes.
    PullRequest {
        /// The viewer, as the token names them.
        username: &'a str,
        /// Whose project.
        streamer: &'a str,
        /// The project.
        project: &'a str,
    },
    /// Somebody in a chat room.
    Chat {
        /// Their name, as in the token.
        username: &'a str,
        /// The room, such as `ana/demo`.
        room: &'a str,
    },
}

/// What the server says without being asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A part of a file that has changed; [`Assembly`] puts parts together.
    Part(FilePart),
    /// A file was deleted.
    Deleted {
        /// Its name, not checked.
        name: String,
        /// Whose project, where the server says so.
        project: Option<ProjectOf>,
    },
    /// The streamer came or went.
    Presence {
        /// Whether the streamer is there now.
        connected: bool,
        /// Whose project, where the server says so.
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
}

/// How a project stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Status {
    /// Whether the streamer is there.
    pub streamer: bool,
    /// How many connections receive its updates.
    pub viewers: u64,
    /// How many files it has.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// A file with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As the server sent it; [`FileName`](crate::names::FileName) checks it.
    pub name: String,
    /// The whole content.
    pub content: Vec<u8>,
    /// Whether it is executable, where that is said.
    pub executable: Option<bool>,
}

/// A file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post<'a> {
    /// Its name, such as `/src/main.rs`.
    pub name: &'a str,
    /// The whole content.
    pub content: &'a [u8],
    /// The SHA-256, in lower-case hex, of what it was made from; for a pull request.
    pub base: Option<&'a str>,
    /// Sets or clears the executable bit; `None` leaves it.
    pub executable: Option<bool>,
}

impl<'a> Post<'a> {
    /// A file of which no more is said.
    pub fn of(name: &'a str, content: &'a [u8]) -> Self {
        Self {
            name,
            content,
            base: None,
            executable: None,
        }
    }
}

impl Client {
    /// Connects to a server such as `ws://127.0.0.1:3005`.
    ///
    /// # Errors
    ///
    /// The address is wrong, nobody answers within 15 seconds, or no WebSocket does.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url, Options::default()).await
    }

    /// Connects likewise, with options.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, Error> {
        let (outgoing, incoming) = connection::connect(url, options).await?;
        Ok(Self {
            outgoing,
            incoming,
            reference: 0,
            events: Events::default(),
        })
    }

    /// Takes a role, beside those taken before.
    ///
    /// # Errors
    ///
    /// As all requests: [`Error::Refused`] with the server's words, or why the connection ended.
    pub async fn authenticate(&mut self, token: &str, section: Section<'_>) -> Result<(), Error> {
        let (section, names) = match section {
            Section::File { username, project } => {
                ("file", json!({"username": username, "project": project}))
            }
            Section::PullRequest {
                username,
                streamer,
                project,
            } => (
                "pullrequest",
                json!({"username": username, "streamer": streamer, "project": project}),
            ),
            Section::Chat { username, room } => {
                ("chat", json!({"username": username, "room": room}))
            }
        };
        let build = |asked| protocol::authenticate(asked, token, section, &names);
        self.request(build).await.map(drop)
    }

    /// Asks for a project's updates, without a role.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn watch(&mut self, streamer: &str, project: &str) -> Result<(), Error> {
        let build = |asked| protocol::watch(asked, streamer, project);
        self.request(build).await.map(drop)
    }

    /// How a project stands.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn status(&mut self, streamer: &str, project: &str) -> Result<Status, Error> {
        let build = |asked| protocol::status(asked, streamer, project);
        let reply = self.request(build).await?;
        self.data(reply)
    }

    /// The files of a project, at most 1,000,000, and those that the server cannot read.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`], or the list has no end.
    pub async fn list(
        &mut self,
        streamer: &str,
        project: &str,
    ) -> Result<(Vec<ListedFile>, Vec<ServerError>), Error> {
        self.reference += 1;
        let (asked, whose) = (self.reference, (streamer, project));
        let events = &mut self.events;
        let mut aside = |message| events.push(message);
        let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
        let listed = listing::list(outgoing, incoming, whose, asked, &mut aside).await?;
        self.events.check()?;
        Ok(listed)
    }

    /// One file of a project.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or the file is longer than 512 MiB, or its parts are not in
    /// order.
    pub async fn get(&mut self, streamer: &str, project: &str, name: &str) -> Result<File, Error> {
        let asked = self.ask(|asked| protocol::get(asked, streamer, project, Some(name)));
        let asked = asked.await;
        let mut files = self.files(asked).await?;
        match files.pop() {
            Some(file) if files.is_empty() && file.name == name => Ok(file),
            _ => Err(self.not_understood("a `get` of one file is answered with others")),
        }
    }

    /// Sends a file, in parts if it is long, and waits until it is stored. The server keeps it in
    /// the project of a streamer, or in the pull request that a viewer has begun.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn post(&mut self, file: Post<'_>) -> Result<(), Error> {
        self.reference += 1;
        let (asked, outgoing) = (self.reference, self.outgoing.clone());
        let sending = async {
            let count = file.content.len().div_ceil(PART_BYTES).max(1) as u64;
            let parts = file.content.chunks(PART_BYTES);
            // An empty file has one part, too.
            let empty = file.content.is_empty().then_some(file.content);
            for (number, bytes) in (1..).zip(parts.chain(empty)) {
                let part = (count > 1).then_some((number, count));
                let content = STANDARD.encode(bytes);
                let (base, executable) = (file.base, file.executable);
                let text = protocol::post(asked, file.name, part, &content, base, executable);
                outgoing.send(text?).await;
            }
            Ok::<_, serde_json::Error>(())
        };
        // A refusal comes while parts are still on their way, and ends them.
        tokio::select! {
            answer = self.answer(asked) => answer.map(drop),
            Err(error) = sending => Err(self.not_understood(&error.to_string())),
        }
    }

    /// Deletes a file; for a pull request `base` is the SHA-256 of the content to be deleted.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn delete(&mut self, name: &str, base: Option<&str>) -> Result<(), Error> {
        let build = |asked| protocol::delete(asked, name, base);
        self.request(build).await.map(drop)
    }

    /// Begins a pull request: what is posted and deleted until [`Client::propose`] belongs to it.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn begin_proposal(&mut self, title: &str, description: &str) -> Result<(), Error> {
        let build = |asked| protocol::pull_request_creation(asked, title, description);
        self.request(build).await.map(drop)
    }

    /// Sends the pull request that was begun.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn propose(&mut self) -> Result<(), Error> {
        self.request(protocol::pull_request_finish).await.map(drop)
    }

    /// The open pull requests, oldest first: all for the streamer, one's own for a viewer.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; [`Error::TooMuch`], over 10,000 of them or 256 MiB.
    pub async fn pull_requests(&mut self) -> Result<Vec<PullRequest>, Error> {
        self.reference += 1;
        let (asked, events) = (self.reference, &mut self.events);
        let mut aside = |message| events.push(message);
        let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
        let pulls = listing::pull_requests(outgoing, incoming, asked, &mut aside).await?;
        self.events.check()?;
        Ok(pulls)
    }

    /// The files that a pull request changes or adds.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or they are longer than 512 MiB together, or not in order.
    pub async fn proposed_files(&mut self, id: &str) -> Result<Vec<File>, Error> {
        let asked = self.ask(|asked| protocol::pull_request_get(asked, id));
        let asked = asked.await;
        self.files(asked).await
    }

    /// Ends a pull request; `outcome` is `merged` or `closed`. Its author withdraws it with
    /// `closed`.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn end_pull_request(&mut self, id: &str, outcome: &str) -> Result<(), Error> {
        let build = |asked| protocol::pull_request_delete(asked, id, outcome);
        self.request(build).await.map(drop)
    }

    /// Says something in the chat room.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn say(&mut self, message: &str) -> Result<(), Error> {
        self.chat("message", &json!({"message": message}))
            .await
            .map(drop)
    }

    /// What the room remembers of its chat, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn history(&mut self) -> Result<Vec<ChatMessage>, Error> {
        let reply = self.chat("history", &json!({})).await?;
        self.data(reply)
    }

    /// Who is in the room.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn members(&mut self) -> Result<Vec<Untrusted>, Error> {
        let reply = self.chat("members", &json!({})).await?;
        self.data(reply)
    }

    /// Waits for what the server says next without being asked. What has come during requests comes
    /// first.
    ///
    /// # Errors
    ///
    /// How the connection ended; [`Error::TooMuch`], if more than 64 MiB has come that nobody read.
    pub async fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            self.events.check()?;
            if let Some(event) = self.events.pop() {
                return Ok(event);
            }
            let (_, message) = self.incoming.next().await?;
            self.events.push(message);
        }
    }

    /// Says goodbye.
    pub async fn leave(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }

    async fn chat(&mut self, subtype: &str, data: &Value) -> Result<ServerMessage, Error> {
        let build = |asked| {
            json!({"type": "chat", "subtype": subtype, "ref": asked, "data": data}).to_string()
        };
        self.request(build).await
    }

    async fn ask(&mut self, build: impl FnOnce(u64) -> String) -> u64 {
        self.reference += 1;
        self.outgoing.send(build(self.reference)).await;
        self.reference
    }

    async fn request(&mut self, build: impl FnOnce(u64) -> String) -> Result<ServerMessage, Error> {
        let asked = self.ask(build).await;
        self.answer(asked).await
    }

    async fn answer(&mut self, asked: u64) -> Result<ServerMessage, Error> {
        let events = &mut self.events;
        let answer = self.incoming.answer(asked, &mut |it| events.push(it)).await;
        self.events.check()?;
        answer
    }

    /// All files of an answer.
    async fn files(&mut self, asked: u64) -> Result<Vec<File>, Error> {
        let mut files: Vec<File> = Vec::new();
        let mut open: Option<(Assembly, File)> = None;
        let mut bytes = 0;
        loop {
            let part = match self.answer(asked).await? {
                ServerMessage::Part(part) => part,
                ServerMessage::GetDone | ServerMessage::Reply(_) if open.is_none() => {
                    return Ok(files);
                }
                _ => return Err(self.not_understood("the end of a file is missing")),
            };
            let (mut assembly, mut file) = match open.take() {
                Some(open) => open,
                None => (
                    Assembly::begin(&part, None)?,
                    File {
                        name: part.name.clone(),
                        content: Vec::new(),
                        executable: part.executable,
                    },
                ),
            };
            let taken = assembly.take(&part)?;
            // Empty files cost something, too.
            bytes += taken.bytes.len() + EVENT_BYTES;
            if taken.too_long.is_some() || bytes > CONTENT_BYTES_MAX {
                return Err(Error::TooMuch("512 MiB in answer to one request"));
            }
            file.content.extend(taken.bytes);
            if taken.is_last {
                files.push(file);
            } else {
                open = Some((assembly, file));
            }
        }
    }

    fn data<T: DeserializeOwned>(&self, reply: ServerMessage) -> Result<T, Error> {
        let data = match reply {
            ServerMessage::Reply(reply) => reply.data,
            _ => Value::Null,
        };
        serde_json::from_value(data).map_err(|error| self.not_understood(&error.to_string()))
    }

    fn not_understood(&self, why: &str) -> Error {
        self.incoming.not_understood(why)
    }
}

/// The events that nobody has read yet.
#[derive(Debug, Default)]
struct Events {
    waiting: VecDeque<(usize, Event)>,
    bytes: usize,
    is_full: bool,
}

impl Events {
    fn push(&mut self, message: ServerMessage) {
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

    fn pop(&mut self) -> Option<Event> {
        let (bytes, event) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(event)
    }

    /// An event that had to be dropped must not go unnoticed.
    fn check(&self) -> Result<(), Error> {
        if self.is_full {
            return Err(Error::TooMuch("64 MiB of events that nobody has read"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
