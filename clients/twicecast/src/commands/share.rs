//! `twicecast share`: keeps the project on the server equal to a folder for as long as it runs.
//!
//! Whatever a watcher tells only says where to look: what is there and what the server has are
//! compared, and what differs is sent. So nothing depends on the order, the number or the meaning
//! of events.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::block_in_place;
use twicecast_client::backoff::Backoff;

use crate::credentials::flags::{AddressSource, CommonArgs};
use crate::credentials::{Credentials, Purpose, name_of_user};
use crate::embedded;
use crate::embedded::LocalServer;
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::publish::dirty::Dirty;
use crate::publish::folder::{self, Folder};
use crate::publish::foreign::Approved;
use crate::publish::look;
use crate::publish::output::{Event, ShareOutput};
use crate::publish::precheck::{self, Intent, There};
use crate::publish::session::{Ended, Session};
use crate::publish::shared_folder;
use crate::publish::watcher::Watching;
use crate::replica::kind;
use crate::review::base_cache;
use crate::rules::{Rules, Verdict};
use crate::ui::keyboard::Keys;
use crate::ui::output::{Report, say, warn};
use crate::ui::signals;

mod args;
mod invitation;

pub use args::{AFTER_HELP, HELP, ShareArgs};
use invitation::Invitation;

/// The exit code where somebody does not want it after all.
const USAGE: u8 = 2;

/// Who shares with a server of their own, where nobody says.
const NOBODY: &str = "streamer";

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder cannot be shared or the server cannot be reached or does not let us
/// in.
pub async fn run(args: &ShareArgs) -> Result<u8, Failure> {
    let root = Arc::new(shared_folder::open(&args.dir)?);
    kind::check_shareable(&args.dir)?;
    let (common, mut server) = if args.local {
        let server = embedded::start(&args.dir, args.public).await?;
        let mut common = args.common.clone();
        (common.url, common.key) = (server.url.clone(), Some(server.key.clone()));
        (common.token, common.url_source) = (None, AddressSource::Default);
        // One command is enough, wherever it is typed.
        common.user = common
            .user
            .or_else(name_of_user)
            .or_else(|| Some(NOBODY.to_owned()));
        (common, Some(server))
    } else {
        (args.common.clone(), None)
    };
    let result = share(args, root, &common, server.as_mut()).await;
    if let Some(server) = server {
        server.stop().await;
    }
    result
}

/// Shares the folder, with the server that is there.
async fn share(
    args: &ShareArgs,
    root: Arc<OwnedFd>,
    common: &CommonArgs,
    server: Option<&mut LocalServer>,
) -> Result<u8, Failure> {
    let identity = Credentials::resolve(common, Purpose::Share, Some(&args.dir))?;
    if identity.token()?.is_none() {
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
    let mut keys = Keys::listen();
    let mut output = ShareOutput::new(args.json, &identity.full_project(), keys.are_there());
    if let Some(server) = server {
        server.keep(&identity, &dir)?;
        let invitation = Invitation {
            url: &server.url,
            key: &server.key,
            credentials: &identity,
            dir: &dir,
        };
        output.tell(&invitation.event(args.public, &args.invite)?);
    }
    if args.dry_run {
        return dry_run(&identity, &dir, &root, args, &mut output).await;
    }
    let approved = if args.yes {
        Approved::All
    } else {
        match approve(&identity, &dir, &root, args, &mut keys).await? {
            Some(approved) => approved,
            None => return Ok(USAGE),
        }
    };
    // Not before: who only looks, or declines, has shared nothing.
    kind::mark_shared(&dir, &identity.full_project());
    base_cache::begin(&identity.full_project(), &dir);
    let mut share = Share {
        once: args.once,
        identity,
        output,
        folder: watched(args, &dir, root, rules, approved),
        keys,
        backoff: Backoff::default(),
    };
    let result = share.run().await;
    if args.json
        && let Err(failure) = &result
    {
        share.output.tell(&Event::Stopped {
            why: Some(failure.to_string()),
        });
    }
    result
}

/// Says what would be done.
async fn dry_run(
    identity: &Credentials,
    dir: &Path,
    root: &OwnedFd,
    args: &ShareArgs,
    output: &mut ShareOutput,
) -> Result<u8, Failure> {
    let there = if args.local {
        There::default()
    } else {
        precheck::ask(identity).await?
    };
    let (mut found, rules) = look::look_at(dir, root, &args.allow).await?;
    let intent = block_in_place(|| {
        found.files.retain(|name, _| {
            let verdict = rules.judge_all_contents(root, name);
            !matches!(verdict, Ok(Verdict::Holds(_)))
        });
        Intent::of(there, &found, |name| {
            folder::fingerprint(root, &rules, name)
        })
    });
    let names = |name: &FileName| name.as_str().to_owned();
    output.tell(&Event::WouldDo {
        bytes: intent.plan.post.iter().map(|(_, bytes)| bytes).sum(),
        send: (intent.plan.post.iter())
            .map(|(name, _)| names(name))
            .collect(),
        delete: intent.plan.delete.iter().map(names).collect(),
    });
    Ok(0)
}

/// What the person lets be deleted, asked where that is worth a question; nothing, where they do
/// not want it after all.
async fn approve(
    identity: &Credentials,
    dir: &Path,
    root: &OwnedFd,
    args: &ShareArgs,
    keys: &mut Keys,
) -> Result<Option<Approved>, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    if let Some(question) = precheck::question_of_home(dir, home.as_deref())
        && !ask(&question, args, keys).await?
    {
        return Ok(None);
    }
    let there = if args.local {
        There::default()
    } else {
        precheck::ask(identity).await?
    };
    let (found, _) = look::look_at(dir, root, &args.allow).await?;
    let intent = block_in_place(|| Intent::of(there, &found, |_| None));
    let question = intent.question(&dir.to_string_lossy(), &identity.full_project());
    if let Some(question) = question
        && !ask(&question, args, keys).await?
    {
        return Ok(None);
    }
    Ok(Some(intent.approved()))
}

