//! The chat (protocol, section 7): one file per verb.

pub mod history;
pub mod leave;
pub mod listen;
pub mod members;
pub mod message;

#[cfg(test)]
mod tests;
