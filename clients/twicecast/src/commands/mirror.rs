//! `twicecast mirror`: subscribes, hands the messages to the session, and comes back when the
//! connection is lost.

use tokio::task::block_in_place;

use crate::backoff::Backoff;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::credentials::login;
use crate::failure::Failure;
use crate::names::shown;
use crate::protocol::ServerMessage;
use crate::replica::folder::{MirrorFolder, Permissions};
use crate::replica::session::Session;
use crate::ui::output::{Report, counted, say, warn};
use crate::ui::signals;
use crate::{connection, protocol};
use clap::Args;
use std::path::PathBuf;

/// What `--help` says.
pub const HELP: &str = "\
Writes a project into DIR and keeps it live until stopped with Ctrl-C; a lost connection is taken \
up again. \
Needs no token unless the server wants one for reading.

DIR is made if missing. One that holds anything and was not made by `twicecast mirror` is refused, \
unless --force is given.

Only files that this mirror wrote are ever changed or removed (it keeps a record in \
DIR/.twicecast-mirror); \
edits made to those are overwritten. A file of yours in the place of one of the project's is \
reported and kept, unless --force; \
files of yours that the project does not have are kept, unless --delete. Links are never followed, \
`.git` is never touched, \
and of two names that the file system takes for one the second is reported and not written.";

/// `twicecast mirror`.
#[derive(Debug, Args)]
pub struct MirrorArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Exit as soon as the present state is complete
    #[arg(long)]
    pub once: bool,
    /// Start in a folder that holds other things, and overwrite files there that the project has
    /// too
    #[arg(long)]
    pub force: bool,
    /// Also remove files from DIR that the project does not have, no matter who made them
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

/// How a mirror ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The present state is complete, and that was all that was wanted.
    Complete,
    /// Somebody stopped it.
    Stopped,
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder is refused or the server cannot be reached or does not let us in.
pub async fn run(args: &MirrorArgs) -> Result<u8, Failure> {
    mirror(args).await.map(|(_, code)| code)
}

/// Mirrors, and says how that ended and the exit code.
///
/// # Errors
///
/// As [`run`].
pub async fn mirror(args: &MirrorArgs) -> Result<(Ended, u8), Failure> {
    let identity = Identity::resolve(&args.common, Role::Viewer, Some(&args.dir))?;
    let allowed = Permissions {
        force: args.force,
        delete: args.delete,
    };
    let mut folder = MirrorFolder::open(&args.dir, &identity, allowed)?;
    let mut stop = signals::signals()?;
    let mut report = Report::default();
    let mut backoff = Backoff::default();
    let mut was_connected = false;
    let ended = loop {
        let mut subscribed = false;
        let result = tokio::select! {
            biased;
            _ = stop.changed() => Ok(Ended::Stopped),
            result = session(args, &identity, &mut folder, &mut report, &mut subscribed) => result,
        };
        if subscribed {
            was_connected = true;
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
        let comes_back = !args.once
            && (was_connected || failure.is_not_yet())
            && failure.may_pass(identity.can_renew_token());
        if !comes_back {
            return Err(failure);
        }
        let wait = backoff.next();
        warn(&format!(
            "{failure} Trying again in {:.1} s; Ctrl-C stops.",
            wait.as_secs_f64()
        ));
        tokio::select! {
            _ = stop.changed() => break Ended::Stopped,
            () = tokio::time::sleep(wait) => {}
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

async fn session(
    args: &MirrorArgs,
    identity: &Identity,
    folder: &mut MirrorFolder,
    report: &mut Report,
    subscribed: &mut bool,
) -> Result<Ended, Failure> {
    let (outgoing, mut incoming) = connection::connect(&identity.url, args.read_limit).await?;
    subscribe(&outgoing, &mut incoming, identity).await?;
    *subscribed = true;
    if !args.once {
        let (project, dir) = (identity.full_project(), args.dir.to_string_lossy());
        say(&format!(
            "mirroring {} from {} into {}; Ctrl-C stops",
            shown(&project),
            identity.url,
            shown(&dir)
        ));
    }
    let mut session = Session::begin(
        identity,
        &mut folder.tree,
        report,
        args.once,
        FIRST_REFERENCE,
    );
    while !(args.once && session.is_complete()) {
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
        }
    }
    drop(outgoing);
    incoming.finish().await;
    Ok(Ended::Complete)
}

/// Makes this connection one that receives the project's updates, before anything is fetched.
async fn subscribe(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    identity: &Identity,
) -> Result<(), Failure> {
    if let Some(token) = identity.token()? {
        return login::authenticate(
            outgoing,
            incoming,
            identity,
            Role::Viewer,
            &token,
            SUBSCRIBE,
        )
        .await;
    }
    outgoing
        .send(protocol::watch(
            SUBSCRIBE,
            &identity.streamer,
            &identity.project,
        ))
        .await;
    loop {
        match incoming.next().await? {
            (Some(SUBSCRIBE), ServerMessage::Watching) => return Ok(()),
            (Some(SUBSCRIBE), ServerMessage::Error(error)) if error.code == 401 => {
                return Err(identity.refused(&error.message));
            }
            (Some(SUBSCRIBE), ServerMessage::Error(error)) => {
                let (project, why) = (identity.full_project(), shown(&error.message));
                return Err(Failure::denied(format!(
                    "The server does not let {project} be watched ({}: {why}).",
                    error.code
                )));
            }
            _ => {}
        }
    }
}
