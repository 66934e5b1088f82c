//! The names of the files of drafts and pull requests on disk.

use sha2::{Digest, Sha256};

use crate::application::ports::StagingId;
use crate::domain::{ContentHash, FilePath};

/// The file that describes a pull request. No draft's file has such a name.
pub(crate) const RECORD: &str = "pull-request.json";

/// The name under which a pull request keeps the file at `path`.
pub(crate) fn stored_name(path: &FilePath) -> String {
    ContentHash::from_bytes(Sha256::digest(path.as_str()).into()).to_string()
}

/// The name of a staged upload in the staging folder.
pub(crate) fn staged_name(id: StagingId) -> String {
    format!("upload-{}", id.0)
}
