//! The client: makes one request at a time, and keeps the events that arrive before the answer.

mod events;
mod values;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::assembly::Assembly;
use crate::connection::{self, Incoming, Options, Outgoing};
use crate::error::Error;
use crate::listing;
use crate::protocol::{self, ListedFile, PullRequest, ServerError, ServerMessage};
use crate::untrusted::Untrusted;

use events::Events;

pub use events::{ChatMessage, Event};
pub use values::{File, PART_BYTES, Post, Section, Status};

/// What a file costs besides its content, in bytes.
const FILE_BYTES: usize = 512;
/// The most content of a single file, or of all files of a pull request, in bytes.
const CONTENT_BYTES_MAX: usize = 512 << 20;

/// A connection to a server, with a role once [`Client::authenticate`] has given one.
#[derive(Debug)]
pub struct Client {
    outgoing: Outgoing,
    incoming: Incoming,
    reference: u64,
    events: Events,
}

impl Client {
    /// Connects to a server such as `ws://127.0.0.1:3005`.
    ///
    /// # Errors
    ///
    /// If the address is wrong, nobody answers within 15 seconds, or no WebSocket does.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url, Options::default()).await
    }

    /// Connects as [`Client::connect`] does, with options.
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

    /// Takes a role, in addition to those taken before.
    ///
    /// # Errors
    ///
    /// As all requests: [`Error::Refused`] with the server's words, or why the connection ended.
    pub async fn authenticate(&mut self, token: &str, section: Section<'_>) -> Result<(), Error> {
        let (section, names) = section.parts();
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

    /// Asks for the state of a project.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn status(&mut self, streamer: &str, project: &str) -> Result<Status, Error> {
        let build = |asked| protocol::status(asked, streamer, project);
        let reply = self.request(build).await?;
        self.data(reply)
    }

    /// Lists the files of a project, at most 1,000,000, and those that the server cannot read.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or if the list does not end.
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

    /// Gets one file of a project.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or if the file is longer than 512 MiB, or its parts are out of
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

    /// Sends a file, in parts if it is long, and waits until it is stored: a streamer's in the
    /// project, a viewer's in the pull request that the viewer has begun.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn post(&mut self, file: Post<'_>) -> Result<(), Error> {
        self.reference += 1;
        let (asked, outgoing) = (self.reference, self.outgoing.clone());
        let sending = async {
            for text in file.messages(asked) {
                outgoing.send(text?).await;
            }
            Ok::<_, serde_json::Error>(())
        };
        // A refusal arrives while parts are still being sent; no more are sent then.
        tokio::select! {
            answer = self.answer(asked) => answer.map(drop),
            Err(error) = sending => Err(self.not_understood(&error.to_string())),
        }
    }

    /// Deletes a file. In a pull request, `base` is the SHA-256 of the content to be deleted.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn delete(&mut self, name: &str, base: Option<&str>) -> Result<(), Error> {
        let build = |asked| protocol::delete(asked, name, base);
        self.request(build).await.map(drop)
    }

    /// Begins a pull request. All posts and deletions until [`Client::propose`] belong to it.
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

    /// The open pull requests, oldest first: all for the streamer, their own for a viewer.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or [`Error::TooMuch`], over 10,000 of them or 256 MiB.
    pub async fn pull_requests(&mut self) -> Result<Vec<PullRequest>, Error> {
        self.reference += 1;
        let (asked, events) = (self.reference, &mut self.events);
        let mut aside = |message| events.push(message);
        let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
        let pulls = listing::pull_requests(outgoing, incoming, asked, &mut aside).await?;
        self.events.check()?;
        Ok(pulls)
    }

    /// Gets the files that a pull request changes or adds.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`]; or if they are longer than 512 MiB together, or their parts are
    /// out of order.
    pub async fn proposed_files(&mut self, id: &str) -> Result<Vec<File>, Error> {
        let asked = self.ask(|asked| protocol::pull_request_get(asked, id));
        let asked = asked.await;
        self.files(asked).await
    }

    /// Ends a pull request; `outcome` is `merged` or `closed`. The author of a pull request
    /// withdraws it with `closed`.
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

    /// Gets the chat messages that the room remembers, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn history(&mut self) -> Result<Vec<ChatMessage>, Error> {
        let reply = self.chat("history", &json!({})).await?;
        self.data(reply)
    }

    /// Lists who is in the room.
    ///
    /// # Errors
    ///
    /// As [`Client::authenticate`].
    pub async fn members(&mut self) -> Result<Vec<Untrusted>, Error> {
        let reply = self.chat("members", &json!({})).await?;
        self.data(reply)
    }

    /// Waits for the next thing that the server says without being asked. What arrived during
    /// requests comes first.
    ///
    /// # Errors
    ///
    /// How the connection ended; or [`Error::TooMuch`], after 64 MiB of events that nobody read.
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

    /// Closes the connection properly.
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

    /// Collects all files of an answer.
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
            // Empty files cost memory, too.
            bytes += taken.bytes.len() + FILE_BYTES;
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
