//! What waits to be sent to one connection.

mod deliver;
pub(crate) mod file_transfer;
pub(crate) mod limits;
pub(crate) mod queue;
mod transfer;
mod waiting_changes;

#[cfg(test)]
mod interleaved_tests;
#[cfg(test)]
mod tests;

pub use deliver::Delivered;
pub use file_transfer::FileTransferGuard;
pub use limits::{SendQueueClosed, SendQueueLimits};
pub use queue::{FlushCall, Frame, Lane, SendQueue};
pub use waiting_changes::Latest;
