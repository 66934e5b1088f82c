//! `twicecast token`: makes a token from the server's key, for development.

use clap::Args;

use crate::credentials::flags::CommonArgs;
use crate::credentials::{Claims, Credentials, Purpose, Right};
use crate::failure::Failure;
use crate::ui::output::say;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  2  the command line is not usable

Examples, with the key in TWICECAST_KEY:
  twicecast token --user ana --project demo
  twicecast token --user bob --streamer ana --project demo --rights read,chat,propose
  twicecast token --user mia --streamer ana --project demo --moderator";

/// `twicecast token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// How long the token holds
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// The chat room; the project's own by default
    #[arg(long)]
    pub room: Option<String>,
    /// The only rights that it gives, with commas between them; by default all. `chat` and
    /// `propose` need `read`, too
    #[arg(long, value_enum, value_delimiter = ',')]
    pub rights: Option<Vec<Right>>,
    /// Makes its bearer a moderator of the project: they mute and ban others in its chat
    #[arg(long)]
    pub moderator: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if there is no key or the names are not usable.
pub fn run(args: &TokenArgs) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(&args.common, Purpose::Token, None)?;
    let claims = Claims::new(
        &credentials.user,
        &credentials.streamer,
        &credentials.project,
        args.room.as_deref(),
        args.hours,
    );
    let claims = claims.limited_to(args.rights.as_deref());
    let claims = claims.of_moderator(args.moderator);
    say(&claims.signed(credentials.key()?)?);
    Ok(0)
}
