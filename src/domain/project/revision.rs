//! The state of a project as a whole.

/// A state of a project's files: two equal ones had the same files, with the same names, lengths,
/// times and executable bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// Differs for each [`Project`](super::Project) that anybody has kept track of: a random
    /// number.
    pub origin: u64,
    /// How often its files have changed since.
    pub changes: u64,
}
