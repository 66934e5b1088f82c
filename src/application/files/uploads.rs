//! The unfinished uploads of one connection.

use std::collections::HashMap;

use crate::application::command::{PartOf, PostFile};
use crate::application::files::upload_log::{ReadyContent, UploadLog};
use crate::application::limits::Limits;
use crate::application::request_error::RequestError;
use crate::domain::{ContentHash, FilePath, Part, PartialUpload, Progress, Uptime, WriteTarget};

/// A file's place, and whose.
pub(crate) type UploadKey = (WriteTarget, FilePath);

/// A file of which parts have come.
#[derive(Debug)]
pub(crate) struct Upload {
    partial: PartialUpload,
    pub(crate) log: UploadLog,
    /// That of the first part which came with one.
    base: Option<ContentHash>,
    touched: Uptime,
}

impl Upload {
    fn new(count: u32, now: Uptime) -> Self {
        Self {
            partial: PartialUpload::new(count),
            log: UploadLog::default(),
            base: None,
            touched: now,
        }
    }

    fn append(
        &mut self,
        part: &Part,
        post: &PostFile,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Progress, RequestError> {
        check_file_bytes(self.partial.bytes_with(part), limits)?;
        let progress = self.partial.accept(part)?;
        self.log.append(&post.content);
        self.base = self.base.or(post.base);
        self.touched = now;
        Ok(progress)
    }

    /// What has come of the file. `last` is whether nothing more can come.
    fn whole(&mut self, last: bool) -> WholeFile {
        WholeFile {
            content: self.log.content(self.partial.pieces(), last),
            base: self.base,
        }
    }
}

/// A file that has come to its end.
#[derive(Debug)]
pub(crate) struct WholeFile {
    pub(crate) content: ReadyContent,
    /// The content that its author started from, where he has said so.
    pub(crate) base: Option<ContentHash>,
}

/// An upload that a limit or the disk has ended while more of its parts were on their way.
#[derive(Debug)]
struct EndedUpload {
    key: UploadKey,
    count: u32,
    /// The next part, if nobody has stopped to send them in order.
    next: u32,
    refusal: RequestError,
}

impl EndedUpload {
    /// Whether `part` follows the part before.
    fn goes_on(&mut self, part: &Part) -> bool {
        let goes_on =
            part.count == self.count && part.number == Some(self.next) && self.next <= self.count;
        self.next += u32::from(goes_on);
        goes_on
    }
}

/// What a part has made of its upload.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Parts are missing.
    Waiting,
    /// Parts are missing, and so many bytes have gathered that the caller has to stage them.
    Heavy,
    /// The file is whole.
    Whole(WholeFile),
}

/// All unfinished uploads of one connection. What is rare is in a box: most connections only view.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    open: HashMap<UploadKey, Upload>,
    /// The one whose last part, if it is to come at all, is the very next message.
    perhaps_whole: Option<UploadKey>,
    /// The latest that was taken for whole without its last part, should that come after all.
    kept: Option<Box<(UploadKey, Upload)>>,
    /// The latest that a limit or the disk has ended.
    ended: Option<Box<EndedUpload>>,
    footprint: u64,
}

impl Uploads {
    /// Takes a part. The other parts of an upload that a limit or the disk has ended may be on their
    /// way, since nobody waits between parts: they are thrown away, and the last is refused once
    /// more.
    ///
    /// # Errors
    /// 400 leaves the upload under way as it was; 413 ends it.
    pub(crate) fn take(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part_of: PartOf,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let part = part_of_post(post, part_of)?;
        if let Some(ended) = &mut self.ended
            && ended.key == *key
        {
            if ended.goes_on(&part) {
                return if part.number == Some(part.count) {
                    Err(ended.refusal.clone())
                } else {
                    Ok(Taken::Waiting)
                };
            }
            self.ended = None;
        }
        let taken = self.take_part(key, post, part, limits, now);
        if let (Err(refusal @ RequestError::LimitExceeded { .. }), Some(number)) =
            (&taken, part.number)
        {
            self.await_rest(key.clone(), number, part.count, refusal.clone());
        }
        taken
    }

    /// Ends an upload whose bytes could not be kept when `part_of` had come.
    pub(crate) fn fail(&mut self, key: UploadKey, part_of: PartOf, refusal: RequestError) {
        self.end(&key);
        if let Some(number) = part_of.number {
            self.await_rest(key, number, part_of.count, refusal);
        }
    }

    fn await_rest(&mut self, key: UploadKey, number: u32, count: u32, refusal: RequestError) {
        self.ended = Some(Box::new(EndedUpload {
            key,
            count,
            next: number + 1,
            refusal,
        }));
    }

    fn take_part(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part: Part,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let goes_on = |kept: &UploadKey, upload: &Upload| {
            kept == key && upload.partial.is_missing_last(&part)
        };
        if let Some(kept) = self.kept.take_if(|kept| goes_on(&kept.0, &kept.1)) {
            let (_, mut kept) = *kept;
            kept.append(&part, post, limits, now)?;
            return Ok(Taken::Whole(kept.whole(true)));
        }
        self.perhaps_whole = None;
        let under_way = self.open.get_mut(key);
        match under_way.filter(|upload| !upload.partial.starts_anew(&part)) {
            Some(upload) => {
                upload.partial.check(&part)?;
                self.go_on(key, post, &part, limits, now)
            }
            None => self.begin(key, post, &part, limits, now),
        }
    }

