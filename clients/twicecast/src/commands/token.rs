//! `twicecast token`: makes a token from the server's key, for development.

use clap::Args;

use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::credentials::token::Claims;
use crate::failure::Failure;
use crate::ui::output::say;

/// `twicecast token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// How long the token holds
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// The chat room; the project's own by default
    #[arg(long)]
    pub room: Option<String>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if there is no key or the names are not usable.
pub fn run(args: &TokenArgs) -> Result<u8, Failure> {
    let identity = Identity::resolve(&args.common, Role::Viewer, None)?;
    let claims = Claims::new(
        &identity.user,
        &identity.streamer,
        &identity.project,
        args.room.as_deref(),
        args.hours,
    );
    say(&claims.signed(identity.key()?)?);
    Ok(0)
}
