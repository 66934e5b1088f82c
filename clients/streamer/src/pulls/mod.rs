//! `twicecast pulls`: what viewers propose, looked at, applied to the streamer's own folder, and
//! closed.

mod apply;
mod backups;
mod bases;
mod contents;
mod decide;
mod desk;
mod diff;
mod gate;
mod put;
mod texts;
mod wanted;

use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;

use crate::cli::{PullsArgs, PullsCommand};
use crate::failure::Failure;
use crate::identity::{Identity, Role};
use crate::names::{FileName, shown};
use crate::protocol::PullRequest;
use crate::report::{counted, json_line, say};
use crate::{moment, place, scan};
use apply::Folder;
use desk::{Desk, Project};
use diff::Shown;
use gate::Gate;
use wanted::Wanted;

pub use backups::{lies_in, own_folder};

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
        place::open_parent(&root, name)
            .is_ok_and(|(folder, leaf)| matches!(place::look(folder, leaf), Ok(Some(_))))
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
            moment::date_and_time(pull.date / 1_000),
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
