//! The requests over the WebSocket. If possible, none of them takes a role that others would
//! notice.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use twicecast_client::Error;
use twicecast_client::listing::pull_requests;
use twicecast_client::protocol::{ServerError, ServerMessage};

use crate::commands::status::finding::{Answers, Project, PullRequests};
use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::{Grant, PartialCredentials};
use crate::failure::Failure;
use crate::names::shown;

const TIMEOUT: Duration = Duration::from_secs(30);
const TOKEN: u64 = 1;
const STATUS: u64 = 2;
const ROLE: u64 = 3;
const PULL_REQUESTS: u64 = 4;
/// The code of the error about a project that does not exist.
const ABSENT: u64 = 409;

/// How much to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what nobody notices.
    Unnoticed,
    /// Also how many pull requests are open, which needs a role.
    All,
}

/// Asks everything. What cannot be found out is in the answers, too.
///
/// # Errors
///
/// A sentence, if no token can be made from the key.
pub async fn ask(credentials: &PartialCredentials, depth: Depth) -> Result<Answers, Failure> {
    let token = credentials.token()?;
    let mut answers = Answers::default();
    let asking = async {
        let connected = connection::connect(&credentials.url, None).await;
        let (outgoing, incoming) = match connected {
            Ok(connected) => connected,
            Err(failure) => {
                answers.connection = Some(Err(failure.to_string()));
                return;
            }
        };
        answers.connection = Some(Ok(()));
        let mut session = Session { outgoing, incoming };
        if let Err(failure) = session.ask(credentials, token, depth, &mut answers).await {
            answers.connection = Some(Err(failure.to_string()));
            return;
        }
        let Session { outgoing, incoming } = session;
        drop(outgoing);
        incoming.finish().await;
    };
    if timeout(TIMEOUT, asking).await.is_err() {
        answers.connection = Some(Err(format!(
            "The server at {} takes the connection but does not answer within 30 seconds; is it a \
             file-ws-server?",
            credentials.url
        )));
    }
    Ok(answers)
}

struct Session {
    outgoing: Outgoing,
    incoming: Incoming,
}

impl Session {
    async fn ask(
        &mut self,
        credentials: &PartialCredentials,
        token: Option<String>,
        depth: Depth,
        answers: &mut Answers,
    ) -> Result<(), Failure> {
        let has_token = token.is_some();
        if let Some(token) = token {
            // Without a section this takes no role, so nobody notices it.
            let request = json!({"type": "authenticate", "ref": TOKEN, "data": {"token": token}});
            let refused = |error: &ServerError| refused_token(credentials, error);
            answers.token =
                told(self.request(TOKEN, &request).await, refused)?.map(|it| it.map(|_| ()));
        }
        let Some((streamer, project)) = credentials.full_names() else {
            return Ok(());
        };
        let whose = json!({"username": streamer, "project": project});
        let status = json!({"type": "file", "subtype": "status", "ref": STATUS, "data": whose});
        let is_absent = Cell::new(false);
        let refused = |error: &ServerError| {
            is_absent.set(error.code == ABSENT);
            refused_project(streamer, project, error)
        };
        let reply = told(self.request(STATUS, &status).await, refused)?;
        answers.project = reply.map(|reply| reply.and_then(read_project));
        answers.is_absent = is_absent.get();
        let Some(Ok(state)) = answers.project.as_ref().filter(|_| depth == Depth::All) else {
            return Ok(());
        };
        if !has_token {
            answers.pull_requests = PullRequests::NeedToken;
        } else if matches!(answers.token, Some(Ok(()))) {
            answers.pull_requests = self
                .pull_requests(credentials, streamer, project, state.streamer)
                .await?;
        }
        Ok(())
    }

    async fn pull_requests(
        &mut self,
        credentials: &PartialCredentials,
        streamer: &str,
        project: &str,
        is_online: bool,
    ) -> Result<PullRequests, Failure> {
        let user = credentials.user.as_deref().unwrap_or_default();
        let is_streamer = user == streamer;
        if is_streamer && !is_online {
            return Ok(PullRequests::WouldShowUp);
        }
        let (section, names) = if is_streamer {
            ("file", json!({"username": user, "project": project}))
        } else {
            (
                "pullrequest",
                json!({"username": user, "streamer": streamer, "project": project}),
            )
        };
        let role = json!({"type": section, "subtype": "auth", "ref": ROLE, "data": names});
        let listed = match self.request(ROLE, &role).await {
            Ok(_) => {
                let (outgoing, incoming) = (&self.outgoing, &mut self.incoming);
                pull_requests(outgoing, incoming, PULL_REQUESTS, &mut drop).await
            }
            Err(error) => Err(error),
        };
        let count = match listed {
            Ok(pulls) => pulls.len(),
            Err(Error::Refused(error)) => {
                return Ok(PullRequests::Refused(format!(
                    "the server does not tell {} ({}: {}); the token must name {}/{}",
                    shown(user),
                    error.code,
                    shown(&error.message),
                    shown(streamer),
                    shown(project),
                )));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(if is_streamer {
            PullRequests::All(count)
        } else {
            PullRequests::Own(count)
        })
    }

    /// Sends a request whose answer is one message.
    async fn request(&mut self, reference: u64, request: &Value) -> Result<ServerMessage, Error> {
        self.outgoing.send(request.to_string()).await;
        self.incoming.answer(reference, &mut drop).await
    }
}

/// What an answer says. A lost connection ends the questions.
fn told(
    answer: Result<ServerMessage, Error>,
    refused: impl Fn(&ServerError) -> String,
) -> Result<Option<Result<ServerMessage, String>>, Failure> {
    match answer {
        Ok(message) => Ok(Some(Ok(message))),
        Err(Error::Refused(error)) => Ok(Some(Err(refused(&error)))),
        Err(error) => Err(error.into()),
    }
}

fn read_project(answer: ServerMessage) -> Result<Project, String> {
    let data = match answer {
        ServerMessage::Reply(reply) => reply.data,
        _ => Value::Null,
    };
    serde_json::from_value(data).map_err(|error| {
        let why = shown(&error.to_string());
        format!("the server's answer cannot be understood ({why})")
    })
}

fn refused_token(credentials: &PartialCredentials, error: &ServerError) -> String {
    let why = shown(&error.message);
    match &credentials.grant {
        Grant::Key(_) => format!(
            "the server does not accept a token made with this key ({why}); give the --key that it \
             was started with"
        ),
        _ => format!("the server does not accept it ({why}); get a fresh one"),
    }
}

fn refused_project(streamer: &str, project: &str, error: &ServerError) -> String {
    let why = shown(&error.message);
    let project = shown(&format!("{streamer}/{project}"));
    match error.code {
        401 => format!("the server lets nobody read {project} without a token for it ({why})"),
        ABSENT => format!(
            "the server has no {project} ({why}); check --streamer and --project, or wait until \
             the streamer comes"
        ),
        code => format!("the server does not tell of {project} ({code}: {why})"),
    }
}
