//! `twicecast pulls`: shows what viewers propose, applies it to the streamer's own folder, and
//! closes it.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use twicecast_client::protocol::PullRequest;

use crate::credentials::flags::{CommonArgs, Repeat};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::publish::shared_folder;
use crate::replica::kind;
use crate::review::apply::{self, Outcome};
use crate::review::contents::Contents;
use crate::review::inbox::{Inbox, Project};
use crate::review::listed::{self, find, short};
use crate::review::policy::Policy;
use crate::review::steps::Steps;
use crate::review::taken::Taken;
use crate::review::wanted::Wanted;
use crate::review::{diff, rest};
use crate::ui::command_line::CommandLine;
use crate::ui::output::{Line, json_line, say};
use crate::ui::pager::Pager;
use crate::ui::question::{Preset, is_confirmed};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
What `apply` does with each file, as `show` says beforehand:
  not here, or unchanged since its author got it: added, replaced
  changed here meanwhile: merged; where both changed the same lines, conflict markers are left
  changed here meanwhile, and binary or very long: left as it is, the proposal is put aside
  to be deleted, and unchanged since its author saw it: deleted; else it stays
  left out by the rules of `share`, itself a file of such rules, or one that tools run by \
themselves (build.rs, .vscode, CI workflows ...): left out, unless --files names its whole path
An author's client that does not say what they started from is taken to have started from what the \
server has, if that was there
before and is what is here; else all that differs is a conflict.
Whatever is replaced or deleted is kept outside the folder first; where is said at the end.
A pull request of which something was not taken stays open, and what was taken of it is left alone \
the next time, whatever has
become of it.

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
  twicecast pulls apply 7d3f --files build.rs
  twicecast pulls close 7d3f --merged";

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
        /// Only these of its files, and what `apply` would do if they were named to it
        #[arg(long, value_name = "PATTERN", num_args = 1..)]
        files: Vec<String>,
    },
    /// Write what one proposes into the folder, and report it as merged if all of it was taken
    Apply {
        /// Its id, or how that begins
        id: String,
        /// Only these of its files: patterns as in a .gitignore; what a whole path names is taken
        /// whatever the rules say
        #[arg(long, value_name = "PATTERN", num_args = 1..)]
        files: Vec<String>,
        /// Do not report it as merged even so
        #[arg(long)]
        keep_open: bool,
    },
    /// Close one without taking anything
    Close {
        /// Its id, or how that begins
        id: String,
        /// Report it as merged: what you wanted of it is in the folder
        #[arg(long)]
        merged: bool,
    },
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the server cannot be reached, does not let us in, or has no such pull request.
pub async fn run(args: &PullsArgs) -> Result<u8, Failure> {
    if matches!(
        args.command,
        PullsCommand::Show { .. } | PullsCommand::Apply { .. }
    ) {
        kind::check_reviewable(&args.dir)?;
    }
    let credentials = Credentials::resolve(&args.common, Purpose::Review, Some(&args.dir))?;
    let mut inbox = Inbox::enter(&credentials).await?;
    let all = inbox.list().await?;
    let code = match &args.command {
        PullsCommand::List { json } => {
            if *json {
                for pull in &all {
                    say(&json_line(pull));
                }
            } else {
                listed::lines(&all, &mut |line| say(&line));
            }
            0
        }
        PullsCommand::Show { id, files } | PullsCommand::Apply { id, files, .. } => {
            let does = match args.command {
                PullsCommand::Apply { keep_open, .. } => Review::Apply { keep_open },
                _ => Review::Show,
            };
            let pull = find(&all, id, &command(args))?;
            let wanted = Wanted::among(files, pull.files.iter().chain(&pull.deleted));
            let mut taken = Taken::of(&credentials.full_project(), &args.dir, &all);
            review(args, &mut inbox, pull, &wanted, &mut taken, does).await?
        }
        PullsCommand::Close { id, merged } => {
            let pull = find(&all, id, &command(args))?;
            let (outcome, said) = if *merged {
                ("merged", "reported as merged")
            } else {
                ("closed", "closed")
            };
            inbox.close(pull.id.raw(), outcome).await?;
            say(&format!("{} is {said}", short(&pull.id)));
            0
        }
    };
    inbox.leave().await;
    Ok(code)
}

