//! Carries out the requests of one connection, in order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::inbox::{End, Inbox, Request};
use super::request::Context;
use super::sender::Sender;
use crate::application::{Application, Command, Commit, Connected, Execution, Refusal, Reply};
use crate::domain::FilePath;

/// How many changes of one connection are carried out at once, and how many bytes of content they
/// may hold in memory together (one may be larger).
const MAX_COMMITS: usize = 32;
const MAX_COMMIT_BYTES: usize = 32 << 20;

/// The desktop client's upload that lacks only its last part is whole after this long a silence.
const SILENCE: Duration = Duration::from_secs(1);

/// A deadline further away than this is looked at again on the way.
const MAX_WAIT: Duration = Duration::from_secs(3_600);

/// So many requests in a row may be refused at full speed; after each further one the connection
/// pauses, since whoever goes on like that is no client, and his share of the machine is needed.
/// Once he is gone without a word, what he has left behind is not looked at.
const REFUSED_AT_FULL_SPEED: u32 = 100;
const REFUSED_PAUSE: Duration = Duration::from_millis(1);

/// Why the worker is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// All requests have been carried out and no more will come.
    NothingMore,
    /// The connection has failed to authenticate once too often.
    Banned,
}

type Outcome = (u64, Result<Reply, Refusal>);

/// A change that is being carried out.
struct Running {
    number: u64,
    path: FilePath,
    bytes: usize,
    context: Context,
}

/// Carries out the requests of one connection.
pub(super) struct Worker {
    pub application: Arc<Application>,
    pub connected: Connected,
    pub sender: Sender,
    commits: FuturesUnordered<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    running: Vec<Running>,
    last_number: u64,
    /// How many requests have been refused in a row.
    refused: u32,
    /// That of the latest request: an upload that turns out to be whole answers it.
    last_context: Context,
    deadline: Option<Instant>,
    /// Until when the client has to be silent for its upload to be taken for whole.
    silent_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(application: Arc<Application>, connected: Connected, sender: Sender) -> Self {
        Self {
            application,
            connected,
            sender,
            commits: FuturesUnordered::new(),
            running: Vec::new(),
            last_number: 0,
            refused: 0,
            last_context: Context::default(),
            deadline: None,
            silent_at: None,
        }
    }

    /// Carries out what comes until nothing more does. `on_step` is told after each request
    /// whether the connection has authenticated.
    pub(super) async fn run(&mut self, inbox: &Inbox, on_step: impl Fn(bool)) -> Done {
        loop {
            let deadline = self.deadline;
            tokio::select! {
                biased;
                Some(outcome) = self.commits.next() => self.finish(outcome),
                () = until(deadline) => self.on_deadline().await,
                request = inbox.next() => {
                    let request = match request {
                        Ok(request) => request,
                        Err(end) => {
                            // Of a connection that was cut it is not known what was to come.
                            if end == End::Proper {
                                self.settle(None).await;
                            }
                            self.finish_all().await;
                            return Done::NothingMore;
                        }
                    };
                    if self.carry_out(request).await == Done::Banned {
                        return Done::Banned;
                    }
                    on_step(self.connected.session.is_authenticated());
                    if self.refused > REFUSED_AT_FULL_SPEED {
                        match inbox.end() {
                            None => tokio::time::sleep(REFUSED_PAUSE).await,
                            // He has sent all that he wanted to, and some of it may be good.
                            Some(End::Proper) => {}
                            Some(End::Cut) => return Done::NothingMore,
                        }
                    }
                }
            }
            let wait = self.application.next_deadline(&self.connected.session);
            let deadline = wait.map(|wait| Instant::now() + wait.min(MAX_WAIT));
            self.deadline = deadline.into_iter().chain(self.silent_at).min();
        }
    }

