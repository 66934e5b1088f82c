//! `twicecast pulls`: what viewers propose, looked at, applied to the streamer's own folder, and
//! closed.

use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;

use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::protocol::PullRequest;
use crate::publish::scan;
use crate::review::apply::{self, Folder};
use crate::review::diff::Shown;
use crate::review::inbox::{Desk, Project};
use crate::review::policy::Gate;
use crate::review::wanted::Wanted;
use crate::ui::output::{counted, json_line, say};
use crate::ui::time;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
What `apply` does with each file:
  not here, or unchanged since its author got it: added, replaced
  changed here meanwhile: merged; where both changed the same lines, conflict markers are left
  changed here meanwhile, and binary or very long: left as it is, the proposal is put aside
  to be deleted, and unchanged since its author saw it: deleted; else it stays
  left out by the rules of `share`, or itself a file of such rules: left out, unless --files names \
its whole path
An author's client that does not say what they started from is taken to have started from what the \
server has, if that was there
before and is what is here; else all that differs is a conflict.
Whatever is replaced or deleted is kept outside the folder first; where is said at the end.

Exit codes:
  0  all is done
  1  there are conflicts to solve, or some files were left out or could not be written; they are \
named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in

Examples:
  twicecast pulls list --key secret
  twicecast pulls show 7d3f
  twicecast pulls apply 7d3f --files 'src/*.rs' --dir ./demo
  twicecast pulls close 7d3f --user ana --project demo --key secret";

/// `twicecast pulls`.
#[derive(Debug, Args)]
pub struct PullsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PullsCommand,
    /// The folder that is shared
    #[arg(long, default_value = ".", global = true)]
    pub dir: PathBuf,
    /// As with `share`: what is shared although it looks like a secret can be shown and applied
    #[arg(long, value_name = "PATTERN", global = true)]
    pub allow: Vec<String>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to do with pull requests.
#[derive(Debug, Subcommand)]
pub enum PullsCommand {
    /// Show which are open, oldest first
    List {
        /// As JSON, one object per line
        #[arg(long)]
        json: bool,
    },
    /// Show what one would change in the folder
    Show {
        /// Its id, or how that begins
        id: String,
    },
    /// Write what one proposes into the folder, and report it as merged
    Apply {
        /// Its id, or how that begins
        id: String,
        /// Only these of its files: patterns as in a .gitignore; what a whole path names is taken
        /// whatever the rules say
        #[arg(long, value_name = "PATTERN", num_args = 1..)]
        files: Vec<String>,
        /// Do not report it as merged
        #[arg(long)]
        keep_open: bool,
    },
    /// Close one without merging it
    Close {
        /// Its id, or how that begins
        id: String,
    },
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the server cannot be reached or does not let us in, or has no such pull request.
pub async fn run(args: &PullsArgs) -> Result<u8, Failure> {
    let identity = Identity::resolve(&args.common, Role::Streamer, Some(&args.dir))?;
    let mut desk = Desk::enter(&identity).await?;
    let all = desk.list().await?;
    let code = match &args.command {
        PullsCommand::List { json } => list(&all, *json),
        PullsCommand::Show { id } => show(args, &mut desk, find(&all, id)?).await?,
        PullsCommand::Apply {
            id,
            files,
            keep_open,
        } => {
            let wanted = Wanted::new(files)?;
            apply(args, &mut desk, find(&all, id)?, &wanted, *keep_open).await?
        }
        PullsCommand::Close { id } => {
            let pull = find(&all, id)?;
            desk.close(&pull.id, "closed").await?;
            say(&format!("{} is closed", short(&pull.id)));
            0
        }
    };
    desk.leave().await;
    Ok(code)
}

async fn show(args: &PullsArgs, desk: &mut Desk<'_>, pull: &PullRequest) -> Result<u8, Failure> {
    let (root, _) = open(args, desk).await?;
    let gate = Gate::new(&args.dir, &args.allow)?;
    let contents = desk.contents(pull).await?;
    let left_alone = gate.refusals(contents.names()).await;
    let shown = Shown {
        pull,
        contents: &contents,
        root: &root,
        left_alone: &left_alone,
        is_coloured: std::io::stdout().is_terminal(),
    };
    shown.show();
    Ok(0)
}

async fn apply(
    args: &PullsArgs,
    desk: &mut Desk<'_>,
    pull: &PullRequest,
    wanted: &Wanted,
    keep_open: bool,
) -> Result<u8, Failure> {
    let (root, project) = open(args, desk).await?;
    let gate = Gate::new(&args.dir, &args.allow)?;
    let folder = Folder {
        dir: &args.dir,
        root: &root,
        gate: &gate,
    };
    let outcome = apply::run(desk, &folder, pull, project, wanted).await?;
    if keep_open || outcome.stays_open() {
        say(&format!("{} stays open", short(&pull.id)));
    } else {
        desk.close(&pull.id, "merged").await?;
        say(&format!("{} is reported as merged", short(&pull.id)));
    }
    Ok(outcome.exit_code())
}

/// Opens the folder, and lists what the server has of it.
async fn open(args: &PullsArgs, desk: &mut Desk<'_>) -> Result<(OwnedFd, Project), Failure> {
    let root = scan::open(&args.dir)?;
    let project = desk.project().await?;
    let is_here = |name: &FileName| {
        dirfd::open_parent(&root, name)
            .is_ok_and(|(folder, leaf)| matches!(dirfd::look(folder, leaf), Ok(Some(_))))
    };
    if project.is_empty() || project.keys().any(is_here) {
        return Ok((root, project));
    }
    Err(Failure::usage(format!(
        "{} does not look like the folder of {}: it holds none of its files. Give it with --dir.",
        shown(&args.dir.to_string_lossy()),
        shown(&desk.identity.full_project())
    )))
}

fn list(all: &[PullRequest], json: bool) -> u8 {
    for pull in all {
        if json {
            say(&json_line(pull));
            continue;
        }
        let changes = counted(pull.files.len() + pull.deleted.len(), "file");
        say(&format!(
            "{}  {}  {}: {} ({changes})",
            short(&pull.id),
            time::date_and_time(pull.date / 1_000),
            shown(&pull.owner),
            shown(&pull.title)
        ));
    }
    if all.is_empty() && !json {
        say("no pull request is open");
    }
    0
}

/// As much of an id as people are shown.
fn short(id: &str) -> String {
    shown(&id.chars().take(8).collect::<String>())
}

/// The one whose id begins so.
fn find<'a>(all: &'a [PullRequest], id: &str) -> Result<&'a PullRequest, Failure> {
    let mut found = all.iter().filter(|pull| pull.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(pull), None) if !id.is_empty() => Ok(pull),
        (Some(_), _) => Err(Failure::usage(format!(
            "Several pull requests begin with {}; give more of the id.",
            shown(id)
        ))),
        (None, _) => Err(Failure::usage(format!(
            "No open pull request begins with {}; `twicecast pulls list` shows those that are \
             open.",
            shown(id)
        ))),
    }
}
