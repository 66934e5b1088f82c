//! Carries out the requests of one connection, in order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::application::command::Command;
use crate::application::fair_share::{ProcessorShare, is_slice_over};
use crate::application::files::change_outlives_connection::{Commit, commit};
use crate::application::outcome::{CommandOutcome, LongAnswer};
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::disconnect::SessionGuard;
use crate::application::session::request_queue::{End, Request, RequestQueue};
use crate::application::session::responder::Responder;
use crate::application::session::session_timer::{SessionTimer, until};
use crate::application::session::state::Session;
use crate::domain::FilePath;

/// How many changes of one connection are carried out at once, and how many bytes of content they
/// may hold in memory together (one may be larger).
const MAX_COMMITS: usize = 32;
const MAX_COMMIT_BYTES: usize = 32 << 20;

/// The desktop client's upload that lacks only its last part is complete after this long a silence.
const SILENCE: Duration = Duration::from_secs(1);

/// How long a client that is leaving may take to read on before its further answers are dropped.
const LAST_READING: Duration = Duration::from_secs(2);

/// How many requests in a row may be refused at full speed. After each further one the connection
/// pauses, because no real client goes on like that. If it is cut, its other requests are dropped.
const REFUSED_AT_FULL_SPEED: u32 = 100;
const REFUSED_PAUSE: Duration = Duration::from_millis(1);

/// How long requests that have already arrived are carried out, one after the other, before other
/// tasks run. Otherwise requests that the disk answers at once would keep a worker for long.
const SLICE: Duration = Duration::from_micros(100);

/// Why the processor has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All requests have been carried out and no more will come.
    NothingMore,
    /// The connection has failed to authenticate once too often.
    Banned,
}

/// A change that is being carried out.
struct Running {
    /// No other running change has this path.
    path: FilePath,
    bytes: usize,
}

/// Carries out the requests of one connection, which `R` answers. `O` sees the session after each
/// of its changes.
pub struct RequestProcessor<'a, R: Responder, O> {
    requests: &'a RequestQueue<R::Context>,
    share: Arc<ProcessorShare>,
    timer: SessionTimer<R, O>,
    responder: R,
    /// Each returns the path of its file.
    commits: FuturesUnordered<Pin<Box<dyn Future<Output = FilePath> + Send>>>,
    running: Vec<Running>,
    /// How many requests have been refused in a row.
    refused: u32,
    /// The context of the latest request: an upload that turns out to be complete answers it.
    last_context: R::Context,
    /// Until when the client must be silent for its upload to count as complete.
    silent_at: Option<Instant>,
}

impl<'a, R: Responder, O: Fn(&Session) + Send + Sync> RequestProcessor<'a, R, O> {
    /// A processor of `requests`. `observe` is called after each request and each deadline.
    pub fn new(
        requests: &'a RequestQueue<R::Context>,
        share: Arc<ProcessorShare>,
        connected: SessionGuard,
        responder: R,
        observe: O,
    ) -> Self {
        Self {
            requests,
            share,
            timer: SessionTimer {
                connected,
                responder: responder.clone(),
                observe,
            },
            responder,
            commits: FuturesUnordered::new(),
            running: Vec::new(),
            refused: 0,
            last_context: R::Context::default(),
            silent_at: None,
        }
    }

    /// Carries out requests until no more will come.
    pub async fn run(&mut self) -> Done {
        let requests = self.requests;
        loop {
            let silent_at = self.silent_at;
            let next = async {
                tokio::select! {
                    biased;
                    Some(path) = self.commits.next() => Next::Committed(path),
                    () = until(silent_at) => Next::Silence,
                    request = requests.next() => Next::Request(request),
                }
            };
            // In a box, because it is large, and most connections are idle most of the time.
            let step = match self.timer.meanwhile(next).await {
                Next::Committed(path) => {
                    self.finish(&path);
                    continue;
                }
                Next::Silence => self.settle(None).map(|()| None).boxed(),
                Next::Request(Err(end)) => self.end(end).boxed(),
                Next::Request(Ok(request)) => self.carry_out_all(request).boxed(),
            };
            if let Some(done) = step.await {
                return done;
            }
        }
    }

    async fn end(&mut self, end: End) -> Option<Done> {
        // If the connection was cut, nobody knows what was to come.
        if end == End::Proper {
            self.settle(None).await;
        }
        self.finish_all().await;
        Some(Done::NothingMore)
    }

    /// Carries out a request and those that have already arrived. Returns why the processor has
    /// stopped, if it has.
    async fn carry_out_all(&mut self, mut request: Request<R::Context>) -> Option<Done> {
        let mut since = std::time::Instant::now();
        loop {
            self.share.set_busy(true);
            let done = self.carry_out(request).await;
            self.share.set_busy(false);
            if done == Done::Banned {
                return Some(Done::Banned);
            }
            self.timer.observe();
            if self.refused > REFUSED_AT_FULL_SPEED {
                match self.requests.end() {
                    // The client has sent all that it wanted to, and some of it may be valid.
                    Some(End::Proper) => {}
                    None if !self.responder.is_closed() => {
                        tokio::time::sleep(REFUSED_PAUSE).await;
                    }
                    None | Some(End::Cut) => return Some(Done::NothingMore),
                }
            }
            while let Some(Some(path)) = self.commits.next().now_or_never() {
                self.finish(&path);
            }
            // `run` handles the end.
            request = self.requests.next().now_or_never()?.ok()?;
            if is_slice_over(since, SLICE) {
                tokio::task::yield_now().await;
                since = std::time::Instant::now();
            }
        }
    }

