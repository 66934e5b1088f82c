//! What an upload is of.

use crate::domain::{FilePath, WriteTarget};

/// A file, and where it is written.
pub(crate) type UploadKey = (WriteTarget, FilePath);
