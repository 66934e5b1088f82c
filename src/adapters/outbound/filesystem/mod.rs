//! Stores on a file system, under one folder that nothing leaves.
//!
//! The base folder is held open from start to end, and with it the lock. So the stores follow a
//! folder that is moved, and do not accept one that is removed and created again: then every
//! operation fails until the server is restarted, instead of writing without holding the lock.
//! Every operation looks up everything below it anew. It must all be one file system.

mod guests;
mod inspect;
mod moderation;
mod pool;
mod projects;
mod pull_requests;
mod sandbox;
mod stores;
mod uploads;

#[cfg(test)]
mod tests;

pub use inspect::inspect;
pub use sandbox::error::OpenError;
pub use sandbox::layout::Durability;
pub use stores::{open_stores, unless_locked};
