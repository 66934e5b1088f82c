//! The unfinished uploads of one connection.

use std::collections::HashMap;
use std::sync::Arc;

use crate::application::command::{PartOf, PostFile};
use crate::application::files::ended_upload::EndedUpload;
use crate::application::files::missing_last_part::MissingLastPart;
use crate::application::files::upload::{Kept, Upload, WholeFile, part_of_post};
use crate::application::files::upload_key::UploadKey;
use crate::application::files::upload_memory::UploadMemory;
use crate::application::limits::Limits;
use crate::application::memory::Account;
use crate::application::request_error::RequestError;
use crate::domain::WriteTarget;
use crate::domain::{FilePath, Part, Progress, Uptime};

/// The state of an upload after a part.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Parts are missing.
    Waiting,
    /// Parts are missing, and there is no room for this one in memory: the caller must stage it.
    ToStage,
    /// The file is complete.
    Whole(WholeFile),
}

/// All unfinished uploads of one connection.
#[derive(Debug)]
pub(crate) struct Uploads {
    open: HashMap<UploadKey, Upload>,
    last_part: MissingLastPart,
    ended: EndedUpload,
    footprint: u64,
    memory: Arc<UploadMemory>,
}

impl Uploads {
    /// No uploads yet, for the connection with this account.
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self {
            open: HashMap::new(),
            last_part: MissingLastPart::default(),
            ended: EndedUpload::default(),
            footprint: 0,
            memory: UploadMemory::new(account),
        }
    }

    /// Accepts a part.
    ///
    /// # Errors
    /// 400 leaves the upload in progress as it was; 413 ends it. When an upload has ended this way,
    /// its last part is refused once more.
    pub(crate) fn take(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part_of: PartOf,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let part = part_of_post(post, part_of)?;
        if self.ended.takes(key, &part)? {
            return Ok(Taken::Waiting);
        }
        let taken = self.take_part(key, post, part, limits, now);
        if let (Err(refusal @ RequestError::LimitExceeded { .. }), Some(number)) =
            (&taken, part.number)
        {
            self.ended
                .await_rest(key.clone(), number, part.count, refusal.clone());
        }
        taken
    }

    /// Ends an upload whose bytes could not be kept when `part_of` arrived.
    pub(crate) fn fail(&mut self, key: UploadKey, part_of: PartOf, refusal: RequestError) {
        self.end_where(|other| *other == key);
        if let Some(number) = part_of.number {
            self.ended.await_rest(key, number, part_of.count, refusal);
        }
    }

    fn take_part(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part: Part,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        if let Some(mut kept) = self.last_part.complete(key, &part) {
            kept.take(&part, post, limits, now)?;
            return Ok(Taken::Whole(kept.whole(true)));
        }
        self.last_part.stop_waiting();
        let under_way = self.open.get_mut(key);
        match under_way.filter(|upload| !upload.partial().starts_anew(&part)) {
            Some(upload) => {
                upload.partial().check(&part)?;
                self.go_on(key, post, &part, limits, now)
            }
            None => self.begin(key, post, &part, limits, now),
        }
    }

    /// Accepts the first part of an upload, which may replace another upload of the same file.
    fn begin(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part: &Part,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let mut upload = Upload::new(part.count, &key.1, &self.memory, now);
        upload.partial().check(part)?;
        if self.remove(key).is_none() {
            self.last_part.forget_kept(key);
        }
        let (progress, kept) = upload.take(part, post, limits, now)?;
        if progress == Progress::Complete {
            return Ok(Taken::Whole(upload.whole(true)));
        }
        self.check_room(&upload, limits)?;
        self.footprint += upload.partial().footprint();
        self.open.insert(key.clone(), upload);
        Ok(self.waiting(key, progress, kept))
    }

    /// Accepts a further part, already checked. Works in place, as an upload may have a million.
    fn go_on(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part: &Part,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let Some(upload) = self.open.get_mut(key) else {
            return Err(RequestError::Internal);
        };
        let before = upload.partial().footprint();
        let taken = upload.take(part, post, limits, now);
        self.footprint = self.footprint - before + upload.partial().footprint();
        let taken = taken.and_then(|taken| match taken.0 {
            Progress::Complete => Ok(taken),
            _ => check_footprint(self.footprint, limits).map(|()| taken),
        });
        match taken {
            Ok((Progress::Complete, _)) => {
                let whole = self.remove(key).map(|mut upload| upload.whole(true));
                whole.map(Taken::Whole).ok_or(RequestError::Internal)
            }
            Ok((progress, kept)) => Ok(self.waiting(key, progress, kept)),
            Err(refusal) => {
                self.remove(key);
                Err(refusal)
            }
        }
    }

    fn waiting(&mut self, key: &UploadKey, progress: Progress, kept: Kept) -> Taken {
        if progress == Progress::PerhapsComplete {
            self.last_part.expect(key.clone());
        }
        match kept {
            Kept::Done => Taken::Waiting,
            Kept::ToStage => Taken::ToStage,
        }
    }

    /// Completes the upload that only waits for a last part: the connection has sent something
    /// else, has closed, or is silent. The upload is kept, in case the part comes after all.
    pub(crate) fn settle(&mut self) -> Option<(UploadKey, WholeFile)> {
        let key = self.last_part.stop_waiting()?;
        let mut upload = self.remove(&key)?;
        let whole = upload.whole(false);
        self.last_part.keep(key.clone(), upload);
        Some((key, whole))
    }

    /// Whether `post` is the last part for which [`Uploads::settle`] would no longer wait.
    pub(crate) fn awaits(&self, target: &WriteTarget, post: &PostFile) -> bool {
        let Some(key) = self.last_part.awaited() else {
            return false;
        };
        let Some(part) = post.part.and_then(|part| part_of_post(post, part).ok()) else {
            return false;
        };
        key.0 == *target
            && key.1 == post.path
            && self
                .open
                .get(key)
                .is_some_and(|upload| upload.partial().is_missing_last(&part))
    }

    /// Whether [`Uploads::settle`] would have something to settle.
    pub(crate) fn has_perhaps_whole(&self) -> bool {
        self.last_part.awaited().is_some()
    }

    /// An open upload, for staging.
    pub(crate) fn get_mut(&mut self, key: &UploadKey) -> Option<&mut Upload> {
        self.open.get_mut(key)
    }

    /// Ends the uploads of `path` and below it.
    pub(crate) fn end_at(&mut self, target: &WriteTarget, path: &FilePath) {
        self.end_where(|(of, file)| of == target && (file == path || file.is_below(path)));
    }

    /// Ends the uploads whose target is to be dropped.
    pub(crate) fn retain(&mut self, keep: impl Fn(&WriteTarget) -> bool) {
        self.end_where(|(target, _)| !keep(target));
    }

    /// Ends the uploads that have not grown for too long.
    pub(crate) fn expire(&mut self, limits: &Limits, now: Uptime) {
        let is_idle = |upload: &Upload| now.since(upload.touched()) >= limits.upload_idle;
        let expired: Vec<_> = self
            .open
            .iter()
            .filter(|(_, upload)| is_idle(upload))
            .map(|(key, _)| key.clone())
            .collect();
        self.end_where(|key| expired.contains(key));
        self.last_part.expire(is_idle);
    }

    /// When the first upload expires.
    pub(crate) fn next_expiry(&self, limits: &Limits) -> Option<Uptime> {
        let open = self.open.values().map(Upload::touched);
        let touched = open.chain(self.last_part.kept_since()).min()?;
        Some(touched.plus(limits.upload_idle))
    }

    /// The names of the unfinished uploads into `target`, in order.
    pub(crate) fn names_into(&self, target: &WriteTarget) -> Vec<FilePath> {
        let mut names: Vec<_> = self
            .open
            .keys()
            .filter(|(of, _)| of == target)
            .map(|(_, path)| path.clone())
            .collect();
        names.sort();
        names
    }

    fn check_room(&self, upload: &Upload, limits: &Limits) -> Result<(), RequestError> {
        if self.open.len() >= limits.max_open_uploads {
            let value = limits.max_open_uploads as u64;
            return Err(RequestError::LimitExceeded {
                limit: "maxOpenUploads",
                value,
            });
        }
        check_footprint(self.footprint + upload.partial().footprint(), limits)
    }

    fn remove(&mut self, key: &UploadKey) -> Option<Upload> {
        let upload = self.open.remove(key)?;
        self.footprint -= upload.partial().footprint();
        Some(upload)
    }

    fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.open.retain(|key, upload| {
            let ends = ends(key);
            if ends {
                self.footprint -= upload.partial().footprint();
            }
            !ends
        });
        self.last_part.end_where(&ends);
        self.ended.end_where(&ends);
    }
}

fn check_footprint(footprint: u64, limits: &Limits) -> Result<(), RequestError> {
    let value = limits.max_open_upload_bytes;
    if footprint > value {
        return Err(RequestError::LimitExceeded {
            limit: "maxOpenUploadBytes",
            value,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
