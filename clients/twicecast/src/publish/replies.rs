//! Replies of the server that a share collects until they are complete, or until it acts on them.

use std::collections::BTreeSet;

use crate::failure::Failure;

/// What the server has replied to a connection's requests.
#[derive(Debug, Default)]
pub struct Replies {
    /// The number of viewers in the last answer.
    pub viewers: Option<u64>,
    /// The pull requests in a list that is still arriving.
    pub still_open: BTreeSet<String>,
    /// Why the connection has to end once everything in flight is answered.
    pub ended_by: Option<Failure>,
}
