//! The desktop client's last part, which may never come (protocol, section 4).

use crate::application::files::upload::{Upload, UploadKey};
use crate::domain::Part;

/// The uploads of a connection that lack only their last part. The kept one is boxed because it is
/// rare.
#[derive(Debug, Default)]
pub(crate) struct OptionalLastPart {
    /// The upload whose last part, if it comes at all, is the very next message.
    pub(crate) awaited: Option<UploadKey>,
    /// The latest upload completed without its last part, in case that part comes after all.
    pub(crate) kept: Option<Box<(UploadKey, Upload)>>,
}

impl OptionalLastPart {
    /// Removes and returns the kept upload if `part` is its last.
    pub(crate) fn complete(&mut self, key: &UploadKey, part: &Part) -> Option<Upload> {
        let kept = self
            .kept
            .take_if(|kept| kept.0 == *key && kept.1.partial().is_missing_last(part));
        kept.map(|kept| kept.1)
    }

    /// Ends everything that concerns the files that `ends` names.
    pub(crate) fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.kept.take_if(|kept| ends(&kept.0));
        self.awaited.take_if(|key| ends(key));
    }
}

#[cfg(test)]
mod tests;
