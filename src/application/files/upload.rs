//! One file that arrives in parts.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::command::{PartOf, PostFile};
use crate::application::files::upload_log::{ReadyContent, SPILL_BYTES, UploadLog};
use crate::application::files::upload_memory::{MemoryShare, UploadMemory};
use crate::application::limits::{Limits, check_limit};
use crate::application::ports::{StagingId, StoreError, UploadStore};
use crate::application::request_error::RequestError;
use crate::domain::{ContentHash, FilePath, Part, PartialUpload, Progress, Uptime, WriteTarget};

/// What identifies an upload: a file, and where it is to be written.
pub(crate) type UploadKey = (WriteTarget, FilePath);

/// A file that arrives in parts.
#[derive(Debug)]
pub(crate) struct Upload {
    partial: PartialUpload,
    log: UploadLog,
    /// The base of the first part that came with one.
    base: Option<ContentHash>,
    /// Likewise, whether it may be executed.
    executable: Option<bool>,
    touched: Uptime,
    name_bytes: usize,
    share: MemoryShare,
}

/// A file that is complete.
#[derive(Debug)]
pub(crate) struct WholeFile {
    pub(crate) content: ReadyContent,
    /// The content that its author started from, if they gave it.
    pub(crate) base: Option<ContentHash>,
    /// Whether it may be executed, if they said.
    pub(crate) executable: Option<bool>,
}

/// What happened to a part that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It has been kept.
    Done,
    /// It must be staged ([`Upload::stage`]) before anything else happens to the upload.
    ToStage,
}

impl Upload {
    /// An upload of `count` parts, none of which has arrived.
    pub(crate) fn new(
        count: u32,
        path: &FilePath,
        memory: &Arc<UploadMemory>,
        now: Uptime,
    ) -> Self {
        Self {
            partial: PartialUpload::new(count),
            log: UploadLog::default(),
            base: None,
            executable: None,
            touched: now,
            name_bytes: path.as_str().len(),
            share: memory.share(),
        }
    }

    /// Which parts have arrived.
    pub(crate) fn partial(&self) -> &PartialUpload {
        &self.partial
    }

    /// When the latest part arrived.
    pub(crate) fn touched(&self) -> Uptime {
        self.touched
    }

    /// Accepts a part, and keeps it in memory if there is room. The last part always stays there:
    /// the file is stored at once.
    ///
    /// # Errors
    /// 413 for `maxFileBytes`, 400 if the part contradicts the upload, which stays as it was.
    pub(crate) fn take(
        &mut self,
        part: &Part,
        post: &PostFile,
        limits: &Limits,
        now: Uptime,
    ) -> Result<(Progress, Kept), RequestError> {
        let bytes = self.partial.bytes_with(part);
        check_limit("maxFileBytes", bytes, limits.max_file_bytes)?;
        let progress = self.partial.accept(part)?;
        self.base = self.base.or(post.base);
        self.executable = self.executable.or(post.executable);
        self.touched = now;
        let stays = progress == Progress::Complete || self.has_room(post.content.len());
        if stays {
            self.log.append(&post.content);
        }
        self.count();
        Ok((progress, if stays { Kept::Done } else { Kept::ToStage }))
    }

    /// See [`UploadLog::stage`].
    pub(crate) async fn stage(
        &mut self,
        part: Bytes,
        store: &Arc<dyn UploadStore>,
        id: impl FnOnce() -> StagingId,
    ) -> Result<(), StoreError> {
        let staged = self.log.stage(part, store, id).await;
        self.count();
        staged
    }

    /// The content of the file so far. `last` says that nothing more can come.
    pub(crate) fn whole(&mut self, last: bool) -> WholeFile {
        let content = self.log.content(self.partial.pieces(), last);
        let content = ReadyContent::new(content, self.share.memory().account());
        self.count();
        WholeFile {
            content,
            base: self.base,
            executable: self.executable,
        }
    }

    fn has_room(&self, more: usize) -> bool {
        let growth = self.log.memory_bytes_with(more) - self.log.memory_bytes();
        self.log.gathered() + more < SPILL_BYTES && self.share.memory().has_room(growth)
    }

    fn count(&mut self) {
        let index = size_of::<Self>() + self.name_bytes + self.partial.index_bytes();
        self.share.set(self.log.memory_bytes(), index);
    }
}

/// What a post says about the part that it carries.
///
/// # Errors
/// 400 for a part of 4 GiB or more.
pub(crate) fn part_of_post(post: &PostFile, part_of: PartOf) -> Result<Part, RequestError> {
    let bytes = u32::try_from(post.content.len())
        .map_err(|_| RequestError::bad("a part must be smaller than 4 GiB"))?;
    Ok(Part {
        number: part_of.number,
        count: part_of.count,
        bytes,
        chars: post.chars,
        padded: post.padded,
        binary: post.binary,
    })
}