/// Asks the person at the keyboard; where there is none, that is the end.
async fn ask(question: &str, args: &ShareArgs, keys: &mut Keys) -> Result<bool, Failure> {
    if !keys.are_there() || args.json {
        return Err(Failure::usage(format!(
            "{question} Nothing was sent or deleted. Give --yes if that is what you want; --dry-run \
             shows what would be done."
        )));
    }
    say(&format!("{question} Go on? (y/n)"));
    let mut stop = signals::signals()?;
    loop {
        let key = tokio::select! {
            _ = stop.changed() => b'n',
            key = keys.next() => key,
        };
        match key {
            b'y' | b'Y' => return Ok(true),
            b'n' | b'N' | b'q' | b'Q' => {
                say("nothing was sent or deleted");
                return Ok(false);
            }
            _ => {}
        }
    }
}

fn watched(
    args: &ShareArgs,
    dir: &Path,
    root: Arc<OwnedFd>,
    rules: Arc<Rules>,
    approved: Approved,
) -> Folder {
    let dirty = Arc::new(Dirty::default());
    let mut watching = if args.poll {
        Watching::none(dir)
    } else {
        Watching::start(dir, Arc::clone(&dirty))
    };
    for file in rules.files_elsewhere() {
        watching.file_elsewhere(file);
    }
    // As it was named: a link may come to lead elsewhere.
    Folder::new(&args.dir, root, rules, watching, dirty, approved)
}

/// A folder that is being shared.
struct Share {
    once: bool,
    identity: Credentials,
    output: ShareOutput,
    folder: Folder,
    keys: Keys,
    backoff: Backoff,
}

impl Share {
    async fn run(&mut self) -> Result<u8, Failure> {
        let mut stop = signals::signals()?;
        let (pause, is_paused) = watch::channel(false);
        let mut was_connected = false;
        let mut report = Report::default();
        loop {
            let (mut is_connected, mut is_synced) = (false, false);
            let result = tokio::select! {
                biased;
                _ = stop.changed() => Ok(Ended::Stopped),
                quit = press(&mut self.keys, &pause) => Ok(quit),
                result = Session {
                    identity: &self.identity,
                    output: &mut self.output,
                    folder: &mut self.folder,
                    report: &mut report,
                    held: is_paused.clone(),
                    is_connected: &mut is_connected,
                    is_synced: &mut is_synced,
                    once: self.once,
                    viewers: None,
                    still_open: BTreeSet::new(),
                }.run() => result,
            };
            was_connected |= is_connected;
            if is_synced {
                // Not before: a server may let us in and not take what we have.
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
            if !was_connected || !failure.may_pass(self.identity.can_renew_token()) {
                return Err(failure);
            }
            let wait = self.backoff.next_wait();
            self.output.tell(&Event::Lost {
                why: failure.to_string(),
                retry_in: wait.as_secs_f64(),
            });
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                _ = press(&mut self.keys, &pause) => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.output.tell(&Event::Stopped { why: None });
        Ok(report.exit_code())
    }
}

/// Minds the keyboard until somebody wants an end.
async fn press(keys: &mut Keys, pause: &watch::Sender<bool>) -> Ended {
    loop {
        match keys.next().await {
            b'p' | b'P' | b' ' => pause.send_modify(|paused| *paused = !*paused),
            b'q' | b'Q' => return Ended::Stopped,
            _ => {}
        }
    }
}
