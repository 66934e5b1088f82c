//! A streamer's project: who owns it, which files it holds and may hold, and how its changes are
//! numbered.

mod aggregate;
mod entry;
mod id;
mod put;
mod quota;
mod version;

pub use aggregate::Project;
pub use entry::ProjectEntry;
pub use id::ProjectId;
pub use put::{PendingPut, PutError};
pub use quota::{ProjectQuota, QuotaError, Usage};
pub use version::Version;
