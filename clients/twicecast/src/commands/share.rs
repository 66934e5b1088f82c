//! `twicecast share`: keeps the project on the server equal to a folder while it runs.
//!
//! Events of a watcher only say where to look. There the folder is compared with the project on the
//! server, and what differs is sent, so nothing depends on the order, number or meaning of events.

use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use twicecast_client::backoff::Backoff;

use crate::credentials::flags::{CommonArgs, Repeat};
use crate::credentials::{Credentials, Purpose};
use crate::embedded::LocalServer;
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::links;
use crate::names::shown;
use crate::publish::dirty::Dirty;
use crate::publish::folder::Folder;
use crate::publish::foreign::Approved;
use crate::publish::output::{Commands, Event, PageLink, ShareOutput};
use crate::publish::page::{Heard, Page};
use crate::publish::replies::Replies;
use crate::publish::session::{Ended, Session};
use crate::publish::shared_folder;
use crate::publish::watcher::Watching;
use crate::replica::kind;
use crate::review::{base_cache, temporaries};
use crate::rules::Rules;
use crate::ui::command_line::CommandLine;
use crate::ui::keyboard::Keys;
use crate::ui::output::{Report, say, warn};
use crate::ui::signals;

mod args;
mod first_look;
mod from_page;
mod invitation;
mod local;
mod renewal;
mod review;

pub use args::{AFTER_HELP, HELP, ShareArgs};
use first_look::FirstLook;
use from_page::FromPage;
pub use invitation::ANYBODY as VIEWER;
use invitation::invite;
use renewal::renew;

/// The exit code if the person decides not to share.
const USAGE: u8 = 2;

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the folder cannot be shared, the server cannot be reached, or it does not let us
/// in.
pub async fn run(args: &ShareArgs) -> Result<u8, Failure> {
    let stop = signals::stop()?;
    let root = Arc::new(shared_folder::open(&args.dir)?);
    kind::check_shareable(&args.dir)?;
    let (common, mut server) = if args.local {
        let (common, server) = local::start(args).await?;
        (common, Some(server))
    } else {
        (args.common.clone(), None)
    };
    let result = share(args, root, &common, server.as_mut(), stop).await;
    if let Some(server) = server {
        server.stop().await;
    }
    result
}

/// Shares the folder, with the local server if there is one.
async fn share(
    args: &ShareArgs,
    root: Arc<OwnedFd>,
    common: &CommonArgs,
    server: Option<&mut LocalServer>,
    stop: CancellationToken,
) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(common, Purpose::Share, Some(&args.dir))?;
    if credentials.token()?.is_none() {
        return Err(Failure::usage(
            "Sharing needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or \
             TWICECAST_KEY) if you run the server; or --local to try it without a server.",
        ));
    }
    let dir = std::fs::canonicalize(&args.dir).map_err(|error| {
        let dir = shown(&args.dir.to_string_lossy());
        Failure::usage(format!("The folder {dir} cannot be read: {error}."))
    })?;
    let own = dirfd::open_below(&root, "")
        .map_err(|error| Failure::usage(format!("The folder cannot be read: {error}.")))?;
    let rules = Arc::new(Rules::new(&dir, own, &args.allow)?);
    let mut keys = Keys::listen(&stop);
    let project = credentials.full_project();
    let commands = commands(args, &credentials, &dir);
    let mut output = ShareOutput::new(args.json, &project, keys.are_there(), commands);
    let first = FirstLook {
        args,
        credentials: &credentials,
        dir: &dir,
        root: &root,
        stop: &stop,
    };
    let approved = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        approved = first.look(&mut output, &mut keys) => approved?,
    };
    let approved = match approved {
        Some(approved) if !stop.is_cancelled() => approved,
        _ if args.dry_run && !stop.is_cancelled() => return Ok(0),
        _ => {
            if args.json {
                output.tell(&Event::Stopped { why: None });
            } else {
                say("nothing was sent or deleted");
            }
            return Ok(USAGE);
        }
    };
    // Not earlier: a person who only looks, or says no, has shared nothing.
    let lasting_url = if args.local { "" } else { &credentials.url };
    kind::mark_shared(&dir, lasting_url, &credentials.full_project());
    let mut local = None;
    if let Some(server) = server {
        let invited = invite(server, &credentials, &dir, args)?;
        for event in &invited.events {
            output.tell(event);
        }
        local = Some((server, invited.until));
    }
    temporaries::sweep(&root);
    base_cache::begin(&credentials.full_project(), &dir);
    let (page, answers) = answer_page(args, &credentials, &dir, keys.are_there());
    let renewed = renew(local, &credentials, &dir, args, page.as_ref());
    let mut share = Share {
        once: args.once,
        credentials,
        output,
        folder: watched(args, &dir, root, rules, approved, stop.clone()),
        keys,
        stop,
        backoff: Backoff::default(),
        answers,
        page,
    };
    let result = tokio::select! {
        result = share.run() => result,
        never = renewed => match never {},
    };
    if args.json
        && let Err(failure) = &result
    {
        share.output.tell(&Event::Stopped {
            why: Some(failure.to_string()),
        });
    }
    result
}

