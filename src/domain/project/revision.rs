//! The state of a project as a whole.

/// A state of a project's files: if two are equal, the files had the same names, lengths, times and
/// executable bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// A random number, which differs for each [`Project`](super::Project) that anybody has kept
    /// track of.
    pub origin: u64,
    /// How often its files have changed since.
    pub changes: u64,
}