    async fn carry_out(&mut self, request: Request) -> Done {
        let Request {
            command, context, ..
        } = request;
        self.settle(Some(&command)).await;
        let is_change = matches!(command, Command::PostFile(_) | Command::DeleteFile(_));
        if !is_change {
            // Every other reply waits for those of all earlier posts and deletes.
            self.finish_all().await;
        }
        // Whoever does not read his answers gets no more of them.
        self.sender.mailbox.room().await;
        let execution = self
            .application
            .execute(&mut self.connected.session, command)
            .await;
        let is_refused = matches!(execution, Execution::Refused(_));
        let done = self.answer(execution, context.clone()).await;
        self.refused = if is_refused {
            self.refused.saturating_add(1)
        } else {
            0
        };
        if self.refused > REFUSED_AT_FULL_SPEED {
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
        let awaits_silence = self.connected.session.awaits_silence();
        self.silent_at = awaits_silence.then(|| Instant::now() + SILENCE);
        self.last_context = context;
        done
    }

    async fn answer(&mut self, execution: Execution, context: Context) -> Done {
        match execution {
            Execution::Silent => {}
            Execution::Replied(reply) => self.sender.reply(&reply, &context),
            Execution::Authenticated { replies, waiting } => {
                for reply in &replies {
                    self.sender.reply(reply, &context);
                }
                if let Some(pages) = waiting {
                    self.sender.waiting_pull_requests(pages).await;
                }
            }
            Execution::Commit(commit) => self.begin(commit, context).await,
            Execution::Files(fetch) => {
                let asked = fetch.asked().to_owned();
                if let Some(files) = self.sender.files(fetch, &context).await {
                    self.sender.get_done(&asked, files, &context);
                }
            }
            Execution::PullRequestFiles(fetch) => {
                if self.sender.files(fetch, &context).await.is_some() {
                    self.sender.pull_request_got(&context);
                }
            }
            Execution::Listing(fetch) => self.sender.listing(fetch, &context).await,
            Execution::PullRequests(pages) => self.sender.pull_requests(pages, &context).await,
            Execution::Refused(refusal) => {
                // The change before it may be of the same file, whose replies keep their order.
                self.finish_all().await;
                self.sender.refusal(&refusal, &context);
            }
            Execution::RefusedForGood(refusal) => {
                self.finish_all().await;
                self.sender.refusal(&refusal, &context);
                return Done::Banned;
            }
        }
        Done::NothingMore
    }

    /// Begins a change once those that it touches are done and there is room for one more.
    async fn begin(&mut self, commit: Commit, context: Context) {
        let bytes = commit.bytes();
        while self.must_wait(commit.path(), bytes) {
            self.finish_one().await;
        }
        self.last_number += 1;
        let number = self.last_number;
        let path = commit.path().clone();
        self.running.push(Running {
            number,
            path,
            bytes,
            context,
        });
        let work = self.application.commit(commit);
        self.commits
            .push(Box::pin(async move { (number, work.await) }));
    }

    fn must_wait(&self, path: &FilePath, bytes: usize) -> bool {
        let held: usize = self.running.iter().map(|running| running.bytes).sum();
        let full = self.running.len() >= MAX_COMMITS
            || (!self.running.is_empty() && held + bytes > MAX_COMMIT_BYTES);
        full || self
            .running
            .iter()
            .any(|running| running.path.touches(path))
    }

    async fn finish_one(&mut self) {
        if let Some(outcome) = self.commits.next().await {
            self.finish(outcome);
        }
    }

    async fn finish_all(&mut self) {
        while !self.commits.is_empty() {
            self.finish_one().await;
        }
    }

    fn finish(&mut self, (number, outcome): Outcome) {
        let Some(index) = self
            .running
            .iter()
            .position(|running| running.number == number)
        else {
            return;
        };
        let running = self.running.swap_remove(index);
        self.sender.outcome(&outcome, &running.context);
    }

    /// An upload that lacks only the desktop client's last part is whole, unless `next` is it.
    async fn settle(&mut self, next: Option<&Command>) {
        let session = &mut self.connected.session;
        if let Some(execution) = self.application.settle_upload(session, next).await {
            let context = self.last_context.clone();
            // Of what this can be, nothing ends the connection.
            self.answer(execution, context).await;
        }
    }

    async fn on_deadline(&mut self) {
        if self.silent_at.is_some_and(|at| at <= Instant::now()) {
            self.silent_at = None;
            self.settle(None).await;
        }
        let session = &mut self.connected.session;
        self.application.expire_uploads(session);
        if let Some(refusal) = self.application.withdraw_expired(session) {
            self.sender.refusal(&refusal, &Context::default());
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
