//! What a connection is sent: into its queue, in pieces that fit.

use crate::application::pull_requests::pages::next_pull_requests;
use crate::application::session::expiry::open_updated;
use std::sync::Arc;

use bytes::Bytes;

use crate::adapters::delivery::WireFrame;
use crate::adapters::delivery::{FileTransferGuard, SendQueue};
use crate::adapters::inbound::websocket::protocol::encode;
use crate::adapters::inbound::websocket::protocol::encode::{FilePart, ListedFile};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::FileKey;
use crate::application::memory::Account;
use crate::application::ports::OpenFile;
use crate::application::{
    Application, CommandOutcome, FileStream, NextFile, PullRequestPages, Reply, RequestError,
    sha256,
};
use crate::domain::{ContentHash, FilePath, ProjectId};

/// How many files one message of a `list` holds at the most.
const LIST_FILES: usize = 1_000;

/// Sends to one connection.
#[derive(Clone)]
pub(crate) struct Responder {
    pub application: Arc<Application>,
    pub queue: Arc<SendQueue<WireFrame>>,
    /// Every answer is reserved on it.
    pub account: Arc<Account>,
    /// `partBytes`.
    pub part_bytes: usize,
}

impl Responder {
    fn push(&self, frame: Bytes) {
        self.queue.push(WireFrame::own(frame, &self.account));
    }

    fn reply(&self, reply: &Reply, context: &Context) {
        self.push(encode::reply(reply, context));
    }

    pub(crate) fn refusal(&self, refusal: &RequestError, context: &Context) {
        self.push(encode::refusal(refusal, context));
    }

    /// Sends what came of a change of `file`.
    pub(crate) fn answer_change(
        &self,
        file: &FileKey,
        outcome: &Result<Reply, RequestError>,
        context: &Context,
    ) {
        let frame = match outcome {
            Ok(reply) => encode::reply(reply, context),
            Err(refusal) => encode::refusal(refusal, context),
        };
        let frame = WireFrame::own(frame, &self.account);
        self.queue.answer_change(file, frame);
    }

    /// Sends what comes of a request, and gives back what may take long: save a change of the project,
    /// which answers by itself, that is for [`Responder::long_answer`].
    pub(crate) fn answer_at_once(
        &self,
        execution: CommandOutcome,
        context: &Context,
    ) -> Option<CommandOutcome> {
        match execution {
            CommandOutcome::Silent => None,
            CommandOutcome::Replied(reply) => {
                self.reply(&reply, context);
                None
            }
            CommandOutcome::Refused(refusal) | CommandOutcome::RefusedForGood(refusal) => {
                self.refusal(&refusal, context);
                None
            }
            CommandOutcome::Authenticated { replies, waiting } => {
                for reply in &replies {
                    self.reply(reply, context);
                }
                waiting.map(|waiting| CommandOutcome::Authenticated {
                    replies: Vec::new(),
                    waiting: Some(waiting),
                })
            }
            long => Some(long),
        }
    }

    /// Sends an answer in pieces, as there is room for them.
    pub(crate) async fn long_answer(&self, execution: CommandOutcome, context: &Context) {
        match execution {
            CommandOutcome::Authenticated { waiting, .. } => {
                if let Some(pages) = waiting {
                    self.waiting_pull_requests(pages).await;
                }
            }
            CommandOutcome::Files(fetch) => {
                let asked = fetch.asked().to_owned();
                if let Some(files) = self.files(fetch, context).await {
                    self.get_done(&asked, files, context);
                }
            }
            CommandOutcome::PullRequestFiles(fetch) => {
                if self.files(fetch, context).await.is_some() {
                    self.push(encode::pull_request_got(context));
                }
            }
            CommandOutcome::Listing(fetch) => self.listing(fetch, context).await,
            CommandOutcome::PullRequests(pages) => self.pull_requests(pages, context).await,
            // These are answered at once, or by themselves.
            CommandOutcome::Silent
            | CommandOutcome::Replied(_)
            | CommandOutcome::Commit(_)
            | CommandOutcome::Refused(_)
            | CommandOutcome::RefusedForGood(_) => {}
        }
    }

    /// Sends all files of `get`, each as the connection has room for it. Returns how many were
    /// sent, or `None` where an error ended it.
    async fn files(&self, mut fetch: FileStream, context: &Context) -> Option<u64> {
        let mut sent = 0;
        let mut turn = None;
        loop {
            if !fetch.is_ahead() {
                drop(turn.take());
                self.queue.room().await;
                if self.queue.closed().is_some() {
                    return None;
                }
                // Taken before files are opened: from here on no other version of them comes between.
                turn = Some(self.queue.begin_file().await);
            }
            match fetch.next().await {
                None => return Some(sent),
                Some(NextFile::File(path, file)) => {
                    if let Some(project) = fetch.project() {
                        self.supersede(project, &path, &file);
                    }
                    let base = fetch.base(&path);
                    sent += u64::from(self.file(&path, &file, None, base, context).await);
                }
                Some(NextFile::Unreadable(path)) => self.unreadable(&path, context),
                Some(NextFile::Broken(refusal)) => {
                    self.refusal(&refusal, context);
                    return None;
                }
            }
        }
    }

