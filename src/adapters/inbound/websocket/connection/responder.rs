//! Puts what a connection is sent into its queue, in pieces that fit.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::adapters::delivery::{FileTransferGuard, SendQueue, WireFrame};
use crate::adapters::inbound::websocket::protocol::encode::{self, FilePart};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::files::open_updated::open_updated;
use crate::application::memory::Account;
use crate::application::ports::{HELD_FILE_BYTES, OpenFile};
use crate::application::pull_requests::pages::{next_pull_requests, tell_if_open};
use crate::application::session::Responder;
use crate::application::{
    Application, FileKey, FileStream, LongAnswer, NextFile, PullRequestPages, Reply, RequestError,
};
use crate::domain::{ContentHash, FilePath, ProjectId};

/// How often the server tries again to read a changed file, first after 10 ms and then after twice
/// as long each time: the disk or the file descriptors may be short for a moment. Including the
/// wait after the last try, the connection has 1.27 s.
const RETRIES: u32 = 6;
const FIRST_RETRY: Duration = Duration::from_millis(10);

/// Sends to one WebSocket connection.
#[derive(Clone)]
pub(crate) struct WebSocketResponder {
    pub application: Arc<Application>,
    pub queue: Arc<SendQueue<WireFrame>>,
    /// Every answer is reserved on it.
    pub account: Arc<Account>,
    /// `partBytes`.
    pub part_bytes: usize,
    /// Held while a list of more than one slice is encoded, so that only one such list takes memory
    /// that is not reserved yet.
    pub long_lists: Arc<Semaphore>,
}

/// What is told with each part of a file, besides its content.
#[derive(Clone, Copy)]
struct Told<'a> {
    base: Option<ContentHash>,
    executable: Option<bool>,
    project: Option<&'a ProjectId>,
}

impl Responder for WebSocketResponder {
    type Context = Context;

    fn reply(&self, reply: &Reply, context: &Context) {
        self.push(encode::reply(reply, context));
    }

    fn refuse(&self, refusal: &RequestError, context: &Context) {
        self.push(self.refusal(refusal, context));
    }

    fn answer_change(
        &self,
        file: &FileKey,
        outcome: &Result<Reply, RequestError>,
        context: &Context,
    ) {
        let frame = match outcome {
            Ok(reply) => encode::reply(reply, context),
            Err(refusal) => self.refusal(refusal, context),
        };
        let frame = WireFrame::own(frame, &self.account);
        self.queue.answer_change(file, frame);
    }

    async fn changes_answered(&self) {
        self.queue.changes_answered().await;
    }

    async fn send(&self, answer: LongAnswer, context: &Context) {
        match answer {
            LongAnswer::WaitingPullRequests(pages) => self.waiting_pull_requests(pages).await,
            LongAnswer::Files(files) => {
                let asked = files.asked().to_owned();
                let sent = self.files(files, context).await;
                if let Some(sent) = sent.filter(|_| context.reference.is_some()) {
                    self.push(encode::get_done(&asked, sent, context));
                }
            }
            LongAnswer::PullRequestFiles(files) => {
                if self.files(files, context).await.is_some() {
                    self.push(encode::pull_request_got(context));
                }
            }
            LongAnswer::Listing(files) => self.listing(files, context).await,
            LongAnswer::PullRequests(pages) => self.pull_requests(pages, context).await,
            LongAnswer::ChatHistory(messages) => {
                self.long_list(encode::chat_history(&messages, context))
                    .await;
            }
            LongAnswer::ChatModeration(moderation) => {
                self.long_list(encode::chat_moderation(&moderation, context))
                    .await;
            }
            LongAnswer::ChatMembers(names) => {
                self.long_list(encode::chat_members(&names, context)).await;
            }
        }
    }

    async fn room(&self, bytes: usize) {
        self.queue.room().await;
        tokio::select! {
            biased;
            () = self.account.room(bytes) => {}
            _ = self.queue.until_closed() => {}
        }
    }

    fn is_closed(&self) -> bool {
        self.queue.closed().is_some()
    }

    fn close(&self) {
        self.queue.close();
    }
}

impl WebSocketResponder {
    /// An error message. Counts the error as told.
    fn refusal(&self, refusal: &RequestError, context: &Context) -> Bytes {
        self.application.counts.errors.of(refusal.kind()).one();
        encode::refusal(refusal, context)
    }

    pub(super) fn push(&self, frame: Bytes) {
        self.queue.push(WireFrame::own(frame, &self.account));
    }

