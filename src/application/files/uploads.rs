//! The unfinished uploads of one connection.

use std::collections::HashMap;
use std::sync::Arc;

use crate::application::command::{PartOf, PostFile};
use crate::application::files::optional_last_part::OptionalLastPart;
use crate::application::files::refused_upload::EndedUpload;
use crate::application::files::upload::{Kept, Upload, UploadKey, WholeFile, part_of_post};
use crate::application::files::upload_memory::UploadMemory;
use crate::application::limits::{Limits, check_limit};
use crate::application::memory::Account;
use crate::application::request_error::RequestError;
use crate::domain::{FilePath, Part, Progress, Uptime, WriteTarget};

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
    last_part: OptionalLastPart,
    ended: EndedUpload,
    footprint: u64,
    memory: Arc<UploadMemory>,
}

/// What comes with a part.
struct Arrival<'a> {
    post: &'a PostFile,
    limits: &'a Limits,
    now: Uptime,
}

impl Uploads {
    /// No uploads yet, for the connection with this account.
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self {
            open: HashMap::new(),
            last_part: OptionalLastPart::default(),
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
        let taken = self.take_part(key, part, &Arrival { post, limits, now });
        if let Err(refusal @ RequestError::LimitExceeded { .. }) = &taken {
            self.await_rest(key.clone(), part_of, refusal.clone());
        }
        taken
    }

    /// Ends an upload whose bytes could not be kept when `part_of` arrived.
    pub(crate) fn fail(&mut self, key: UploadKey, part_of: PartOf, refusal: RequestError) {
        self.end_where(|other| *other == key);
        self.await_rest(key, part_of, refusal);
    }

    fn await_rest(&mut self, key: UploadKey, part_of: PartOf, refusal: RequestError) {
        if let Some(number) = part_of.number {
            self.ended.await_rest(key, number, part_of.count, refusal);
        }
    }

    fn take_part(
        &mut self,
        key: &UploadKey,
        part: Part,
        arrival: &Arrival<'_>,
    ) -> Result<Taken, RequestError> {
        if let Some(mut kept) = self.last_part.complete(key, &part) {
            kept.take(&part, arrival.post, arrival.limits, arrival.now)?;
            return Ok(Taken::Whole(kept.whole(true)));
        }
        self.last_part.awaited = None;
        let under_way = self.open.get_mut(key);
        match under_way.filter(|upload| !upload.partial().starts_anew(&part)) {
            Some(upload) => {
                upload.partial().check(&part)?;
                self.go_on(key, &part, arrival)
            }
            None => self.begin(key, &part, arrival),
        }
    }

    /// Accepts the first part of an upload, which may replace another upload of the same file.
    fn begin(
        &mut self,
        key: &UploadKey,
        part: &Part,
        &Arrival { post, limits, now }: &Arrival<'_>,
    ) -> Result<Taken, RequestError> {
        let mut upload = Upload::new(part.count, &key.1, &self.memory, now);
        upload.partial().check(part)?;
        if self.remove(key).is_none() {
            self.last_part.kept.take_if(|kept| kept.0 == *key);
        }
        let (progress, kept) = upload.take(part, post, limits, now)?;
        if progress == Progress::Complete {
            return Ok(Taken::Whole(upload.whole(true)));
        }
        if self.open.len() >= limits.max_open_uploads {
            let (limit, value) = ("maxOpenUploads", limits.max_open_uploads as u64);
            return Err(RequestError::LimitExceeded { limit, value });
        }
        let footprint = self.footprint + upload.partial().footprint();
        check_footprint(footprint, limits)?;
        self.footprint = footprint;
        self.open.insert(key.clone(), upload);
        Ok(self.waiting(key, progress, kept))
    }

    /// Accepts a further part, already checked. Works in place, because an upload may have a
    /// million parts.
    fn go_on(
        &mut self,
        key: &UploadKey,
        part: &Part,
        &Arrival { post, limits, now }: &Arrival<'_>,
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
            self.last_part.awaited = Some(key.clone());
        }
        match kept {
            Kept::Done => Taken::Waiting,
            Kept::ToStage => Taken::ToStage,
        }
    }

    /// Completes the upload that only waits for a last part: the connection has sent something
    /// else, has closed, or is silent. The upload is kept, in case the part comes after all.
    pub(crate) fn settle(&mut self) -> Option<(UploadKey, WholeFile)> {
        let key = self.last_part.awaited.take()?;
        let mut upload = self.remove(&key)?;
        let whole = upload.whole(false);
        self.last_part.kept = Some(Box::new((key.clone(), upload)));
        Some((key, whole))
    }

    /// Whether `post` is the last part for which [`Uploads::settle`] would no longer wait.
    pub(crate) fn awaits(&self, target: &WriteTarget, post: &PostFile) -> bool {
        let Some(key) = &self.last_part.awaited else {
            return false;
        };
        let Some(part) = post.part.and_then(|part| part_of_post(post, part).ok()) else {
            return false;
        };
        let is_missing_last = |upload: &Upload| upload.partial().is_missing_last(&part);
        key.0 == *target && key.1 == post.path && self.open.get(key).is_some_and(is_missing_last)
    }

    /// Whether [`Uploads::settle`] would have something to settle.
    pub(crate) fn has_perhaps_whole(&self) -> bool {
        self.last_part.awaited.is_some()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// An open upload, for staging.
    pub(crate) fn get_mut(&mut self, key: &UploadKey) -> Option<&mut Upload> {
        self.open.get_mut(key)
    }

    /// Ends the upload of `path`.
    pub(crate) fn end(&mut self, target: &WriteTarget, path: &FilePath) {
        self.end_where(|(of, file)| of == target && file == path);
    }

    /// Ends the uploads of `path` and below it.
    pub(crate) fn end_at_or_below(&mut self, target: &WriteTarget, path: &FilePath) {
        self.end_where(|(of, file)| of == target && (file == path || file.is_below(path)));
    }

    /// Ends the uploads whose target `keep` rejects.
    pub(crate) fn retain(&mut self, keep: impl Fn(&WriteTarget) -> bool) {
        self.end_where(|(target, _)| !keep(target));
    }

    /// Ends the uploads that have not grown for too long.
    pub(crate) fn expire(&mut self, limits: &Limits, now: Uptime) {
        let is_idle = |upload: &Upload| now.since(upload.touched()) >= limits.upload_idle;
        let idle = self.open.iter().filter(|(_, upload)| is_idle(upload));
        let expired: Vec<_> = idle.map(|(key, _)| key.clone()).collect();
        self.end_where(|key| expired.contains(key));
        self.last_part.kept.take_if(|kept| is_idle(&kept.1));
    }

    /// When the first upload expires.
    pub(crate) fn next_expiry(&self, limits: &Limits) -> Option<Uptime> {
        let kept = self.last_part.kept.iter().map(|kept| &kept.1);
        let touched = self.open.values().chain(kept).map(Upload::touched).min()?;
        Some(touched.plus(limits.upload_idle))
    }

    /// The names of the unfinished uploads into `target`, in order.
    pub(crate) fn names_into(&self, target: &WriteTarget) -> Vec<FilePath> {
        let own = self.open.keys().filter(|(of, _)| of == target);
        let mut names: Vec<_> = own.map(|(_, path)| path.clone()).collect();
        names.sort();
        names
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
    check_limit(
        "maxOpenUploadBytes",
        footprint,
        limits.max_open_upload_bytes,
    )
}

#[cfg(test)]
mod tests;