/// What to do with a pull request.
#[derive(Clone, Copy)]
enum Review {
    Show,
    Apply { keep_open: bool },
}

/// Shows what a pull request would do, or applies it.
async fn review(
    args: &PullsArgs,
    inbox: &mut Inbox<'_>,
    pull: &PullRequest,
    wanted: &Wanted,
    taken: &mut Taken,
    review: Review,
) -> Result<u8, Failure> {
    let (root, project) = open(&args.dir, inbox).await?;
    let policy = Policy::new(&args.dir, &args.allow)?;
    let contents = inbox.contents(pull).await?;
    if !wanted.is_all() && !contents.names().any(|name| wanted.wants(name)) {
        let (command, id) = (command(args), short(&pull.id));
        return Err(Failure::usage(format!(
            "--files names none of its files; `{command} show {id}` shows them."
        )));
    }
    let mut steps = Steps {
        inbox: &mut *inbox,
        root: &root,
        policy: &policy,
        pull,
        project: &project,
        wanted,
        taken,
        rehearsed: matches!(review, Review::Show).then(BTreeSet::new),
    };
    match review {
        Review::Show => show(&mut steps, &contents).await,
        Review::Apply { keep_open } => {
            let outcome = apply::run(&args.dir, &mut steps, &contents, &mut Line::print).await?;
            let is_whole = outcome.is_whole() && contents.refused.is_empty();
            if keep_open {
                say(&format!("{} stays open", short(&pull.id)));
            } else {
                settle(args, inbox, pull, &outcome, is_whole).await?;
            }
            Ok(outcome.exit_code())
        }
    }
}

async fn show(steps: &mut Steps<'_, '_>, contents: &Contents) -> Result<u8, Failure> {
    let mut pager = Pager::start();
    diff::head(steps.pull, &mut |line| pager.line(&line));
    let mut left = diff::ALL_LINES;
    let wanted = steps.wanted;
    for name in contents.names().filter(|name| wanted.wants(name)) {
        if pager.is_gone() {
            return Ok(0);
        }
        let step = steps.next(name, contents).await?;
        diff::step(&step, &mut left, &mut |line| pager.line(&line));
    }
    diff::refused(contents, &mut |line| pager.line(&line));
    Ok(0)
}

/// Reports a pull request that was applied completely as merged. For any other, says what is left
/// to do, and asks.
async fn settle(
    args: &PullsArgs,
    inbox: &mut Inbox<'_>,
    pull: &PullRequest,
    outcome: &Outcome,
    is_whole: bool,
) -> Result<(), Failure> {
    let id = short(&pull.id);
    if !is_whole {
        rest::lines(&command(args), &id, outcome, &mut |line| say(&line));
        if !is_confirmed("Report it as merged all the same?", Preset::No) {
            return Ok(());
        }
    }
    inbox.close(pull.id.raw(), "merged").await?;
    say(&format!("{id} is reported as merged"));
    Ok(())
}

/// The command as it was given, without its key or token, so that a command built on it can be
/// typed as it is.
fn command(args: &PullsArgs) -> CommandLine {
    let dir = Some(&*args.dir).filter(|dir| *dir != Path::new("."));
    let line = CommandLine::new("pulls").path_flag("--dir", dir);
    let line = line.flag("--allow", &args.allow);
    args.common.repeated(line, Repeat::All)
}

/// Opens the folder, and asks the server for its list of the project.
///
/// # Errors
///
/// A sentence, if the folder cannot be opened, or does not look like the project's.
pub async fn open(dir: &Path, inbox: &mut Inbox<'_>) -> Result<(OwnedFd, Project), Failure> {
    let root = shared_folder::open(dir)?;
    let project = inbox.project().await?;
    let is_here = |name: &FileName| {
        dirfd::open_parent(&root, name)
            .is_ok_and(|(folder, leaf)| matches!(dirfd::look(folder, leaf), Ok(Some(_))))
    };
    if project.is_empty() || project.keys().any(is_here) {
        return Ok((root, project));
    }
    Err(Failure::usage(format!(
        "{} does not look like the folder of {}: it holds none of its files. Give it with --dir.",
        shown(&dir.to_string_lossy()),
        shown(&inbox.credentials.full_project())
    )))
}
