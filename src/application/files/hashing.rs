//! Which files' hashes are being computed.

use crate::application::locks::keyed::KeyedLocks;
use crate::domain::{FilePath, ProjectId, Version};

/// The files whose hashes are being computed: which file, in which version, and whether for a
/// connection that goes last. Other connections do not wait for a hash that is computed for one
/// that goes last.
pub(crate) type Hashing = KeyedLocks<(ProjectId, FilePath, Version, bool)>;
