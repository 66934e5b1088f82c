//! What a store counts about its disk, for operators.

use crate::application::counting::{Durations, Tally, closed_set};

closed_set! {
    /// What an operation on the disk is for.
    pub enum DiskWork {
        /// Which projects there are.
        Projects = "projects",
        /// Loading a project, and changes of its files.
        Writes = "writes",
        /// Reading a project's files.
        Reads = "reads",
        /// Parts of uploads that do not stay in memory.
        Uploads = "uploads",
        /// Pull requests that are being put together.
        Drafts = "drafts",
        /// Open pull requests.
        PullRequests = "pull_requests",
        /// The names of guests.
        Guests = "guests",
        /// What moderators have decided.
        Moderation = "moderation",
    }
}

/// What a store counts about its disk. A store without a disk counts nothing.
#[derive(Debug, Default)]
pub struct DiskCounts {
    /// How long operations took once their turn had come.
    pub operations: Tally<DiskWork, Durations>,
    /// How many of them the system refused.
    pub errors: Tally<DiskWork>,
}
