//! `twicecast proposals`: a user's proposals to a project, and their outcomes.
//!
//! The server lists open proposals, and tells an outcome only to connections that are there at the
//! time. Every proposal that was listed once is remembered in the user's state folder, so that it
//! is not forgotten when it leaves the list.

pub mod memory;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;
use twicecast_client::listing::pull_requests;
use twicecast_client::protocol;
use twicecast_client::protocol::{PullRequest, ServerError, ServerMessage};
use twicecast_client::untrusted::{Untrusted, shown};

use crate::commands::proposals::memory::Memory;
use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::{CommonArgs, Repeat};
use crate::credentials::login::{self, Login};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{counted, say};
use crate::ui::style::{Style, painted};
use crate::ui::time::date_and_time;

/// The long help of the command.
pub const HELP: &str = "\
Lists what you have proposed to a project and is still open, and what has become of what you \
proposed from this computer, or saw here, before. `withdraw` takes a proposal back; `wait` tells \
outcomes as the streamer decides. The server tells an outcome only to those who are connected at \
that time; of others, only that they are no longer open is known.";

/// What follows the help of the command.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  2  the command line is not usable, or there is no such proposal
  3  no connection, or the server does not let you in, or has no such project

Examples:
  twicecast proposals --dir ./copy --user bob
  twicecast proposals withdraw 7d --streamer ana --project demo --user bob
  twicecast proposals wait --dir ./copy --user bob";

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 2;
const WITHDRAW: u64 = 3;

/// `twicecast proposals`.
#[derive(Debug, Args)]
pub struct ProposalsArgs {
    /// What to do [default: list]
    #[command(subcommand)]
    pub command: Option<ProposalsCommand>,
    /// A clone, which names the server, the streamer and the project
    #[arg(long, default_value = ".", global = true)]
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to do with one's own proposals.
#[derive(Debug, Subcommand)]
pub enum ProposalsCommand {
    /// Show which are open, and what became of the others
    List,
    /// Take one back
    Withdraw {
        /// Its id, or how that begins
        id: String,
    },
    /// Wait until the streamer has decided on all that are open, and tell what
    Wait,
}

/// The message if there is no token.
const WITHOUT_TOKEN: &str = "\
Your proposals are told only to you: give --token (or TWICECAST_TOKEN), or --key (or \
TWICECAST_KEY) if you run the server.";

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the server cannot be reached or does not let us in, or there is no such proposal.
pub async fn run(args: &ProposalsArgs) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(&args.common, Purpose::Propose, Some(&args.dir))?;
    let login = Login::viewer(&credentials);
    let (outgoing, mut incoming) =
        login::connect(&credentials, &login, WITHOUT_TOKEN, AUTHENTICATE).await?;
    let mut memory = Memory::of(&credentials);
    let mut open = list(&outgoing, &mut incoming, &credentials).await?;
    memory.see(&open);
    match &args.command {
        None | Some(ProposalsCommand::List) => tell(&open, &memory),
        Some(ProposalsCommand::Withdraw { id }) => {
            let dir = Some(&*args.dir).filter(|dir| *dir != Path::new("."));
            let line = CommandLine::new("proposals").path_flag("--dir", dir);
            let command = args.common.repeated(line, Repeat::All);
            let id = find(&open, id, &command)?.id.clone();
            withdraw(&outgoing, &mut incoming, &credentials, &id).await?;
            memory.end(&id, &"withdrawn".into());
            say(&format!("{} is withdrawn", id.beginning(8)));
        }
        Some(ProposalsCommand::Wait) => {
            memory.keep();
            wait(&mut incoming, &mut open, &mut memory).await?;
        }
    }
    memory.keep();
    drop(outgoing);
    incoming.finish().await;
    Ok(0)
}

async fn list(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
) -> Result<Vec<PullRequest>, Failure> {
    let listed = pull_requests(outgoing, incoming, LIST, &mut drop).await;
    let mut open =
        listed.map_err(|error| connection::refused(error, |error| refused(credentials, error)))?;
    // A streamer gets everybody's.
    open.retain(|pull| pull.owner.raw() == credentials.user);
    Ok(open)
}

async fn withdraw(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
    id: &Untrusted,
) -> Result<(), Failure> {
    let request = protocol::pull_request_delete(WITHDRAW, id.raw(), "closed");
    outgoing.send(request).await;
    let answer = incoming.answer(WITHDRAW, &mut drop).await;
    answer.map_err(|error| connection::refused(error, |error| refused(credentials, error)))?;
    Ok(())
}

async fn wait(
    incoming: &mut Incoming,
    open: &mut Vec<PullRequest>,
    memory: &mut Memory,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Closed {
        id: Untrusted,
        outcome: Untrusted,
    }
    say(&format!(
        "waiting for {}; Ctrl-C stops",
        counted(open.len(), "proposal")
    ));
    while !open.is_empty() {
        let (None, ServerMessage::Reply(reply)) = incoming.next().await? else {
            continue;
        };
        let closed = serde_json::from_value(reply.data);
        let (Ok(Closed { id, outcome }), "pullRequestClosed") = (closed, &*reply.kind) else {
            continue;
        };
        if let Some(at) = open.iter().position(|pull| pull.id == id) {
            say(&line(&id, &open.remove(at).title, &outcome.to_string()));
            memory.end(&id, &outcome);
            memory.keep();
        }
    }
    Ok(())
}

fn refused(credentials: &Credentials, error: &ServerError) -> Failure {
    match error.code {
        401 => credentials.withdrawn(&error.message),
        code => Failure::denied(format!("The server says: {} ({code}).", error.message)),
    }
}

fn tell(open: &[PullRequest], memory: &Memory) {
    for pull in open {
        let files = counted(pull.files.len() + pull.deleted.len(), "file");
        let date = date_and_time(pull.date / 1_000);
        let state = format!("open since {date} ({files})");
        say(&line(&pull.id, &pull.title, &state));
    }
    for ended in memory.ended(open) {
        let state = ended.outcome.as_ref().map(Untrusted::to_string);
        let state = state.unwrap_or_else(|| "no longer open".to_owned());
        say(&line(&ended.id, &ended.title, &state));
    }
    if open.is_empty() {
        say("none of your proposals is open");
    }
}

fn line(id: &Untrusted, title: &Untrusted, state: &str) -> String {
    let id = painted(Style::Bold, &id.beginning(8).to_string());
    format!("{id}  “{title}”: {state}")
}

/// Finds the proposal whose id begins with `id`.
fn find<'a>(
    open: &'a [PullRequest],
    id: &str,
    command: &CommandLine,
) -> Result<&'a PullRequest, Failure> {
    let mut found = open.iter().filter(|pull| pull.id.raw().starts_with(id));
    match (found.next(), found.next()) {
        (Some(pull), None) if !id.is_empty() => Ok(pull),
        (Some(_), _) => Err(Failure::usage(format!(
            "Several of your proposals begin with {}; give more of the id.",
            shown(id)
        ))),
        (None, _) => Err(Failure::usage(format!(
            "None of your open proposals begins with {}; `{command}` shows them.",
            shown(id)
        ))),
    }
}
