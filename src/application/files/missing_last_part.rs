//! The desktop client's last part that may never come (protocol, section 4).

use crate::application::files::upload::Upload;
use crate::application::files::upload_key::UploadKey;
use crate::domain::{Part, Uptime};

/// The uploads of a connection that lack only their last part. What is rare is in a box.
#[derive(Debug, Default)]
pub(crate) struct MissingLastPart {
    /// The upload whose last part, if it is to come at all, is the very next message.
    awaited: Option<UploadKey>,
    /// The latest that was taken for whole without its last part, should that come after all.
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

    /// Waits for the last part no longer. Returns for which upload it waited.
    pub(crate) fn stop_waiting(&mut self) -> Option<UploadKey> {
        self.awaited.take()
    }

    /// Keeps an upload that was taken for whole, in place of the one before.
    pub(crate) fn keep(&mut self, key: UploadKey, upload: Upload) {
        self.kept = Some(Box::new((key, upload)));
    }

    /// Takes out the kept upload if `part` is its last.
    pub(crate) fn complete(&mut self, key: &UploadKey, part: &Part) -> Option<Upload> {
        let is_last =
            |kept: &(UploadKey, Upload)| kept.0 == *key && kept.1.partial().is_missing_last(part);
        self.kept.take_if(|kept| is_last(kept)).map(|kept| kept.1)
    }

    /// Forgets the kept upload if it is of this file.
    pub(crate) fn forget_kept(&mut self, key: &UploadKey) {
        self.kept.take_if(|kept| kept.0 == *key);
    }

    /// Forgets the kept upload if it has not grown for too long.
    pub(crate) fn expire(&mut self, is_idle: impl Fn(&Upload) -> bool) {
        self.kept.take_if(|kept| is_idle(&kept.1));
    }

    /// When the kept upload grew last.
    pub(crate) fn kept_since(&self) -> Option<Uptime> {
        self.kept.as_ref().map(|kept| kept.1.touched())
    }

    /// Ends what concerns the files that `ends` names.
    pub(crate) fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.kept.take_if(|kept| ends(&kept.0));
        self.awaited.take_if(|key| ends(key));
    }
}

#[cfg(test)]
mod tests;
