//! A streamer's project: who owns it, which files it holds and may hold, and how its changes are
//! numbered.

mod aggregate;
mod id;
mod quota;
mod revision;
mod version;

pub use aggregate::{PendingPut, Project, ProjectEntry, PutError};
pub use id::ProjectId;
pub use quota::{ProjectQuota, QuotaError, Usage};
pub use revision::Revision;
pub use version::Version;
