//! `twicecast status`: what people want to know before they start, or when something is odd. Each
//! finding is independent: if one cannot be made, the others are still shown.

pub(in crate::commands) mod ask;
pub(in crate::commands) mod finding;
pub(in crate::commands) mod health;
mod show;

use clap::Args;

use crate::commands::status::ask::Depth;
use crate::credentials::flags::CommonArgs;
use crate::credentials::{PartialCredentials, Purpose};
use crate::failure::Failure;
use crate::ui::output::{json_line, say};

/// The long help of the command.
pub const HELP: &str = "\
Says how things stand: whether the server can be reached and which version it is, until when the \
token holds and for what, \
whether the streamer is online, how large the project is, and how many pull requests are open. \
Changes nothing, and nobody notices.

Needs no token unless the server wants one for reading; pull requests need one. The streamer's are \
counted only while the streamer is online, \
since asking for them makes them online; for everybody else they are one's own.";

/// What follows the help of the command.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is well; a streamer who is not online is no fault
  2  the command line is not usable
  3  no connection, or the server does not let you in, or has no such project

Examples:
  twicecast status --streamer ana --project demo
  twicecast status --token TOKEN --json";

/// `twicecast status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the command line is not usable. What the server does not answer is printed, and
/// affects the exit code.
pub async fn run(args: &StatusArgs) -> Result<u8, Failure> {
    let credentials = PartialCredentials::resolve(&args.common, Purpose::Status, None, None)?;
    let (health, answers) = tokio::join!(
        health::ask(&credentials.url),
        ask::ask(&credentials, Depth::All)
    );
    let findings = finding::Findings {
        credentials,
        health,
        answers: answers?,
    };
    if args.json {
        say(&json_line(&show::json(&findings)));
    } else {
        for line in show::lines(&findings) {
            say(&line);
        }
    }
    Ok(if findings.is_well() { 0 } else { 3 })
}
