//! What identifies an upload.

use crate::domain::{FilePath, WriteTarget};

/// A file, and where it is to be written.
pub(crate) type UploadKey = (WriteTarget, FilePath);
