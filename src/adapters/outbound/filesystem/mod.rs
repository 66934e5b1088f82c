//! Stores on a file system, under one folder that nothing leaves.
//!
//! The stores hold the base folder and the lock open from start to end. So they follow a base
//! folder that is moved. They do not accept one that is removed and created again: every operation
//! then fails until the server is restarted, instead of writing without the lock. Every operation
//! looks up everything below the base folder anew. The base folder must be on one file system.

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
