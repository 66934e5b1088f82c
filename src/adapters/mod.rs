//! What connects the application to the world: sockets, disks, clocks.

pub mod delivery;
pub mod inbound;
pub mod outbound;
