//! What must hold of everything that comes from outside, as plain functions of bytes.
//!
//! libFuzzer looks for bytes that break them (`fuzz_targets/`); `tests/corpus.rs` of the server
//! includes this file too and tries the bytes that were found worth keeping (`corpus/`) on every
//! run of its tests. A function returns where all is well and panics where something is not.

#![forbid(unsafe_code)]

mod message;
mod names;
mod token;
mod upload;

pub use message::message;
pub use names::names;
pub use token::token;
pub use upload::upload;
