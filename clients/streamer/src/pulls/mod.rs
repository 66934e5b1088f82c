//! `twicecast pulls`: what viewers propose, looked at, applied to the streamer's own folder, and closed.

mod apply;
mod backups;
mod bases;
mod decide;
mod desk;
mod diff;
mod put;

use std::io::IsTerminal as _;

use crate::cli::{PullsArgs, PullsCommand};
use crate::failure::Failure;
use crate::identity::{Identity, Role};
use crate::names::shown;
use crate::protocol::PullRequest;
use crate::report::{counted, json_line, say};
use crate::{moment, place, scan};
use desk::Desk;

pub use backups::own_folder;

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
        PullsCommand::Show { id } => {
            let pull = find(&all, id)?;
            let root = scan::open(&args.dir)?;
            let files = desk.files(pull).await?;
            let is_coloured = std::io::stdout().is_terminal();
            diff::show(&root, pull, &files, is_coloured);
            0
        }
        PullsCommand::Apply {
            id,
            files,
            keep_open,
        } => {
            let pull = find(&all, id)?;
            let code = apply::run(&mut desk, &args.dir, pull, files).await?;
            if *keep_open || code == apply::NOT_WRITTEN {
                say(&format!("{} stays open", short(&pull.id)));
            } else {
                desk.close(&pull.id, "merged").await?;
                say(&format!("{} is reported as merged", short(&pull.id)));
            }
            code.min(1)
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
            "No open pull request begins with {}; `twicecast pulls list` shows those that are open.",
            shown(id)
        ))),
    }
}

/// Reads a file of the folder, if there is one.
fn working(
    root: &std::os::fd::OwnedFd,
    name: &crate::names::FileName,
) -> std::io::Result<Option<Vec<u8>>> {
    use rustix::io::Errno;
    use std::io::Read as _;
    let opened =
        place::open_parent(root, name).and_then(|(folder, leaf)| place::open_file(&folder, leaf));
    match opened {
        Ok(mut file) => {
            let mut content = Vec::new();
            file.read_to_end(&mut content)?;
            Ok(Some(content))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR | Errno::INVAL) => {
            Err(std::io::Error::other("something else than a file is there"))
        }
        Err(error) => Err(error.into()),
    }
}
