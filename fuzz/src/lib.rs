//! What must hold of all input from outside, as plain functions of bytes.
//!
//! libFuzzer looks for bytes that break them (`fuzz_targets/`). The server's `tests/corpus.rs`
//! includes this file too and tries the kept inputs (`corpus/`) on every run of its tests. A
//! function returns if all is well and panics if something is wrong.

#![forbid(unsafe_code)]

mod message;
mod names;
mod token;
mod upload;

pub use message::message;
pub use names::names;
pub use token::token;
pub use upload::upload;
