//! What stores count of an engine that other servers use, too.

use crate::application::counting::Count;

/// What stores count of their engine. One within this process counts nothing.
#[derive(Debug, Default)]
pub struct EngineCounts {
    /// How many changes had been made there and not been told, and were read back.
    pub gaps: Count,
    /// How many changes were not answered, so that it had to be found out whether they were made.
    pub unknown_outcomes: Count,
}
