//! What waits to be sent to one connection.

pub(crate) mod budget;
pub(crate) mod file_transfer;
pub(crate) mod queue;
mod turn;
mod waiting_changes;

#[cfg(test)]
mod interleaved_tests;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Charge};
pub use file_transfer::FileTransferGuard;
pub use queue::{Bell, Frame, SendQueue, SendQueueClosed, SendQueueLimits};
