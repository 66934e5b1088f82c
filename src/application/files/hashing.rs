//! Whose hashes are being computed.

use crate::application::locks::keyed::KeyedLocks;
use crate::domain::{FilePath, ProjectId, Version};

/// The files whose hashes are being computed: which, in which version, and whether for a connection
/// that goes last. The others do not wait for what is begun for such a one.
pub(crate) type Hashing = KeyedLocks<(ProjectId, FilePath, Version, bool)>;