    /// Sends all files of `get`, each as the connection has room for it. Returns how many were
    /// sent, or `None` if an error or the end of the connection cut it short.
    async fn files(&self, mut stream: FileStream, context: &Context) -> Option<u64> {
        let mut sent = 0;
        let mut turn = None;
        loop {
            if !stream.is_ahead() {
                stream.note_sent();
                drop(turn.take());
                self.queue.room().await;
                if self.queue.closed().is_some() {
                    return None;
                }
                // Taken before files are opened, so that no other version of them comes in between.
                turn = Some(self.queue.begin_file().await);
            }
            // Files that are open already need no wait, so the task would not yield between them.
            tokio::task::consume_budget().await;
            match stream.next().await {
                None => return Some(sent),
                Some(NextFile::File(path, file)) => {
                    if let Some(project) = stream.source().project().cloned() {
                        let path = path.clone();
                        self.queue
                            .supersede(&FileKey { project, path }, file.version);
                    }
                    let told = Told {
                        base: stream.source().base(&path),
                        executable: stream.source().executable(&path, file.executable),
                        project: None,
                    };
                    sent += u64::from(self.file(&path, &file, told, context).await);
                }
                Some(NextFile::Unreadable(path)) => self.unreadable(&path, context),
                Some(NextFile::Broken(refusal)) => {
                    self.refuse(&refusal, context);
                    return None;
                }
            }
        }
    }

    /// Sends one file, part by part. Returns whether it could be read to its end.
    async fn file(
        &self,
        path: &FilePath,
        file: &OpenFile,
        told: Told<'_>,
        context: &Context,
    ) -> bool {
        let count = encode::part_count(file.bytes, self.part_bytes);
        for part in 1..=count {
            if part > 1 {
                self.queue.room().await;
            }
            let offset = (part - 1) * self.part_bytes as u64;
            let length = (file.bytes - offset).min(self.part_bytes as u64);
            // At most `part_bytes`, so it fits.
            let length = usize::try_from(length).unwrap_or(self.part_bytes);
            let mut reading = None;
            if file.bytes > HELD_FILE_BYTES as u64 {
                let bytes = OpenFile::sending_bytes(length);
                reading = Some(self.account.reserve_room(bytes).await);
            }
            let bytes = if length == 0 {
                Bytes::new()
            } else {
                match file.source.read(offset, length).await {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        tracing::warn!(%error, "could not read a file to its end");
                        self.unreadable(path, context);
                        return false;
                    }
                }
            };
            let part = FilePart {
                path,
                content: &bytes,
                part,
                count,
                base: told.base,
                executable: told.executable,
                project: told.project,
            };
            let frame = encode::file_part(&part, context.reference.as_ref());
            drop(reading);
            self.push(frame);
        }
        true
    }

    pub(super) fn unreadable(&self, path: &FilePath, context: &Context) {
        let context = Context {
            reference: context.reference.clone(),
            name: Some(path.as_str().to_owned()),
        };
        self.refuse(&RequestError::UnreadableFile, &context);
    }

    /// Sends what waits as names, newest versions, for as long as the connection lives.
    pub(crate) async fn pending_updates(&self) {
        loop {
            let (turn, key) = self.queue.next_pending().await;
            // In a box, because it is large and most connections are idle most of the time.
            Box::pin(self.pending_update(turn, &key)).await;
        }
    }

    /// Sends the newest version of a file. If it can be read neither now nor a little later, the
    /// connection ends, because it would never learn of the change.
    async fn pending_update(&self, turn: FileTransferGuard<WireFrame>, key: &FileKey) {
        let FileKey { project, path } = key;
        let nobody = Context::default();
        for tries in 0..=RETRIES {
            // Does not wait for room: `next_pending` has done so, and most changed files are small.
            let _held = self.account.reserve(HELD_FILE_BYTES);
            let opened = open_updated(&self.application, project, path).await;
            // If it is no longer wanted, the connection must not be told of the project any more.
            if !turn.is_wanted() {
                return;
            }
            match opened {
                Ok(Some(file)) => {
                    self.queue.supersede(key, file.version);
                    let told = Told {
                        base: None,
                        executable: file.executable.then_some(true),
                        project: Some(project),
                    };
                    if self.file(path, &file, told, &nobody).await {
                        return;
                    }
                }
                // The file is deleted by now. The connection is told of that as well.
                Ok(None) => return,
                Err(error) => tracing::error!(%error, "could not read a changed file"),
            }
            tokio::time::sleep(FIRST_RETRY * 2_u32.pow(tries)).await;
            if !turn.is_wanted() {
                return;
            }
        }
        self.queue.miss();
    }

    async fn pull_requests(&self, mut pages: PullRequestPages, context: &Context) {
        loop {
            self.queue.room().await;
            match next_pull_requests(&self.application, &mut pages).await {
                Ok((page, held)) => {
                    let last = pages.is_over();
                    if last || !page.is_empty() {
                        let frame = encode::pull_request_list(&page, last, context);
                        drop((page, held));
                        self.push(frame);
                    }
                    if last {
                        return;
                    }
                }
                Err(refusal) => return self.refuse(&refusal, context),
            }
        }
    }

    /// Tells the streamer of the pull requests that have waited.
    async fn waiting_pull_requests(&self, mut pages: PullRequestPages) {
        while !pages.is_over() {
            // A failure has been logged, and must not keep the others back.
            let page = next_pull_requests(&self.application, &mut pages).await;
            for created in page.iter().flat_map(|(page, _held)| page) {
                self.queue.room().await;
                let (own, frame) = (self.clone(), encode::pull_request_created(created));
                tell_if_open(&self.application, created, move || own.push(frame));
            }
        }
    }
}

#[cfg(test)]
mod tests;