    fn supersede(&self, project: &ProjectId, path: &FilePath, file: &OpenFile) {
        let key = FileKey {
            project: project.clone(),
            path: path.clone(),
        };
        self.queue.supersede(&key, file.version);
    }

    /// Sends one file, part by part. Returns whether it could be read to its end.
    async fn file(
        &self,
        path: &FilePath,
        file: &OpenFile,
        project: Option<&ProjectId>,
        base: Option<ContentHash>,
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
            let bytes = if length == 0 {
                Bytes::new()
            } else {
                match file.source.read(offset, length).await {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        tracing::error!(%error, "could not read a file to its end");
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
                base,
                project,
            };
            self.push(encode::file_part(&part, context.reference.as_ref()));
        }
        true
    }

    fn unreadable(&self, path: &FilePath, context: &Context) {
        let context = Context {
            reference: context.reference.clone(),
            name: Some(path.as_str().to_owned()),
        };
        self.refusal(&RequestError::UnreadableFile, &context);
    }

    /// Sends what waits as names, newest versions, for as long as the connection lives.
    pub(crate) async fn pending_updates(&self) {
        loop {
            let (turn, key) = self.queue.next_pending().await;
            // In a box, for it is large, and most connections are idle most of the time.
            Box::pin(self.pending_update(turn, &key)).await;
        }
    }

    async fn pending_update(&self, turn: FileTransferGuard<WireFrame>, key: &FileKey) {
        let FileKey { project, path } = key;
        let nobody = Context::default();
        match open_updated(&self.application, project, path).await {
            // It may not be told of the project any more.
            _ if !turn.is_wanted() => {}
            Ok(Some(file)) => {
                self.queue.supersede(key, file.version);
                self.file(path, &file, Some(project), None, &nobody).await;
            }
            // Deleted by now, of which the connection is told as well.
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "could not read a changed file");
                self.unreadable(path, &nobody);
            }
        }
    }

    /// Sends a `list`.
    async fn listing(&self, mut fetch: FileStream, context: &Context) {
        let asked = fetch.asked().to_owned();
        let mut files = Vec::new();
        let mut part = 1;
        loop {
            if self.queue.closed().is_some() {
                return;
            }
            match fetch.next().await {
                None => break,
                Some(NextFile::File(path, file)) => match listed(&path, &file).await {
                    Some(listed) => {
                        if files.len() == LIST_FILES {
                            self.queue.room().await;
                            self.push(encode::file_list(&asked, &files, part, false, context));
                            files.clear();
                            part += 1;
                        }
                        files.push(listed);
                    }
                    None => self.unreadable(&path, context),
                },
                Some(NextFile::Unreadable(path)) => self.unreadable(&path, context),
                Some(NextFile::Broken(refusal)) => return self.refusal(&refusal, context),
            }
        }
        self.queue.room().await;
        self.push(encode::file_list(&asked, &files, part, true, context));
    }

    /// Sends a pull requests' `list`.
    async fn pull_requests(&self, mut pages: PullRequestPages, context: &Context) {
        loop {
            self.queue.room().await;
            match next_pull_requests(&self.application, &mut pages).await {
                Ok(page) => {
                    let last = pages.is_over();
                    if last || !page.is_empty() {
                        self.push(encode::pull_request_list(&page, last, context));
                    }
                    if last {
                        return;
                    }
                }
                Err(refusal) => return self.refusal(&refusal, context),
            }
        }
    }

    /// Tells of the pull requests that have waited for the streamer.
    async fn waiting_pull_requests(&self, mut pages: PullRequestPages) {
        while !pages.is_over() {
            // A failure has been logged, and must not keep the others back.
            let page = next_pull_requests(&self.application, &mut pages).await;
            for created in page.iter().flatten() {
                self.queue.room().await;
                self.push(encode::pull_request_created(created));
            }
        }
    }

    fn get_done(&self, asked: &str, files: u64, context: &Context) {
        if context.reference.is_some() {
            self.push(encode::get_done(asked, files, context));
        }
    }
}

async fn listed(path: &FilePath, file: &OpenFile) -> Option<ListedFile> {
    let sha256 = sha256(file)
        .await
        .inspect_err(|error| tracing::error!(%error, "could not read a file to its end"))
        .ok()?;
    Some(ListedFile {
        name: path.as_str().to_owned(),
        size: file.bytes,
        modified: file.modified.as_millis(),
        sha256,
    })
}
