//! The streamer's connection for pull requests: asks, and waits for the answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::connection::{self, Incoming, Outgoing};
use crate::failure::Failure;
use crate::identity::{Identity, Role};
use crate::names::{FileName, shown};
use crate::plan::Remote;
use crate::protocol::{self, PullRequest, ServerMessage};
use crate::{listing, login, plan};

/// All of a pull request's files are held in memory; more than this is not looked at.
const BYTES_MAX: usize = 512 << 20;

/// A connection that may look at pull requests and end them.
pub(super) struct Desk<'a> {
    outgoing: Outgoing,
    incoming: Incoming,
    pub identity: &'a Identity,
    reference: u64,
}

impl<'a> Desk<'a> {
    /// Connects as the streamer.
    pub(super) async fn enter(identity: &'a Identity) -> Result<Self, Failure> {
        let token = identity.token()?.ok_or_else(|| {
            Failure::usage("Pull requests are for the streamer: give --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server.")
        })?;
        let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
        login::authenticate(
            &outgoing,
            &mut incoming,
            identity,
            Role::Streamer,
            &token,
            1,
        )
        .await?;
        Ok(Self {
            outgoing,
            incoming,
            identity,
            reference: 1,
        })
    }

    fn next_reference(&mut self) -> u64 {
        self.reference += 1;
        self.reference
    }

    /// The next message that answers a request.
    async fn answer(&mut self, asked: u64) -> Result<ServerMessage, Failure> {
        loop {
            match self.incoming.next().await? {
                (Some(reference), ServerMessage::Error(error)) if reference == asked => {
                    let why = shown(&error.message);
                    return Err(match error.code {
                        401 => self.identity.withdrawn(&error.message),
                        code => Failure::denied(format!("The server says: {why} ({code}).")),
                    });
                }
                (Some(reference), message) if reference == asked => return Ok(message),
                _ => {}
            }
        }
    }

    /// The open pull requests, oldest first.
    pub(super) async fn list(&mut self) -> Result<Vec<PullRequest>, Failure> {
        let asked = self.next_reference();
        self.outgoing.send(protocol::pull_requests(asked)).await;
        let mut all = Vec::new();
        loop {
            let ServerMessage::Reply(reply) = self.answer(asked).await? else {
                continue;
            };
            let some: Vec<PullRequest> = serde_json::from_value(reply.data).map_err(|error| {
                Failure::connection(format!(
                    "The server's list of pull requests cannot be read: {error}."
                ))
            })?;
            all.extend(some);
            if reply.last != Some(false) {
                return Ok(all);
            }
        }
    }

    /// What the pull request proposes, by the names that may be files here.
    pub(super) async fn files(
        &mut self,
        pull: &PullRequest,
    ) -> Result<BTreeMap<FileName, Vec<u8>>, Failure> {
        let asked = self.next_reference();
        let request = protocol::pull_request_get(asked, &pull.id);
        self.outgoing.send(request).await;
        let mut files = BTreeMap::<FileName, Vec<u8>>::new();
        let mut bytes = 0;
        loop {
            match self.answer(asked).await? {
                ServerMessage::Part(part) => {
                    let name = FileName::parse(&part.name).map_err(|fault| {
                        let name = shown(&part.name);
                        Failure::denied(format!(
                            "The pull request holds {name}, which is not taken: {fault}."
                        ))
                    })?;
                    let content = STANDARD.decode(part.content).map_err(|error| {
                        Failure::connection(format!("The server sent {name} wrongly: {error}."))
                    })?;
                    bytes += content.len();
                    if bytes > BYTES_MAX {
                        return Err(Failure::denied(
                            "The pull request holds more than 512 MiB; have it sent in smaller ones.",
                        ));
                    }
                    files.entry(name).or_default().extend(content);
                }
                ServerMessage::Reply(_) => return Ok(files),
                _ => {}
            }
        }
    }

    /// What the server has of the project.
    pub(super) async fn project(&mut self) -> Result<BTreeMap<FileName, Remote>, Failure> {
        let asked = self.next_reference();
        let (listed, _) = listing::list(
            &self.outgoing,
            &mut self.incoming,
            self.identity,
            asked,
            &mut |_| {},
        )
        .await?;
        Ok(plan::known(listed).0)
    }

    /// One of the project's files as the server has it.
    pub(super) async fn file(&mut self, name: &FileName) -> Result<Vec<u8>, Failure> {
        let asked = self.next_reference();
        let (streamer, project) = (&self.identity.streamer, &self.identity.project);
        let request = protocol::get(asked, streamer, project, Some(name.as_str()));
        self.outgoing.send(request).await;
        let mut content = Vec::new();
        loop {
            match self.answer(asked).await? {
                ServerMessage::Part(part) => {
                    content.extend(STANDARD.decode(part.content).unwrap_or_default());
                }
                ServerMessage::GetDone => return Ok(content),
                _ => {}
            }
        }
    }

    /// Ends a pull request; its author is told.
    pub(super) async fn close(&mut self, id: &str, outcome: &str) -> Result<(), Failure> {
        let asked = self.next_reference();
        let request = protocol::pull_request_delete(asked, id, outcome);
        self.outgoing.send(request).await;
        self.answer(asked).await.map(|_| ())
    }

    /// Says goodbye.
    pub(super) async fn leave(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }
}
