//! `twicecast mirror`: subscribes, hands the messages to the session, and reconnects when the
//! connection is lost.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::block_in_place;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use twicecast_client::backoff::Backoff;
use twicecast_client::protocol;

use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::credentials::login::{self, Login};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::names::shown;
use crate::replica::folder::{MirrorFolder, Permissions};
use crate::replica::record::Kind;
use crate::replica::session::Session;
use crate::ui::output::{Report, counted, say, warn};
use crate::ui::{signals, time};

/// What `--help` says.
pub const HELP: &str = "\
Writes a project into DIR and keeps it live until stopped with Ctrl-C. A lost connection is taken \
up again, and what could not be written is tried again. Needs no token unless the server wants one \
for reading.

DIR is made if missing. A folder that holds anything and is no mirror of this project is refused, \
unless --force is given; a clone and a folder that is shared are always refused.

Files of yours in DIR are safe:
  A file that you have edited stays as you left it and is named once; its newer versions are not \
written. Move it away, and the project's comes back.
  A file of yours with the name of one of the project's stays, and is named once.
  A file that you have edited stays when the streamer deletes it.
  Files that the project does not have stay, unless --delete is given.
--force overwrites the first two: edited files, and files of yours with the project's names.

Executable files are executable here, too; the other permissions are yours. Links are never \
followed, `.git` is never touched, and of two names that the file system takes for one the second \
is named and not written. The record of what was written is in DIR/.twicecast-mirror.";

/// `twicecast mirror`.
#[derive(Debug, Args)]
pub struct MirrorArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Exit as soon as the present state is complete; 1 if that was interrupted
    #[arg(long)]
    pub once: bool,
    /// Start in a folder that holds other things. Overwrites files there that have the name of one
    /// of the project's, also those that you have edited
    #[arg(long)]
    pub force: bool,
    /// Also remove files from DIR that the project does not have, no matter who made or edited
    /// them
    #[arg(long)]
    pub delete: bool,
    /// Read the connection no faster than this, to play a slow viewer
    #[arg(long, hide = true, value_name = "BYTES_PER_SECOND")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub read_limit: Option<u64>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

const SUBSCRIBE: u64 = 1;
const FIRST_REFERENCE: u64 = 10;

/// A folder to fill, and how.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// What the folder becomes.
    pub kind: Kind,
    /// Whether to stop when the present state is complete.
    pub once: bool,
    /// What may be changed in the folder.
    pub allowed: Permissions,
    /// The most bytes per second to read.
    pub read_limit: Option<u64>,
}

/// A connection that lasts longer than this was good.
const STABLE: Duration = Duration::from_secs(5);

/// How a mirror ended without failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The present state is complete, and no more was wanted.
    Complete,
    /// Somebody stopped it.
    Stopped,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the folder is refused, the server cannot be reached, or it does not let us in.
pub async fn run(args: &MirrorArgs) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(&args.common, Purpose::Read, Some(&args.dir))?;
    let job = Job {
        dir: &args.dir,
        kind: Kind::Mirror,
        once: args.once,
        allowed: Permissions {
            force: args.force,
            delete: args.delete,
        },
        read_limit: args.read_limit,
    };
    let mut folder = MirrorFolder::open(job.dir, &credentials, job.kind, job.allowed)?;
    let filled = fill(job, &credentials, &mut folder).await;
    folder.discard_unused();
    let (ended, code) = filled?;
    if args.once && ended == Ended::Stopped {
        warn("Not all of the project is here; run the same command again to complete it.");
        return Ok(1);
    }
    Ok(code)
}

/// Fills a folder until that is done or stopped; returns how it ended, and the exit code.
///
/// # Errors
///
/// As [`run`].
pub async fn fill(
    job: Job<'_>,
    credentials: &Credentials,
    folder: &mut MirrorFolder,
) -> Result<(Ended, u8), Failure> {
    let stop = signals::stop()?;
    folder.tree.stop_with(&stop);
    let mut report = Report::default();
    let mut backoff = Backoff::default();
    let mut line = Line::default();
    let ended = loop {
        let began = Instant::now();
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(Ended::Stopped),
            result = session(job, credentials, folder, &mut report, &mut line) => result,
        };
        // A connection is not good at once: a server may let us in and then send what we cannot
        // read.
        if line.is_up && began.elapsed() > STABLE {
            backoff.reset();
        }
        let failure = match result {
            Ok(Ended::Stopped) => {
                say("stopped");
                break Ended::Stopped;
            }
            Ok(Ended::Complete) => break Ended::Complete,
            Err(failure) => failure,
        };
        let comes_back = !job.once
            && (line.was_up || failure.is_not_yet())
            && failure.may_pass(credentials.can_renew_token());
        if !comes_back {
            return Err(failure);
        }
        line.down(&failure);
        if waits(&stop, backoff.next_wait()).await {
            break Ended::Stopped;
        }
    };
    if report.count() > 0 {
        warn(&format!(
            "{} not written or not removed, as said above.",
            counted(report.count(), "file")
        ));
    }
    Ok((ended, report.exit_code()))
}