/// How the commands begin that the streamer types in another terminal. The folder remembers where
/// it is shared.
fn commands(args: &ShareArgs, credentials: &Credentials, dir: &Path) -> Commands {
    let pulls = CommandLine::new("pulls").path_flag("--dir", Some(dir));
    let pulls = pulls.flag("--allow", &args.allow);
    let pulls = if args.local {
        pulls
    } else {
        args.common.repeated(pulls, Repeat::NotInFolder)
    };
    let why = CommandLine::new("why").flag("--allow", &args.allow);
    Commands {
        pulls,
        why,
        page: page_link(args, credentials),
    }
}

/// The address that viewers open, on a server that others run; our own server prints it itself.
fn page_link(args: &ShareArgs, credentials: &Credentials) -> Option<PageLink> {
    let origin = links::origin(&credentials.url).ok()?;
    let address = links::page(&origin, &credentials.streamer, &credentials.project).ok()?;
    let link = args.common.repeated(CommandLine::new("link"), Repeat::All);
    (!args.local && !args.once).then_some(PageLink { address, link })
}

/// Starts the task that answers the streamer's page while the folder is shared.
fn answer_page(
    args: &ShareArgs,
    credentials: &Credentials,
    dir: &Path,
    has_keys: bool,
) -> (Option<Page>, mpsc::Sender<bool>) {
    let (yes_or_no, answers) = mpsc::channel(1);
    if args.once {
        return (None, yes_or_no);
    }
    let (heard_by, heard) = mpsc::unbounded_channel();
    let (wish, wishes) = mpsc::channel(8);
    let from_page = FromPage {
        credentials: credentials.clone(),
        dir: dir.to_owned(),
        allow: args.allow.clone(),
        accepts: args.accept_from_page,
        has_keys,
        heard,
        answers,
        wishes: wish.clone(),
        told: None,
    };
    // The task ends with the share, which drops the sender that it receives from.
    tokio::spawn(from_page.run());
    let heard = heard_by;
    (
        Some(Page {
            heard,
            wishes,
            wish,
        }),
        yes_or_no,
    )
}

fn watched(
    args: &ShareArgs,
    dir: &Path,
    root: Arc<OwnedFd>,
    rules: Arc<Rules>,
    approved: Approved,
    stop: CancellationToken,
) -> Folder {
    let dirty = Arc::new(Dirty::default());
    let watching = if args.poll {
        Watching::none(dir)
    } else {
        Watching::start(dir, Arc::clone(&dirty))
    };
    // The path as it was given: a symbolic link may later lead elsewhere.
    Folder::new(&args.dir, root, rules, watching, dirty, approved, stop)
}

/// A folder that is being shared.
struct Share {
    once: bool,
    credentials: Credentials,
    output: ShareOutput,
    folder: Folder,
    keys: Keys,
    stop: CancellationToken,
    backoff: Backoff,
    /// Sends yes or no to what the page asks.
    answers: mpsc::Sender<bool>,
    /// `None` if nothing can be applied from the page.
    page: Option<Page>,
}

impl Share {
    async fn run(&mut self) -> Result<u8, Failure> {
        let (pause, is_paused) = watch::channel(false);
        let mut was_connected = false;
        let mut report = Report::default();
        loop {
            let (mut is_connected, mut is_synced) = (false, false);
            let result = tokio::select! {
                biased;
                () = self.stop.cancelled() => Ok(Ended::Stopped),
                never = press(&mut self.keys, &pause, &self.answers) => match never {},
                result = Session {
                    credentials: &self.credentials,
                    output: &mut self.output,
                    folder: &mut self.folder,
                    report: &mut report,
                    held: is_paused.clone(),
                    is_connected: &mut is_connected,
                    is_synced: &mut is_synced,
                    once: self.once,
                    page: self.page.as_mut(),
                    replies: Replies::default(),
                }.run() => result,
            };
            if let Some(page) = &self.page {
                page.pass_on(Heard::Lost);
            }
            was_connected |= is_connected;
            if is_synced {
                // Not earlier: a server may let us in and then refuse our files.
                self.backoff.reset();
            }
            let failure = match result {
                Ok(Ended::Complete) => return Ok(report.exit_code()),
                Ok(Ended::Stopped) if self.once => {
                    warn(
                        "Stopped before all was sent; run it again: only what is missing is sent.",
                    );
                    return Ok(1);
                }
                Ok(Ended::Stopped) => break,
                Err(failure) if self.once && was_connected => {
                    return Err(failure.and("Run it again: only what is missing is sent."));
                }
                Err(failure) => failure,
            };
            if !was_connected || !failure.may_pass(self.credentials.can_renew_token()) {
                return Err(failure);
            }
            let wait = self.backoff.next_wait();
            self.output.tell(&Event::Lost {
                why: failure.to_string(),
                retry_in: wait.as_secs_f64(),
            });
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                never = press(&mut self.keys, &pause, &self.answers) => match never {},
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.output.tell(&Event::Stopped { why: None });
        Ok(report.exit_code())
    }
}

/// Reads the keyboard for as long as this is awaited.
async fn press(
    keys: &mut Keys,
    pause: &watch::Sender<bool>,
    answers: &mpsc::Sender<bool>,
) -> Infallible {
    loop {
        match keys.next().await {
            b'p' | b'P' | b' ' => pause.send_modify(|paused| *paused = !*paused),
            key @ (b'y' | b'Y' | b'n' | b'N') => {
                // If nothing is being asked, the key has no effect.
                let _ = answers.try_send(matches!(key, b'y' | b'Y'));
            }
            _ => {}
        }
    }
}
