//! Pull requests that the streamer accepts on their page while sharing: asks for confirmation on
//! the keyboard, applies them as `pulls apply` does, and answers the page (protocol, section 6,
//! `apply`).

use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use twicecast_client::protocol;

use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::FileName;
use crate::publish::output::Event;
use crate::publish::page::{ACCEPT, APPLIED, Heard, Wish};

use crate::ui::output::{Line, cut};

use super::review::{Applied, Reviewed, apply, look};

/// The most characters of a message that are sent: servers limit it.
const MESSAGE_CHARS: usize = 250;

/// What is being done at the moment.
enum State {
    Idle,
    /// The pull request is being fetched, so that the streamer can see what they say yes to.
    Looking(u64, JoinHandle<Result<Box<Reviewed>, Failure>>),
    /// The streamer is being asked.
    Asking(u64, Box<Reviewed>),
    /// The server is being asked whether the page still wants it.
    Accepting(u64, Box<Reviewed>),
    /// It is being applied.
    Applying(u64, JoinHandle<Result<Applied, Failure>>),
}

/// Answers the page for as long as the folder is shared.
pub struct FromPage {
    pub credentials: Credentials,
    pub dir: PathBuf,
    pub allow: Vec<String>,
    /// Whether to apply without asking, except for files that `pulls apply` takes only by name.
    pub accepts: bool,
    /// Whether somebody can be asked.
    pub has_keys: bool,
    pub heard: mpsc::UnboundedReceiver<Heard>,
    /// Yes or no, as pressed on the keyboard.
    pub answers: mpsc::Receiver<bool>,
    pub wishes: mpsc::Sender<Wish>,
    /// The last question that was answered, and with which outcome.
    pub told: Option<(u64, &'static str)>,
}

impl FromPage {
    /// Runs until the share ends.
    pub async fn run(mut self) {
        let mut state = State::Idle;
        loop {
            state = tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(heard) => self.hear(state, heard).await,
                    None => return,
                },
                Some(yes) = self.answers.recv() => self.answer(state, yes).await,
                done = done(&mut state) => self.go_on(state, done).await,
            };
        }
    }

    async fn hear(&mut self, state: State, heard: Heard) -> State {
        match (state, heard) {
            (State::Idle, Heard::Asked { request, id, files }) => {
                let (credentials, dir) = (self.credentials.clone(), self.dir.clone());
                let look = async move { look(&credentials, &dir, &id, files.as_deref()).await };
                State::Looking(request, tokio::spawn(look))
            }
            // The server asks one thing at a time, so this is none of ours.
            (state, Heard::Asked { request, .. }) => {
                self.send(
                    request,
                    "failed",
                    &[],
                    "another pull request is just being applied",
                )
                .await;
                state
            }
            (State::Accepting(request, reviewed), Heard::Accepted(true)) => {
                let (credentials, dir) = (self.credentials.clone(), self.dir.clone());
                let (allow, wishes) = (self.allow.clone(), self.wishes.clone());
                let work = async move {
                    let mut lines = Vec::new();
                    let tell = &mut |line| lines.push(line);
                    let applied = apply(&credentials, &dir, &allow, reviewed, tell).await;
                    for line in lines {
                        let event = match line {
                            Line::Said(text) => Event::Applied { text },
                            Line::Trouble(text) => Event::Note { text },
                        };
                        let _ = wishes.send(Wish::Tell(event)).await;
                    }
                    applied
                };
                State::Applying(request, tokio::spawn(work))
            }
            (State::Accepting(..), Heard::Accepted(false)) => {
                self.tell("The page did not wait any longer; nothing was applied.")
                    .await;
                State::Idle
            }
            // The server accepts only shorter messages, or the question is over.
            (state, Heard::Refused) => {
                if let Some((request, outcome)) = self.told.take() {
                    self.send(request, outcome, &[], "").await;
                    self.told = None;
                }
                state
            }
            (state @ State::Applying(..), _) | (state, Heard::Accepted(_)) => state,
            (State::Idle, _) => State::Idle,
            (state, Heard::Withdrawn { request }) if state.request() != Some(request) => state,
            (State::Looking(_, task), _) => {
                task.abort();
                State::Idle
            }
            (State::Asking(..) | State::Accepting(..), _) => {
                self.tell("The page does not ask any more; nothing was applied.")
                    .await;
                State::Idle
            }
        }
    }

    async fn answer(&mut self, state: State, yes: bool) -> State {
        match state {
            State::Asking(request, reviewed) if yes => self.accept(request, reviewed).await,
            State::Asking(request, _) => {
                self.send(request, "declined", &[], "").await;
                self.tell("Declined; the pull request stays open.").await;
                State::Idle
            }
            state => state,
        }
    }

    async fn go_on(&mut self, state: State, done: Done) -> State {
        match (state, done) {
            (State::Looking(request, _), Done::Looked(Ok(reviewed))) => {
                if self.accepts && reviewed.held.is_empty() {
                    return self.accept(request, reviewed).await;
                }
                if !self.has_keys {
                    let why =
                        "twicecast share has no keyboard to ask at; use twicecast pulls apply";
                    self.send(request, "declined", &[], why).await;
                    return State::Idle;
                }
                self.wish(Wish::Tell(reviewed.question())).await;
                State::Asking(request, reviewed)
            }
            (State::Looking(request, _), Done::Looked(Err(failure)))
            | (State::Applying(request, _), Done::Applied(Err(failure))) => {
                let why = failure.to_string();
                self.send(request, "failed", &[], &why).await;
                self.tell(&format!("The pull request could not be applied: {why}"))
                    .await;
                State::Idle
            }
            (State::Applying(request, _), Done::Applied(Ok(applied))) => {
                let outcome = if applied.is_whole {
                    "applied"
                } else {
                    "partly"
                };
                self.send(request, outcome, &applied.conflicts, &applied.message)
                    .await;
                State::Idle
            }
            (state, _) => state,
        }
    }

    async fn accept(&self, request: u64, reviewed: Box<Reviewed>) -> State {
        let accept = protocol::pull_request_accept(ACCEPT, request);
        self.wish(Wish::Send(accept)).await;
        State::Accepting(request, reviewed)
    }

    /// Tells the page how its question ended.
    async fn send(
        &mut self,
        request: u64,
        outcome: &'static str,
        conflicts: &[FileName],
        message: &str,
    ) {
        self.told = Some((request, outcome));
        let message = cut(message, MESSAGE_CHARS);
        let conflicts: Vec<_> = conflicts.iter().map(FileName::as_str).collect();
        let text = protocol::pull_request_applied(APPLIED, request, outcome, &conflicts, &message);
        self.wish(Wish::Send(text)).await;
    }

    async fn tell(&self, text: &str) {
        let text = text.to_owned();
        self.wish(Wish::Tell(Event::Note { text })).await;
    }

    async fn wish(&self, wish: Wish) {
        let _ = self.wishes.send(wish).await;
    }
}

impl State {
    fn request(&self) -> Option<u64> {
        match self {
            Self::Idle => None,
            Self::Looking(request, _)
            | Self::Asking(request, _)
            | Self::Accepting(request, _)
            | Self::Applying(request, _) => Some(*request),
        }
    }
}

/// The result of a task.
enum Done {
    Looked(Result<Box<Reviewed>, Failure>),
    Applied(Result<Applied, Failure>),
}

/// Waits for the task of a state, or for ever if it has none.
async fn done(state: &mut State) -> Done {
    let lost = |error| Failure::usage(format!("it ended unexpectedly: {error}."));
    match state {
        State::Looking(_, task) => {
            Done::Looked(task.await.unwrap_or_else(|error| Err(lost(error))))
        }
        State::Applying(_, task) => {
            Done::Applied(task.await.unwrap_or_else(|error| Err(lost(error))))
        }
        _ => std::future::pending().await,
    }
}
