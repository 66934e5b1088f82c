//! The streamer's connection for pull requests: asks, and waits for the answer.

use std::collections::BTreeMap;

use twicecast_client::protocol;
use twicecast_client::protocol::{PullRequest, ServerError, ServerMessage};

use crate::connection::{Incoming, Outgoing};
use crate::credentials::login;
use crate::credentials::{Credentials, Role};
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::review::contents::Contents;
use crate::{connection, listing};

const AS_VIEWER: u64 = 1;
const AS_STREAMER: u64 = 2;
/// No project has more open pull requests than this (`maxOpenPullRequests`), by far,
const LISTED_MAX: usize = 10_000;
/// nor more text in them.
const LISTED_BYTES_MAX: usize = 256 << 20;
/// The server's code for a file that is not there.
const NO_SUCH_FILE: u64 = 409;

/// A connection that may look at pull requests and end them.
pub struct Inbox<'a> {
    outgoing: Outgoing,
    incoming: Incoming,
    pub identity: &'a Credentials,
    reference: u64,
}

/// What the server has under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Lower-case hex.
    pub sha256: String,
    /// Since when, in milliseconds since the epoch.
    pub modified: u64,
    /// Whether it is executable.
    pub executable: bool,
}

/// What the server has of the project.
pub type Project = BTreeMap<FileName, Stored>;

impl<'a> Inbox<'a> {
    /// Connects as the streamer. A project that is not there is refused: a streamer's arrival would
    /// make it.
    pub async fn enter(identity: &'a Credentials) -> Result<Self, Failure> {
        let token = identity.token()?.ok_or_else(|| {
            Failure::usage("Pull requests are for the streamer: give --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server.")
        })?;
        let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
        for (role, asked) in [(Role::Viewer, AS_VIEWER), (Role::Streamer, AS_STREAMER)] {
            login::authenticate(&outgoing, &mut incoming, identity, role, &token, asked).await?;
        }
        Ok(Self {
            outgoing,
            incoming,
            identity,
            reference: AS_STREAMER,
        })
    }

    async fn ask(&mut self, request: impl FnOnce(u64) -> String) -> u64 {
        self.reference += 1;
        self.outgoing.send(request(self.reference)).await;
        self.reference
    }

    /// The next message that answers a request, or the error that ends it.
    async fn answer(&mut self, asked: u64) -> Result<Result<ServerMessage, ServerError>, Failure> {
        loop {
            match self.incoming.next().await? {
                (Some(reference), ServerMessage::Error(error)) if reference == asked => {
                    return Ok(Err(error));
                }
                (Some(reference), message) if reference == asked => return Ok(Ok(message)),
                _ => {}
            }
        }
    }

    /// Likewise, where an error ends all.
    async fn must(&mut self, asked: u64) -> Result<ServerMessage, Failure> {
        let answer = self.answer(asked).await?;
        answer.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &ServerError) -> Failure {
        match error.code {
            401 => self.identity.withdrawn(&error.message),
            code => {
                let why = shown(&error.message);
                Failure::denied(format!("The server says: {why} ({code})."))
            }
        }
    }

    /// The open pull requests, oldest first.
    pub async fn list(&mut self) -> Result<Vec<PullRequest>, Failure> {
        let asked = self.ask(protocol::pull_requests).await;
        let (mut all, mut bytes) = (Vec::new(), 0);
        loop {
            let ServerMessage::Reply(reply) = self.must(asked).await? else {
                continue;
            };
            let some: Vec<PullRequest> = serde_json::from_value(reply.data).map_err(|error| {
                let why = shown(&error.to_string());
                Failure::connection(format!(
                    "The server's list of pull requests cannot be read: {why}."
                ))
            })?;
            bytes += some.iter().map(text_bytes).sum::<usize>();
            all.extend(some);
            if all.len() > LISTED_MAX || bytes > LISTED_BYTES_MAX {
                return Err(Failure::connection(format!(
                    "The server lists more than {LISTED_MAX} open pull requests, or more than 256 \
                     MiB of them, which no server of this kind keeps."
                )));
            }
            if reply.last != Some(false) {
                return Ok(all);
            }
        }
    }

    /// What the pull request proposes.
    pub async fn contents(&mut self, pull: &PullRequest) -> Result<Contents, Failure> {
        let asked = (self.ask(|asked| protocol::pull_request_get(asked, pull.id.raw()))).await;
        let mut contents = Contents::of(&pull.files);
        contents.delete(&pull.deleted);
        loop {
            match self.must(asked).await? {
                ServerMessage::Part(part) => contents.take(&part)?,
                ServerMessage::Reply(_) => return contents.finish(),
                _ => {}
            }
        }
    }

    /// What the server has of the project.
    pub async fn project(&mut self) -> Result<Project, Failure> {
        self.reference += 1;
        let asked = self.reference;
        let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
        let (listed, _) =
            listing::list(outgoing, incoming, self.identity, asked, &mut |_| {}).await?;
        let stored = listed.into_iter().filter_map(|file| {
            let stored = Stored {
                sha256: file.sha256,
                modified: file.modified,
                executable: file.executable,
            };
            Some((FileName::parse(&file.name).ok()?, stored))
        });
        Ok(stored.collect())
    }

    /// One of the project's files as the server has it, if it still does.
    pub async fn file(&mut self, name: &FileName) -> Result<Option<Vec<u8>>, Failure> {
        let (streamer, project) = (&self.identity.streamer, &self.identity.project);
        let asked = self
            .ask(|asked| protocol::get(asked, streamer, project, Some(name.as_str())))
            .await;
        let mut contents = Contents::of(&[name.as_str().to_owned()]);
        loop {
            match self.answer(asked).await? {
                Ok(ServerMessage::Part(part)) => contents.take(&part)?,
                Ok(ServerMessage::GetDone) => {
                    return Ok(contents
                        .finish()?
                        .files
                        .remove(name)
                        .map(|file| file.content));
                }
                Ok(_) => {}
                Err(error) if error.code == NO_SUCH_FILE => return Ok(None),
                Err(error) => return Err(self.failure(&error)),
            }
        }
    }

    /// Ends a pull request; its author is told.
    pub async fn close(&mut self, id: &str, outcome: &str) -> Result<(), Failure> {
        let asked = (self.ask(|asked| protocol::pull_request_delete(asked, id, outcome))).await;
        self.must(asked).await.map(|_| ())
    }

    /// Says goodbye.
    pub async fn leave(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }
}

fn text_bytes(pull: &PullRequest) -> usize {
    let names = pull.files.iter().chain(&pull.deleted);
    let bases = pull.bases.iter().chain(&pull.deleted_bases);
    let texts = [&pull.id, &pull.owner, &pull.title, &pull.description];
    texts.map(|text| text.raw().len()).iter().sum::<usize>()
        + names.map(String::len).sum::<usize>()
        + bases
            .map(|(name, base)| name.len() + base.len())
            .sum::<usize>()
}
