//! `twicecast push`, which no longer exists: it knew no rules and so sent secrets, too.

use clap::Args;

use crate::failure::Failure;

/// Whatever it was called with.
#[derive(Debug, Args)]
pub struct PushArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _words: Vec<String>,
}

/// Says which command replaces it.
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
