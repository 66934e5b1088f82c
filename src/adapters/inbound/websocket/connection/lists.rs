//! Lists of any length: of files, chat messages, members and moderation.

use futures_util::FutureExt;
use serde::Serialize;
use tokio::sync::SemaphorePermit;
use tokio::task::yield_now;

use super::responder::WebSocketResponder;
use crate::adapters::inbound::websocket::protocol::encode::{self, ListedFile, LongList, Piece};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::memory::FREE_BYTES;
use crate::application::session::Responder as _;
use crate::application::{FileStream, NextFile};
use crate::domain::{ContentHash, FilePath, ProjectEntry};

/// The most files that one message of a `list` holds, and how many bytes of names. One more name
/// may go beyond the latter.
const LIST_FILES: usize = 1_000;
const LIST_BYTES: usize = 64 * 1_024;

/// About how many bytes of memory an entry of a `list` takes besides its name, and how many are
/// reserved at a time.
const LISTED_BYTES: usize = size_of::<ListedFile>() + ContentHash::CHARS + 32;
const LIST_STEP: usize = 8 * 1_024;

/// The least that a list of more than one slice takes: more than a connection may always hold.
const LONG_LIST_BYTES: usize = FREE_BYTES + 1;

impl WebSocketResponder {
    /// Sends the entries of a `list`, as the connection has room for them.
    pub(super) async fn listing(&self, mut stream: FileStream, context: &Context) {
        let asked = stream.asked().to_owned();
        let mut files = Vec::new();
        let (mut names, mut bytes) = (0, 0);
        let mut held = self.account.reserve(0);
        let mut part = 1;
        loop {
            if self.queue.closed().is_some() {
                return;
            }
            // Entries that are known need no wait, so the task would not yield before the end.
            tokio::task::consume_budget().await;
            match stream.next_listed().await {
                None => break,
                Some(NextFile::File(path, entry)) => {
                    if files.len() == LIST_FILES || names >= LIST_BYTES {
                        self.queue.room().await;
                        self.push(encode::file_list(&asked, &files, part, false, context));
                        files.clear();
                        (names, bytes) = (0, 0);
                        held.set(0);
                        part += 1;
                    }
                    names += path.as_str().len();
                    bytes += path.as_str().len() + LISTED_BYTES;
                    if bytes > held.bytes() {
                        self.account.room(LIST_STEP).await;
                        held.set(bytes + LIST_STEP);
                    }
                    let executable = stream.source().executable(&path, entry.executable);
                    files.push(listed(&path, &entry, executable));
                }
                Some(NextFile::Unreadable(path)) => self.unreadable(&path, context),
                Some(NextFile::Broken(refusal)) => return self.refuse(&refusal, context),
            }
        }
        self.queue.room().await;
        self.push(encode::file_list(&asked, &files, part, true, context));
    }

    /// Sends a list as one message, and lets others run between its slices.
    pub(super) async fn long_list<T: Serialize>(
        &self,
        mut list: LongList<impl Iterator<Item = Piece<T>>>,
    ) {
        if list.encode_slice() {
            let _encoding = self.only_long_list().await;
            while list.encode_slice() {
                yield_now().await;
            }
        }
        self.push(list.finish());
    }

    /// Waits until no other connection encodes a long list and there is room for one.
    async fn only_long_list(&self) -> Option<SemaphorePermit<'_>> {
        loop {
            // The semaphore is never closed.
            let only = self.long_lists.acquire().await.ok();
            if self.room(LONG_LIST_BYTES).now_or_never().is_some() {
                return only;
            }
            // Others may have room in the meantime.
            drop(only);
            self.room(LONG_LIST_BYTES).await;
        }
    }
}

fn listed(path: &FilePath, entry: &ProjectEntry, executable: Option<bool>) -> ListedFile {
    ListedFile {
        name: path.as_str().to_owned(),
        size: entry.bytes,
        modified: entry.modified.as_millis(),
        sha256: entry.sha256.map(|hash| hash.to_string()),
        executable,
    }
}
