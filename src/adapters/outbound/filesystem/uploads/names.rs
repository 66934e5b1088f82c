//! Under which names the files of drafts and pull requests lie.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::application::ports::StagingId;
use crate::domain::FilePath;

/// The file that says what a pull request is. No name of a draft's file is like it.
pub(crate) const RECORD: &str = "pull-request.json";

/// The name under which a pull request keeps the file at `path`.
pub(crate) fn stored_name(path: &FilePath) -> String {
    let mut name = String::with_capacity(64);
    for byte in Sha256::digest(path.as_str()) {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The name of a staged upload in the staging folder.
pub(crate) fn staged_name(id: StagingId) -> String {
    format!("upload-{}", id.0)
}