    /// Takes the first part of an upload, which may take the place of another of the same file.
    fn begin(
        &mut self,
        key: &UploadKey,
        post: &PostFile,
        part: &Part,
        limits: &Limits,
        now: Uptime,
    ) -> Result<Taken, RequestError> {
        let mut upload = Upload::new(part.count, now);
        upload.partial.check(part)?;
        if self.remove(key).is_none() {
            self.kept.take_if(|kept| kept.0 == *key);
        }
        let progress = upload.append(part, post, limits, now)?;
        if progress == Progress::Complete {
            return Ok(Taken::Whole(upload.whole(true)));
        }
        self.check_room(&upload, limits)?;
        self.footprint += upload.partial.footprint();
        let taken = self.waiting(key, progress, upload.log.is_heavy());
        self.open.insert(key.clone(), upload);
        Ok(taken)
    }

    /// Takes a further part, which has been checked. In place, because an upload may have a million.
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
        let before = upload.partial.footprint();
        let progress = upload.append(part, post, limits, now);
        let is_heavy = upload.log.is_heavy();
        self.footprint = self.footprint - before + upload.partial.footprint();
        let progress = progress.and_then(|progress| match progress {
            Progress::Complete => Ok(progress),
            _ => check_footprint(self.footprint, limits).map(|()| progress),
        });
        match progress {
            Ok(Progress::Complete) => {
                let whole = self.remove(key).map(|mut upload| upload.whole(true));
                whole.map(Taken::Whole).ok_or(RequestError::Internal)
            }
            Ok(progress) => Ok(self.waiting(key, progress, is_heavy)),
            Err(refusal) => {
                self.remove(key);
                Err(refusal)
            }
        }
    }

    fn waiting(&mut self, key: &UploadKey, progress: Progress, is_heavy: bool) -> Taken {
        if progress == Progress::PerhapsComplete {
            self.perhaps_whole = Some(key.clone());
        }
        if is_heavy {
            Taken::Heavy
        } else {
            Taken::Waiting
        }
    }

    /// Takes the upload that only waits for a last part for whole: the connection has sent
    /// something else, has closed, or is silent. It is kept, should the part come after all.
    pub(crate) fn settle(&mut self) -> Option<(UploadKey, WholeFile)> {
        let key = self.perhaps_whole.take()?;
        let mut upload = self.remove(&key)?;
        let whole = upload.whole(false);
        self.kept = Some(Box::new((key.clone(), upload)));
        Some((key, whole))
    }

    /// Whether `post` is the last part for which [`Uploads::settle`] would no longer wait.
    pub(crate) fn awaits(&self, target: &WriteTarget, post: &PostFile) -> bool {
        let Some(key) = &self.perhaps_whole else {
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
                .is_some_and(|upload| upload.partial.is_missing_last(&part))
    }

    /// Whether [`Uploads::settle`] would have something to settle.
    pub(crate) fn has_perhaps_whole(&self) -> bool {
        self.perhaps_whole.is_some()
    }

    /// The log of an open upload, to be spilled.
    pub(crate) fn log_mut(&mut self, key: &UploadKey) -> Option<&mut UploadLog> {
        self.open.get_mut(key).map(|upload| &mut upload.log)
    }

    /// Ends the uploads of `path` and below it.
    pub(crate) fn end_at(&mut self, target: &WriteTarget, path: &FilePath) {
        self.end_where(|(of, file)| of == target && (file == path || file.is_below(path)));
    }

    /// Ends the uploads whose target is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&WriteTarget) -> bool) {
        self.end_where(|(target, _)| !keep(target));
    }

    /// Ends the uploads that have not grown for too long.
    pub(crate) fn expire(&mut self, limits: &Limits, now: Uptime) {
        let idle = |upload: &Upload| now.since(upload.touched) >= limits.upload_idle;
        let expired: Vec<_> = self
            .open
            .iter()
            .filter(|(_, upload)| idle(upload))
            .map(|(key, _)| key.clone())
            .collect();
        self.end_where(|key| expired.contains(key));
        if self.kept.as_ref().is_some_and(|kept| idle(&kept.1)) {
            self.kept = None;
        }
    }

    fn end(&mut self, key: &UploadKey) {
        self.end_where(|other| other == key);
    }

    /// When the first of them expires.
    pub(crate) fn next_expiry(&self, limits: &Limits) -> Option<Uptime> {
        let kept = self.kept.as_ref().map(|kept| &kept.1);
        let touched = self
            .open
            .values()
            .chain(kept)
            .map(|upload| upload.touched)
            .min()?;
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
        check_footprint(self.footprint + upload.partial.footprint(), limits)
    }

    fn remove(&mut self, key: &UploadKey) -> Option<Upload> {
        let upload = self.open.remove(key)?;
        self.footprint -= upload.partial.footprint();
        Some(upload)
    }

    fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.open.retain(|key, upload| {
            let ends = ends(key);
            if ends {
                self.footprint -= upload.partial.footprint();
            }
            !ends
        });
        self.kept.take_if(|kept| ends(&kept.0));
        self.ended.take_if(|ended| ends(&ended.key));
        self.perhaps_whole.take_if(|key| ends(key));
    }
}

fn part_of_post(post: &PostFile, part_of: PartOf) -> Result<Part, RequestError> {
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

/// Whether a file may be this long.
pub(crate) fn check_file_bytes(bytes: u64, limits: &Limits) -> Result<(), RequestError> {
    if bytes > limits.max_file_bytes {
        return Err(RequestError::LimitExceeded {
            limit: "maxFileBytes",
            value: limits.max_file_bytes,
        });
    }
    Ok(())
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
