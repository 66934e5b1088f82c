//! `twicecast push`, which is no more: it knew no rules, so that secrets went with the rest.

use clap::Args;

use crate::failure::Failure;

/// Whatever it was called with.
#[derive(Debug, Args)]
pub struct PushArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _words: Vec<String>,
}

/// Says what takes its place.
///
/// # Errors
///
/// Always: that sentence.
pub fn run() -> Result<u8, Failure> {
    Err(Failure::usage(
        "`twicecast push` is gone: `twicecast share DIR --once` does the same, and leaves out what \
         git ignores and what looks like a secret.",
    ))
}
