//! From an event to the sockets of its receivers: the hub, what waits for each connection, and who
//! writes it.

mod connection_writer;
mod flush;
mod hub;
mod send_queue;
mod wire_frame;

pub(crate) use connection_writer::{ConnectionWriter, Flushed};
pub(crate) use flush::FlushTasks;
pub use hub::{Deliveries, Hub, Lag, Untold};
pub use send_queue::{
    Delivered, FileTransferGuard, FlushCall, Frame, Lane, SendQueue, SendQueueClosed,
    SendQueueLimits,
};
pub use wire_frame::WireFrame;
