//! What the application drives: stores, tokens, fan-out, clock and ids.

#[cfg(test)]
mod contract_tests;
pub mod filesystem;
pub mod guest_tokens;
pub mod jwt;
pub(crate) mod listing;
pub mod memory;
mod open_pull_requests;
pub mod system;
