//! Carries out the requests of one connection, in order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::adapters::inbound::websocket::connection::request_queue::{End, Request, RequestQueue};
use crate::adapters::inbound::websocket::connection::responder::Responder;
use crate::adapters::inbound::websocket::connection::session_timer::{SessionTimer, until};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::files::commit;
use crate::application::{Application, Command, CommandOutcome, Commit, SessionGuard};
use crate::domain::FilePath;

/// How many changes of one connection are carried out at once, and how many bytes of content they
/// may hold in memory together (one may be larger).
const MAX_COMMITS: usize = 32;
const MAX_COMMIT_BYTES: usize = 32 << 20;

/// The desktop client's upload that lacks only its last part is whole after this long a silence.
const SILENCE: Duration = Duration::from_secs(1);

/// How long a client that is going may take to read on, before its further answers are dropped.
const LAST_READING: Duration = Duration::from_secs(2);

/// So many requests in a row may be refused at full speed; after each further one the connection
/// pauses, since whoever goes on like that is no client, and his share of the machine is needed.
/// Once he is gone without a word, what he has left behind is not looked at.
const REFUSED_AT_FULL_SPEED: u32 = 100;
const REFUSED_PAUSE: Duration = Duration::from_millis(1);

/// Why the processor is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// All requests have been carried out and no more will come.
    NothingMore,
    /// The connection has failed to authenticate once too often.
    Banned,
}

/// A change that is being carried out.
struct Running {
    number: u64,
    path: FilePath,
    bytes: usize,
}

/// Carries out the requests of one connection.
pub(crate) struct RequestProcessor<'a> {
    requests: &'a RequestQueue,
    timer: SessionTimer,
    responder: Responder,
    /// Each gives its number.
    commits: FuturesUnordered<Pin<Box<dyn Future<Output = u64> + Send>>>,
    running: Vec<Running>,
    last_number: u64,
    /// How many requests have been refused in a row.
    refused: u32,
    /// That of the latest request: an upload that turns out to be whole answers it.
    last_context: Context,
    /// Until when the client has to be silent for its upload to be taken for whole.
    silent_at: Option<Instant>,
}

impl<'a> RequestProcessor<'a> {
    pub(crate) fn new(
        requests: &'a RequestQueue,
        application: Arc<Application>,
        connected: SessionGuard,
        responder: Responder,
    ) -> Self {
        Self {
            requests,
            timer: SessionTimer::new(application, connected, responder.clone()),
            responder,
            commits: FuturesUnordered::new(),
            running: Vec::new(),
            last_number: 0,
            refused: 0,
            last_context: Context::default(),
            silent_at: None,
        }
    }

    /// Carries out what comes until nothing more does. `on_step` is shown the session after each
    /// request.
    pub(crate) async fn run(&mut self, on_step: impl Fn(&crate::application::Session)) -> Done {
        let requests = self.requests;
        loop {
            let silent_at = self.silent_at;
            let next = async {
                tokio::select! {
                    biased;
                    Some(number) = self.commits.next() => Next::Committed(number),
                    () = until(silent_at) => Next::Silence,
                    request = requests.next() => Next::Request(request),
                }
            };
            match self.timer.meanwhile(next).await {
                Next::Committed(number) => self.finish(number),
                Next::Silence => {
                    self.silent_at = None;
                    self.settle(None).boxed().await;
                }
                Next::Request(Err(end)) => {
                    // Of a connection that was cut it is not known what was to come.
                    if end == End::Proper {
                        self.settle(None).boxed().await;
                    }
                    self.finish_all().await;
                    return Done::NothingMore;
                }
                Next::Request(Ok(request)) => {
                    // In a box, for it is large, and most connections are idle most of the time.
                    if let Some(done) = Box::pin(self.carry_out_all(request, &on_step)).await {
                        return done;
                    }
                }
            }
        }
    }

