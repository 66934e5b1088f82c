//! What a share keeps of the server's replies until it has them all, or acts on them.

use std::collections::BTreeSet;

use crate::failure::Failure;

/// What the server has replied to what a connection asks it.
#[derive(Debug, Default)]
pub struct Replies {
    /// How many viewers there were when it was last asked.
    pub viewers: Option<u64>,
    /// The pull requests of a list that is being answered.
    pub still_open: BTreeSet<String>,
    /// Why the connection is to end once what is in flight has landed.
    pub ended_by: Option<Failure>,
}
