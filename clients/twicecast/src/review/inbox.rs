//! The streamer's connection for pull requests: sends requests and waits for the answers.

use std::collections::BTreeMap;

use twicecast_client::listing::pull_requests;
use twicecast_client::protocol::{PullRequest, ServerMessage};
use twicecast_client::{Error, protocol};

use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::credentials::login::{self, Login};
use crate::failure::Failure;
use crate::names::FileName;
use crate::review::contents::Contents;
use crate::{connection, listing};

const AS_VIEWER: u64 = 1;
const AS_STREAMER: u64 = 2;
/// The server's code for a file that does not exist.
const NO_SUCH_FILE: u64 = 409;

/// A connection that may read pull requests and end them.
pub struct Inbox<'a> {
    outgoing: Outgoing,
    incoming: Incoming,
    pub credentials: &'a Credentials,
    reference: u64,
}

/// What the server has under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Lower-case hex.
    pub sha256: String,
    /// When the server stored it, in milliseconds since the epoch.
    pub modified: u64,
    /// Whether it is executable.
    pub executable: bool,
}

/// What the server has of the project.
pub type Project = BTreeMap<FileName, Stored>;

impl<'a> Inbox<'a> {
    /// Connects as the streamer. Fails if the project does not exist, because a streamer who
    /// arrives would create it.
    pub async fn enter(credentials: &'a Credentials) -> Result<Self, Failure> {
        let token = credentials.token()?.ok_or_else(|| {
            Failure::usage(
                "Pull requests are for the streamer: give --token (or TWICECAST_TOKEN), or --key \
                 (or TWICECAST_KEY) if you run the server.",
            )
        })?;
        let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
        let logins = [
            (Login::viewer(credentials), AS_VIEWER),
            (Login::reviewer(credentials), AS_STREAMER),
        ];
        for (login, asked) in &logins {
            login::authenticate(&outgoing, &mut incoming, credentials, login, &token, *asked)
                .await?;
        }
        Ok(Self {
            outgoing,
            incoming,
            credentials,
            reference: AS_STREAMER,
        })
    }

    async fn ask(&mut self, request: impl FnOnce(u64) -> String) -> u64 {
        self.reference += 1;
        self.outgoing.send(request(self.reference)).await;
        self.reference
    }

    /// The next message that answers a request; an error ends the command.
    async fn must(&mut self, asked: u64) -> Result<ServerMessage, Failure> {
        let answer = self.incoming.answer(asked, &mut drop).await;
        answer.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Refused(error) if error.code == 401 => {
                self.credentials.withdrawn(&error.message)
            }
            error => error.into(),
        }
    }

    /// The open pull requests, oldest first.
    pub async fn list(&mut self) -> Result<Vec<PullRequest>, Failure> {
        self.reference += 1;
        let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
        let listed = pull_requests(outgoing, incoming, self.reference, &mut drop).await;
        listed.map_err(|error| self.failure(error))
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
            listing::list(outgoing, incoming, self.credentials, asked, &mut |_| {}).await?;
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

    /// A file of the project from the server, if it still has it.
    pub async fn file(&mut self, name: &FileName) -> Result<Option<Vec<u8>>, Failure> {
        let (streamer, project) = (&self.credentials.streamer, &self.credentials.project);
        let asked = self
            .ask(|asked| protocol::get(asked, streamer, project, Some(name.as_str())))
            .await;
        let mut contents = Contents::of(&[name.as_str().to_owned()]);
        loop {
            match self.incoming.answer(asked, &mut drop).await {
                Ok(ServerMessage::Part(part)) => contents.take(&part)?,
                Ok(ServerMessage::GetDone) => {
                    return Ok(contents
                        .finish()?
                        .files
                        .remove(name)
                        .map(|file| file.content));
                }
                Ok(_) => {}
                Err(Error::Refused(error)) if error.code == NO_SUCH_FILE => return Ok(None),
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    /// Ends a pull request; the server tells its author.
    pub async fn close(&mut self, id: &str, outcome: &str) -> Result<(), Failure> {
        let asked = (self.ask(|asked| protocol::pull_request_delete(asked, id, outcome))).await;
        self.must(asked).await.map(|_| ())
    }

    /// Closes the connection properly.
    pub async fn leave(self) {
        drop(self.outgoing);
        self.incoming.finish().await;
    }
}
