//! How much memory a connection that does not read may take, and why it is then closed.
//! `deliver.rs` beside this file enforces it. All connections together are bounded by the
//! [`MemoryBudget`](crate::application::memory::MemoryBudget).

/// The bounds of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendQueueLimits {
    /// `maxQueueBytes`: frames and waiting names together.
    pub max_bytes: usize,
    /// How much may wait in frames before files are held back; less than `max_bytes`, so that chat
    /// messages still find room behind them.
    pub window_bytes: usize,
}

/// Why a queue has closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendQueueClosed {
    /// More waits than is allowed: the connection is closed with 1013.
    Overflow,
    /// A change could not be read back to be sent: the connection is closed with 1013, because it
    /// would never learn of the change.
    Missed,
    /// Nothing can be sent to the connection any more.
    Gone,
}