/// Waits; returns whether it was stopped while waiting.
async fn waits(stop: &CancellationToken, wait: std::time::Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(wait) => false,
    }
}

/// Whether there is a connection. Changes are reported.
#[derive(Debug, Default)]
struct Line {
    is_up: bool,
    was_up: bool,
    /// Since when there is none, in milliseconds since the epoch, once that was reported.
    down_since: Option<i64>,
}

impl Line {
    fn down(&mut self, failure: &Failure) {
        self.is_up = false;
        let now = time::now();
        if self.down_since.is_none() {
            self.down_since = Some(now);
            let at = time::time_of_day(now, now);
            warn(&format!(
                "{at} {failure} Trying again until it is back; Ctrl-C stops."
            ));
        }
    }

    fn up(&mut self, job: Job<'_>, credentials: &Credentials) {
        let now = time::now();
        (self.is_up, self.was_up) = (true, true);
        let project = shown(&credentials.full_project());
        if let Some(since) = self.down_since.take() {
            let away = u64::try_from((now - since) / 1_000).unwrap_or(0);
            say(&format!(
                "{} {project} is back after {}",
                time::time_of_day(now, now),
                time::span(away)
            ));
        } else if !job.once {
            let dir = shown(&job.dir.to_string_lossy());
            let url = &credentials.url;
            say(&format!(
                "mirroring {project} from {url} into {dir}; Ctrl-C stops"
            ));
        }
    }
}

async fn session(
    job: Job<'_>,
    credentials: &Credentials,
    folder: &mut MirrorFolder,
    report: &mut Report,
    line: &mut Line,
) -> Result<Ended, Failure> {
    let (outgoing, mut incoming) = connection::connect(&credentials.url, job.read_limit).await?;
    subscribe(&outgoing, &mut incoming, credentials).await?;
    line.up(job, credentials);
    let mut session = Session::begin(
        credentials,
        &mut folder.tree,
        report,
        job.once,
        FIRST_REFERENCE,
    );
    while !(job.once && session.is_complete()) {
        let retry = session.retry_at();
        tokio::select! {
            room = outgoing.room(), if session.has_request() => {
                if let (Some(room), Some(request)) = (room, session.request()) {
                    room.send(request);
                }
            }
            received = incoming.next() => {
                let (reference, message) = received?;
                block_in_place(|| session.handle(reference, message))?;
            }
            () = async { sleep_until(retry.unwrap_or_else(tokio::time::Instant::now)).await },
                if retry.is_some() =>
            {
                block_in_place(|| session.try_again());
            }
        }
    }
    drop(outgoing);
    incoming.finish().await;
    Ok(Ended::Complete)
}

/// Subscribes this connection to the project's updates, before anything is fetched.
async fn subscribe(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
) -> Result<(), Failure> {
    if let Some(token) = credentials.token()? {
        return login::authenticate(
            outgoing,
            incoming,
            credentials,
            &Login::viewer(credentials),
            &token,
            SUBSCRIBE,
        )
        .await;
    }
    outgoing
        .send(protocol::watch(
            SUBSCRIBE,
            &credentials.streamer,
            &credentials.project,
        ))
        .await;
    let answer = incoming.answer(SUBSCRIBE, &mut drop).await;
    answer.map_err(|error| {
        connection::refused(error, |error| match error.code {
            401 => credentials.refused(&error.message),
            code => {
                let (project, why) = (shown(&credentials.full_project()), &error.message);
                Failure::denied(format!(
                    "The server does not let {project} be watched ({code}: {why})."
                ))
            }
        })
    })?;
    Ok(())
}
