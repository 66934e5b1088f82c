//! What a connection may do, and the order and time in which it does it.

pub mod dispatch;
pub mod expiry;
pub mod guard;
pub mod registrations;
pub mod state;
