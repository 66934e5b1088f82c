//! The desktop client's last part, which may never come (protocol, section 4).

use crate::application::files::upload::Upload;
use crate::application::files::upload_key::UploadKey;
use crate::domain::{Part, Uptime};

/// The uploads of a connection that lack only their last part. The rare one is boxed.
#[derive(Debug, Default)]
pub(crate) struct MissingLastPart {
    /// The upload whose last part, if it comes at all, is the very next message.
    awaited: Option<UploadKey>,
    /// The latest upload completed without its last part, in case that part comes after all.
    kept: Option<Box<(UploadKey, Upload)>>,
}

impl MissingLastPart {
    /// The upload whose last part may be the next message.
    pub(crate) fn awaited(&self) -> Option<&UploadKey> {
        self.awaited.as_ref()
    }

    /// Expects the last part of an upload in the next message.
    pub(crate) fn expect(&mut self, key: UploadKey) {
        self.awaited = Some(key);
    }

    /// Stops waiting for the last part. Returns the upload that was waiting.
    pub(crate) fn stop_waiting(&mut self) -> Option<UploadKey> {
        self.awaited.take()
    }

    /// Keeps an upload that was completed without its last part, replacing the previous one.
    pub(crate) fn keep(&mut self, key: UploadKey, upload: Upload) {
        self.kept = Some(Box::new((key, upload)));
    }

    /// Removes and returns the kept upload if `part` is its last.
    pub(crate) fn complete(&mut self, key: &UploadKey, part: &Part) -> Option<Upload> {
        let is_last =
            |kept: &(UploadKey, Upload)| kept.0 == *key && kept.1.partial().is_missing_last(part);
        self.kept.take_if(|kept| is_last(kept)).map(|kept| kept.1)
    }

    /// Discards the kept upload if it is of this file.
    pub(crate) fn forget_kept(&mut self, key: &UploadKey) {
        self.kept.take_if(|kept| kept.0 == *key);
    }

    /// Discards the kept upload if it has not grown for too long.
    pub(crate) fn expire(&mut self, is_idle: impl Fn(&Upload) -> bool) {
        self.kept.take_if(|kept| is_idle(&kept.1));
    }

    /// When the kept upload last grew.
    pub(crate) fn kept_since(&self) -> Option<Uptime> {
        self.kept.as_ref().map(|kept| kept.1.touched())
    }

    /// Ends everything that concerns the files that `ends` names.
    pub(crate) fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.kept.take_if(|kept| ends(&kept.0));
        self.awaited.take_if(|key| ends(key));
    }
}

#[cfg(test)]
mod tests;