    /// Carries out a request and those that have come already. Returns why the processor is done, if
    /// it is.
    async fn carry_out_all(
        &mut self,
        mut request: Request,
        on_step: &impl Fn(&crate::application::Session),
    ) -> Option<Done> {
        loop {
            if self.carry_out(request).await == Done::Banned {
                return Some(Done::Banned);
            }
            on_step(self.timer.session());
            if self.refused > REFUSED_AT_FULL_SPEED {
                match self.requests.end() {
                    None => tokio::time::sleep(REFUSED_PAUSE).await,
                    // He has sent all that he wanted to, and some of it may be good.
                    Some(End::Proper) => {}
                    Some(End::Cut) => return Some(Done::NothingMore),
                }
            }
            while let Some(Some(number)) = self.commits.next().now_or_never() {
                self.finish(number);
            }
            // The end is for whoever waits for requests.
            request = self.requests.next().now_or_never()?.ok()?;
        }
    }

    async fn carry_out(&mut self, request: Request) -> Done {
        let Request {
            command,
            context,
            _held,
            ..
        } = request;
        self.settle(Some(&command)).await;
        let is_change = matches!(command, Command::PostFile(_) | Command::DeleteFile(_));
        if !is_change {
            // Every other reply waits for those of all earlier posts and deletes.
            self.finish_all().await;
        }
        self.room().await;
        let execution = self.timer.execute(command).await;
        let is_refused = matches!(execution, CommandOutcome::Refused(_));
        let done = self.answer(execution, context.clone()).await;
        self.refused = if is_refused {
            self.refused.saturating_add(1)
        } else {
            0
        };
        if self.refused > REFUSED_AT_FULL_SPEED {
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
        let awaits_silence = self.timer.session().awaits_silence();
        self.silent_at = awaits_silence.then(|| Instant::now() + SILENCE);
        self.last_context = context;
        done
    }

    /// Whoever does not read his answers gets no more of them; if he is going, for good.
    async fn room(&mut self) {
        let (queue, requests) = (&self.responder.queue, self.requests);
        if queue.room().now_or_never().is_some() {
            return;
        }
        let room = async {
            tokio::select! {
                biased;
                () = queue.room() => {}
                () = async { requests.hurried().await; tokio::time::sleep(LAST_READING).await } => queue.close(),
            }
        };
        self.timer.meanwhile(room).boxed().await;
    }

    async fn answer(&mut self, execution: CommandOutcome, context: Context) -> Done {
        if let CommandOutcome::Commit(commit) = execution {
            self.begin(commit, context).await;
            return Done::NothingMore;
        }
        let banned = matches!(execution, CommandOutcome::RefusedForGood(_));
        if banned || matches!(execution, CommandOutcome::Refused(_)) {
            // The change before it may be of the same file, whose replies keep their order.
            self.finish_all().await;
        }
        if let Some(execution) = self.responder.answer_at_once(execution, &context) {
            let (responder, requests) = (&self.responder, self.requests);
            // In a box, for it is large, and most connections are idle most of the time.
            let answer = Box::pin(async {
                tokio::select! {
                    biased;
                    () = responder.long_answer(execution, &context) => {}
                    () = requests.hurried() => {}
                }
            });
            self.timer.meanwhile(answer).await;
        }
        if banned {
            Done::Banned
        } else {
            Done::NothingMore
        }
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
        });
        let (responder, file) = (self.responder.clone(), commit.key());
        let queue = Arc::clone(&responder.queue);
        let work = commit::commit(&self.timer.application, commit, move |outcome| {
            responder.answer_change(&file, &outcome, &context);
        });
        self.commits.push(Box::pin(async move {
            work.await;
            queue.changes_answered().await;
            number
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
        if let Some(number) = self.timer.meanwhile(self.commits.next()).boxed().await {
            self.finish(number);
        }
    }

    async fn finish_all(&mut self) {
        while !self.commits.is_empty() {
            self.finish_one().await;
        }
    }

    fn finish(&mut self, number: u64) {
        self.running.retain(|running| running.number != number);
    }

    /// An upload that lacks only the desktop client's last part is whole, unless `next` is it.
    async fn settle(&mut self, next: Option<&Command>) {
        if let Some(execution) = self.timer.settle_upload(next).await {
            let context = self.last_context.clone();
            // Of what this can be, nothing ends the connection.
            self.answer(execution, context).boxed().await;
        }
    }
}

/// What the processor has waited for.
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once; a box would cost every request an allocation"
)]
enum Next {
    Committed(u64),
    /// The client has been silent for as long as it may take to send a last part.
    Silence,
    Request(Result<Request, End>),
}