    async fn carry_out(&mut self, request: Request<R::Context>) -> Done {
        let Request {
            command,
            context,
            asked,
            held: _held,
        } = request;
        self.settle(Some(&command)).await;
        let kind = command.kind();
        let is_change = matches!(command, Command::PostFile(_) | Command::DeleteFile(_));
        if !is_change {
            // Every other reply waits until all earlier posts and deletes have been answered.
            self.finish_all().await;
        }
        // Only after this wait is it checked whether the command may be carried out.
        self.room(command.answer_bytes()).await;
        if self.responder.is_closed() && command.only_asks() {
            return Done::NothingMore;
        }
        self.timer.connected.session.asked = asked;
        let Some(outcome) = self.timer.execute(command, self.requests).await else {
            return Done::NothingMore;
        };
        let is_refused = matches!(outcome, CommandOutcome::Refused(_));
        if let Some(how) = outcome.counted() {
            let counts = &self.timer.connected.application.counts;
            counts.requests.of(kind).of(how).one();
        }
        let done = self.answer(outcome, context.clone()).await;
        self.refused = if is_refused {
            self.refused.saturating_add(1)
        } else {
            0
        };
        if self.refused > REFUSED_AT_FULL_SPEED {
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
        let awaits_silence = self.timer.session().uploads.has_perhaps_whole();
        self.silent_at = awaits_silence.then(|| Instant::now() + SILENCE);
        self.last_context = context;
        done
    }

    /// Waits until the client has read enough of its answers, and there is memory for one more. If
    /// it is leaving, the wait is short and all further answers are dropped.
    async fn room(&mut self, bytes: usize) {
        let (responder, requests) = (&self.responder, self.requests);
        if responder.room(bytes).now_or_never().is_some() {
            return;
        }
        let room = async {
            tokio::select! {
                biased;
                () = responder.room(bytes) => {}
                () = async { requests.hurried().await; tokio::time::sleep(LAST_READING).await } => {
                    responder.close();
                }
            }
        };
        self.timer.meanwhile(room).boxed().await;
    }

    async fn answer(&mut self, outcome: CommandOutcome, context: R::Context) -> Done {
        match outcome {
            CommandOutcome::Silent => {}
            CommandOutcome::Commit(commit) => self.begin(commit, context).await,
            CommandOutcome::Replied(reply) => self.responder.reply(&reply, &context),
            CommandOutcome::Refused(refusal) => self.refuse(&refusal, &context).await,
            CommandOutcome::RefusedForGood(refusal) => {
                self.refuse(&refusal, &context).await;
                return Done::Banned;
            }
            CommandOutcome::Authenticated { replies, waiting } => {
                for reply in &replies {
                    self.responder.reply(reply, &context);
                }
                if let Some(pages) = waiting {
                    let answer = LongAnswer::WaitingPullRequests(pages);
                    self.send(answer, context).await;
                }
            }
            CommandOutcome::Long(answer) => self.send(answer, context).await,
        }
        Done::NothingMore
    }

    async fn refuse(&mut self, refusal: &RequestError, context: &R::Context) {
        // An earlier change may be of the same file, and the replies for one file keep their order.
        self.finish_all().await;
        self.responder.refuse(refusal, context);
    }

    async fn send(&mut self, answer: LongAnswer, context: R::Context) {
        self.share.spend();
        let sending = self.responder.send(answer, &context);
        let sending = Box::pin(self.requests.unless_hurried(sending));
        self.timer.meanwhile(sending).await;
    }

    /// Starts a change once the changes that it touches are done and there is room for one more.
    async fn begin(&mut self, change: Commit, context: R::Context) {
        let bytes = change.bytes();
        while self.must_wait(&change.file.path, bytes) {
            self.finish_one().await;
        }
        let file = change.file.clone();
        let path = file.path.clone();
        self.running.push(Running {
            path: path.clone(),
            bytes,
        });
        let responder = self.responder.clone();
        let answer = move |outcome: Result<Reply, RequestError>| {
            responder.answer_change(&file, &outcome, &context);
        };
        let app = &self.timer.connected.application;
        let work = commit(app, &self.share, change, answer);
        let responder = self.responder.clone();
        self.commits.push(Box::pin(async move {
            work.await;
            responder.changes_answered().await;
            path
        }));
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
        if let Some(path) = self.timer.meanwhile(self.commits.next()).boxed().await {
            self.finish(&path);
        }
    }

    async fn finish_all(&mut self) {
        while !self.commits.is_empty() {
            self.finish_one().await;
        }
    }

    fn finish(&mut self, path: &FilePath) {
        self.running.retain(|running| running.path != *path);
    }

    /// Completes an upload that lacks only the desktop client's last part, unless `next` is that
    /// part.
    async fn settle(&mut self, next: Option<&Command>) {
        self.silent_at = None;
        if let Some(outcome) = self.timer.settle_upload(next).await {
            let context = self.last_context.clone();
            // None of these outcomes ends the connection.
            self.answer(outcome, context).boxed().await;
        }
    }
}

/// What the processor was waiting for.
enum Next<C> {
    Committed(FilePath),
    /// The client has been silent for as long as it may take to send a last part.
    Silence,
    Request(Result<Request<C>, End>),
}

#[cfg(test)]
mod tests;
