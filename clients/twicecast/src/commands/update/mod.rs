//! `twicecast update`: brings a clone up to date with the project, and keeps the user's edits.

mod apply;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::task::block_in_place;

pub use apply::Outcome;
use apply::Updating;

use crate::connection::{self, Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::credentials::login;
use crate::credentials::login::Login;
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::fs::{atomic, dirfd};
use crate::listing;
use crate::names::{FileName, shown};
use crate::replica::clone_bases::CloneBases;
use crate::replica::fetch::fetch;
use crate::replica::folder::CloneFolder;
use crate::replica::proposed::Proposed;
use crate::replica::record::Header;
use crate::replica::staging::Staging;
use crate::replica::state::{self, Change, Changes};
use crate::ui::output::{say, warn};

/// What `--help` says.
pub const HELP: &str = "\
Brings a clone up to date: fetches what the streamer has changed and merges it with what you have \
changed. Needs no token unless the server wants one for reading.

What you have not touched becomes what the project has; what the streamer has deleted goes.
What both of you have changed is merged; where you have changed the same lines, both versions \
stand \
between <<<<<<< and >>>>>>>.
What cannot be merged, because it is binary or too large, stays as you have it, and the project's \
version is put aside, until you copy it into its place or the streamer takes yours.
What you have edited and the streamer has deleted stays.
Conflicts are named. What is replaced or deleted is first kept in ~/.local/state/twicecast \
(XDG_STATE_HOME).";

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is up to date
  1  there are conflicts to solve, or some files failed; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Example:
  twicecast update ./demo";

/// `twicecast update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The clone
    pub dir: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 2;
const FIRST_GET: u64 = 1 << 32;

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the folder is no clone, or the project cannot be fetched.
pub async fn run(args: &UpdateArgs) -> Result<u8, Failure> {
    let clone = CloneFolder::open(&args.dir)?;
    let common = common(&args.common, &args.dir, &clone.record.header)?;
    let credentials = Credentials::resolve(&common, Purpose::Read, Some(&args.dir))?;
    let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
    if let Some(token) = credentials.token()? {
        let login = Login::viewer(&credentials);
        login::authenticate(
            &outgoing,
            &mut incoming,
            &credentials,
            &login,
            &token,
            AUTHENTICATE,
        )
        .await?;
    }
    let changes = changes(&outgoing, &mut incoming, &credentials, &clone, LIST).await?;
    if args.dry_run {
        for (name, change) in &changes.files {
            say(&format!("{}  {name}", change.step.word()));
        }
        return Ok(0);
    }
    let line = (&outgoing, &mut incoming);
    let outcome = bring_up_to_date(line, &credentials, &args.dir, &clone, changes).await?;
    drop(outgoing);
    incoming.finish().await;
    let project = shown(&credentials.full_project());
    match outcome {
        Outcome {
            has_updated: false,
            has_conflicts: false,
            has_failed: false,
        } => say(&format!("{project} has nothing new")),
        Outcome {
            has_conflicts: false,
            has_failed: false,
            ..
        } => say(&format!("up to date with {project}")),
        _ => {}
    }
    if outcome.has_conflicts {
        warn("Solve the conflicts named above before you propose.");
    }
    Ok(u8::from(outcome.has_conflicts || outcome.has_failed))
}

/// The flags, completed with the names that the clone remembers. A clone belongs to one project,
/// even if a token names another.
///
/// # Errors
///
/// A sentence, if the flags name another project.
pub fn common(given: &CommonArgs, dir: &Path, header: &Header) -> Result<CommonArgs, Failure> {
    let mut common = given.clone();
    let streamer = common
        .streamer
        .get_or_insert_with(|| header.streamer.clone());
    let project = common.project.get_or_insert_with(|| header.project.clone());
    if (&*streamer, &*project) != (&header.streamer, &header.project) {
        return Err(Failure::usage(format!(
            "{} is a clone of {} and has to do with no other project; leave --streamer and \
             --project away.",
            shown(&dir.to_string_lossy()),
            shown(&header.full_project()),
        )));
    }
    Ok(common)
}

/// Compares a clone with the project as it is now.
///
/// # Errors
///
/// If the connection breaks, or the server does not list the project.
pub async fn changes(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
    clone: &CloneFolder,
    reference: u64,
) -> Result<Changes, Failure> {
    let (listed, unread) =
        listing::list(outgoing, incoming, credentials, reference, &mut |_| {}).await?;
    Ok(block_in_place(|| {
        let proposed = Proposed::read(&clone.work);
        state::compare(clone.on_disk(), &listed, &unread, &proposed)
    }))
}

/// Does all the changes.
///
/// # Errors
///
/// If the connection breaks, or there is no place for what is needed. Changes that were made before
/// that stay.
pub async fn bring_up_to_date(
    (outgoing, incoming): (&Outgoing, &mut Incoming),
    credentials: &Credentials,
    dir: &Path,
    clone: &CloneFolder,
    changes: Changes,
) -> Result<Outcome, Failure> {
    let unusable = |error: std::io::Error| {
        let dir = shown(&dir.to_string_lossy());
        Failure::usage(format!("The clone {dir} cannot be used: {error}."))
    };
    let bases = CloneBases::open(clone).map_err(unusable)?;
    let work = dirfd::open_below(&clone.work, "").map_err(|error| unusable(error.into()))?;
    let mut staging = Staging::new(work).map_err(unusable)?;
    let mut updating = Updating::begin(dir, &clone.root, bases)?;
    for (name, why) in &changes.failed {
        updating.fail(name, why);
    }
    for (name, fault) in &changes.refused {
        updating.outcome.has_failed = true;
        warn(&format!("{}: refused: {fault}", shown(name)));
    }
    let (later, now): (BTreeMap<FileName, Change>, BTreeMap<FileName, Change>) = changes
        .files
        .into_iter()
        .partition(|(_, change)| change.step.needs_content());
    // Deletions come first, so that their names are free.
    block_in_place(|| {
        for (name, change) in &now {
            updating.settle(name, change);
        }
    });
    let mut files = Vec::new();
    for (name, change) in &later {
        if change.size > atomic::FILE_BYTES_MAX {
            updating.fail(name, "it has more than 512 MiB");
        } else {
            files.push((name.clone(), change.size));
        }
    }
    let mut take = |name: FileName, content| {
        let change = &later[&name];
        block_in_place(|| updating.take(&name, change, content));
    };
    let line = (outgoing, incoming);
    let fetched = fetch(line, credentials, files, FIRST_GET, &mut staging, &mut take).await;
    let outcome = updating.finish();
    fetched.map(|()| outcome)
}
