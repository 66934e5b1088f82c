//! `twicecast clone`: writes a project into a folder once, with the record that `propose` needs.

use std::path::PathBuf;

use clap::Args;

use crate::commands::mirror::{self, Ended, Job};
use crate::credentials::flags::{CommonArgs, Repeat};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::replica::folder::{MirrorFolder, Permissions};
use crate::replica::record::Kind;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{say, warn};

/// What `--help` says.
pub const HELP: &str = "\
Writes a project into DIR once, so that you can edit it there and send what you have changed with \
`twicecast propose`. `twicecast update` brings it up to date. Needs no token unless the server \
wants one for reading.

DIR is made if missing; a folder that holds anything is refused. If the clone is interrupted or \
fails, nothing of it is left. The record of what was cloned is in DIR/.twicecast-mirror.";

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Example:
  twicecast clone ./demo --streamer ana --project demo";

/// `twicecast clone`.
#[derive(Debug, Args)]
pub struct CloneArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the folder is refused or the project cannot be fetched.
pub async fn run(args: &CloneArgs) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(&args.common, Purpose::Read, Some(&args.dir))?;
    let job = Job {
        dir: &args.dir,
        kind: Kind::Clone,
        once: true,
        allowed: Permissions::default(),
        read_limit: None,
    };
    let mut folder = MirrorFolder::open(job.dir, &credentials, job.kind, job.allowed)?;
    let code = match mirror::fill(job, &credentials, &mut folder).await {
        Ok((Ended::Complete, code)) => code,
        Ok((Ended::Stopped, _)) => {
            folder.discard();
            warn("The clone was interrupted, so nothing of it was kept; run it again.");
            return Ok(1);
        }
        Err(failure) => {
            folder.discard();
            return Err(failure);
        }
    };
    folder.tree.manifest().complete().map_err(|error| {
        Failure::usage(format!("What was cloned cannot be remembered: {error}."))
    })?;
    say(&next(args));
    Ok(code)
}

/// The next step to suggest: a command line with everything that the clone does not remember.
fn next(args: &CloneArgs) -> String {
    let line = CommandLine::new("propose").path(&args.dir);
    let line = line.word("--title").word("What it changes");
    let line = args.common.repeated(line, Repeat::NotInFolder);
    let right = "with --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY)";
    format!("edit, then, {right}: {line}")
}
