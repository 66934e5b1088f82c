//! A connection after the upgrade: reading, writing, time limits and the close, on the bare socket.

pub(super) mod close;
pub(super) mod closing;
pub(super) mod connection;
mod control_queue;
mod idle_frames;
pub mod idle_timeout;
pub(super) mod message;
pub(super) mod read_error;
mod read_timeouts;
pub(super) mod reader;
mod sent;
pub(super) mod shared_socket;
pub(super) mod stalls;
pub(super) mod writer;
