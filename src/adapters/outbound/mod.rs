//! What the application drives: stores, tokens, chat rooms, presence, clock and ids.

pub(crate) mod change_order;
#[cfg(test)]
mod contract_tests;
pub mod filesystem;
pub mod guest_tokens;
pub mod jwt;
pub(crate) mod listing;
pub(crate) mod loaded_project;
pub mod memory;
pub mod nats;
mod open_pull_requests;
pub(crate) mod records;
pub mod system;
#[cfg(test)]
mod transfer_tests;
