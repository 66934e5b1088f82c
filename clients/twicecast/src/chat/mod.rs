//! `twicecast chat`: a room in the terminal. This module makes the connection and restores it;
//! `conversation` handles what is said, and `terminal` and `plain` show it.

mod commands;
mod completion;
mod conversation;
mod draw;
mod editor;
mod effects;
mod in_force;
mod keys;
mod login;
mod orders;
mod plain;
mod room;
mod talk;
mod terminal;
mod ui;
mod words;

use std::io::{IsTerminal, stdin, stdout};

use clap::Args;
use twicecast_client::backoff::Backoff;

use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::failure::Failure;
use login::Guest;
use plain::Plain;
use talk::Talk;
use terminal::Terminal;
use ui::Ui;

/// The long help of the command.
pub const HELP: &str = "\
Enters a chat room: shows what was said before, who is there, and then each message as it comes. \
Needs a token or a key.

In a terminal the last line is yours: Enter sends it, Ctrl-C or Ctrl-D leaves; /help tells what \
else it can do: the streamer and moderators mute, ban and delete there. \
Without a terminal each line of the standard input is a message and the conversation goes to the \
standard output; \
at the end of the input the answers are awaited, then it ends. \
A lost connection is taken up again, and what was said meanwhile is shown.";

/// What follows the help of the command.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is said
  1  some messages were refused or not sent; they are named
  2  the command line is not usable
  3  no connection, or the server does not let you in, or no longer: a moderator has banned you

Examples:
  twicecast chat --user bob --streamer ana --project demo --key secret
  twicecast chat --token TOKEN --room ana/demo
  echo 'the tests are green' | twicecast chat --token TOKEN";

/// `twicecast chat`.
#[derive(Debug, Args)]
pub struct ChatArgs {
    /// The room [default: the token's, or the project's own, STREAMER/PROJECT]
    #[arg(long, value_name = "NAME")]
    pub room: Option<String>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the command line is not usable, the server cannot be reached, or it does not let
/// us in.
pub async fn run(args: &ChatArgs) -> Result<u8, Failure> {
    let guest = Guest::resolve(&args.common, args.room.as_deref())?;
    if stdin().is_terminal() && stdout().is_terminal() {
        let mut ui = Terminal::open()?;
        Box::pin(stay(&guest, &mut ui)).await
    } else {
        Box::pin(stay(&guest, &mut Plain::open())).await
    }
}

async fn stay<U: Ui>(guest: &Guest, ui: &mut U) -> Result<u8, Failure> {
    let mut talk = Talk::begin(guest, ui)?;
    let mut backoff = Backoff::default();
    let mut was_inside = false;
    loop {
        let failure = match session(guest, &mut talk).await {
            Ok(()) => break,
            Err(failure) => failure,
        };
        if talk.lost() {
            was_inside = true;
            backoff.reset();
        }
        if talk.is_over() {
            break;
        }
        if !was_inside || !failure.may_pass(guest.can_renew_token()) {
            talk.name_unsent();
            return Err(failure);
        }
        let wait = backoff.next_wait();
        talk.tell(&format!(
            "{failure} Trying again in {:.1} s.",
            wait.as_secs_f64()
        ));
        if talk.during(None, tokio::time::sleep(wait)).await.is_none() {
            break;
        }
    }
    Ok(talk.exit_code())
}

/// Uses one connection until the user leaves.
async fn session<U: Ui>(guest: &Guest, talk: &mut Talk<'_, U>) -> Result<(), Failure> {
    let Some(connected) = talk.during(None, enter(guest)).await else {
        return Ok(());
    };
    let (outgoing, mut incoming) = connected?;
    talk.entered();
    while let Some(next) = talk.during(Some(&outgoing), incoming.next()).await {
        let (reference, message) = next?;
        talk.handle(guest, reference, message)?;
    }
    drop(outgoing);
    incoming.finish().await;
    Ok(())
}

async fn enter(guest: &Guest) -> Result<(Outgoing, Incoming), Failure> {
    let (outgoing, mut incoming) = connection::connect(&guest.url, None).await?;
    login::enter(&outgoing, &mut incoming, guest).await?;
    Ok((outgoing, incoming))
}
