//! What stores count about an engine that they share with other servers.

use crate::application::counting::Count;

/// What stores count about their engine. Stores within this process count nothing.
#[derive(Debug, Default)]
pub struct EngineCounts {
    /// How often changes in the engine had not been told to this server, which then read them back.
    pub gaps: Count,
    /// How many changes were not answered, so the server had to find out whether they were made.
    pub unknown_outcomes: Count,
}
