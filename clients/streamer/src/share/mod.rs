//! `twicecast share`: keeps the project on the server equal to a folder for as long as it runs.
//!
//! Whatever a watcher tells only says where to look: what is there and what the server has are
//! compared, and what differs is sent. So nothing depends on the order, the number or the meaning
//! of events.

mod copies;
mod dirty;
mod git;
mod keys;
mod known;
mod look;
mod rule_memory;
mod rules;
mod secrets;
mod session;
mod summary;
mod voice;
mod watching;
mod why;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::cli::ShareArgs;
use crate::failure::Failure;
use crate::identity::{Identity, Role, name_of_user};
use crate::local::{self, LocalServer};
use crate::names::{FileName, shown};
use crate::report::Report;
use crate::{history, place, scan, stop};
use dirty::Dirty;
use keys::Keys;
use session::{Folder, Session};
use voice::{Event, Voice};
use watching::Watching;

pub use look::Found as Looked;
pub use rules::{Rules, Verdict};
pub use why::run as why;

/// Looks once at what of a folder may be shared; rules that are just being written are waited for.
///
/// # Errors
///
/// A sentence, if the folder cannot be read.
pub async fn look_at(
    dir: &Path,
    root: &std::os::fd::OwnedFd,
    allow: &[String],
) -> Result<(Looked, Arc<Rules>), Failure> {
    let unreadable = |why: String| {
        let dir = shown(&dir.to_string_lossy());
        Failure::usage(format!("The folder {dir} cannot be read: {why}."))
    };
    let own = place::open_below(root, "").map_err(|error| unreadable(error.to_string()))?;
    let rules = Rules::new(dir, own, allow)?;
    let mut found = look::look(root, &rules, "", |_| {});
    while found
        .left_out
        .values()
        .any(|verdict| *verdict == rules::Verdict::Settling)
    {
        tokio::time::sleep(rule_memory::SETTLING).await;
        found = look::look(root, &rules, "", |_| {});
    }
    if let Some((path, why)) = found.unreadable.first_key_value() {
        return Err(unreadable(format!("{}: {why}", shown(path))));
    }
    Ok((found, Arc::new(rules)))
}

/// So often a verdict is asked for while rules are being written.
const SETTLING_ROUNDS: u32 = 20;

/// What is to be done with a file by the rules of this moment; rules that are just being written
/// are waited for.
pub async fn verdict(rules: &Rules, name: &FileName) -> Verdict {
    let mut verdict = rules.judge_now(name.as_str(), false);
    for _ in 0..SETTLING_ROUNDS {
        if verdict != Verdict::Settling {
            break;
        }
        tokio::time::sleep(rule_memory::SETTLING).await;
        verdict = rules.judge_now(name.as_str(), false);
    }
    verdict
}

/// Who shares with a server of their own, where nobody says.
const NOBODY: &str = "streamer";

/// How a connection ended that did not fail.
enum Ended {
    Stopped,
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder cannot be shared or the server cannot be reached or does not let us
/// in.
pub async fn run(args: &ShareArgs) -> Result<u8, Failure> {
    let root = Arc::new(scan::open(&args.dir)?);
    let (common, server) = if args.local {
        let server = local::start(&args.dir).await?;
        let mut common = args.common.clone();
        (common.url, common.key) = (server.url.clone(), Some(server.key.clone()));
        common.token = None;
        // One command is enough, wherever it is typed.
        common.user = common
            .user
            .or_else(name_of_user)
            .or_else(|| Some(NOBODY.to_owned()));
        (common, Some(server))
    } else {
        (args.common.clone(), None)
    };
    let identity = Identity::resolve(&common, Role::Streamer, Some(&args.dir))?;
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
    history::begin(&identity.full_project(), &dir);
    let own = place::open_below(&root, "")
        .map_err(|error| Failure::usage(format!("The folder cannot be read: {error}.")))?;
    let rules = Arc::new(Rules::new(&dir, own, &args.allow)?);
    let keys = Keys::listen();
    let mut voice = Voice::new(args.json, &identity.full_project(), keys.are_there());
    if let Some(server) = &server {
        voice.tell(&invitation(server, &identity, &dir));
    }
    let mut share = Share {
        identity,
        voice,
        folder: folder(args, &dir, root, rules),
        keys,
        backoff: Backoff::default(),
    };
    let result = share.run().await;
    if args.json
        && let Err(failure) = &result
    {
        share.voice.tell(&Event::Stopped {
            why: Some(failure.to_string()),
        });
    }
    drop(share);
    if let Some(server) = server {
        server.stop().await;
    }
    result
}

fn folder(
    args: &ShareArgs,
    dir: &Path,
    root: Arc<std::os::fd::OwnedFd>,
    rules: Arc<Rules>,
) -> Folder {
    let dirty = Arc::new(Dirty::default());
    let mut watching = if args.poll {
        Watching::none(dir)
    } else {
        Watching::start(dir, Arc::clone(&dirty))
    };
    for folder in rules.folders_elsewhere() {
        watching.path(folder);
    }
    Folder::new(dir, root, rules, watching, dirty)
}

/// How a viewer sees it, in a folder beside the shared one, and with which right they propose
/// changes.
fn invitation(server: &LocalServer, identity: &Identity, dir: &Path) -> Event {
    let program = std::env::current_exe().map(|path| path.display().to_string());
    let program = quoted(&program.unwrap_or_else(|_| "twicecast".to_owned()));
    let mut copy = dir.as_os_str().to_owned();
    copy.push("-copy");
    let copy = quoted(&copy.to_string_lossy());
    let (url, key) = (&server.url, &server.key);
    let (streamer, project) = (quoted(&identity.streamer), quoted(&identity.project));
    let names = format!("--url {url} --streamer {streamer} --project {project}");
    Event::Invitation {
        command: format!("{program} mirror {copy} {names}"),
        clone: format!("{program} clone {copy} {names} --user viewer --key {key}"),
        pulls: format!(
            "--dir {} {names} --user {streamer} --key {key}",
            quoted(&dir.to_string_lossy())
        ),
    }
}

/// A word for a shell.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A folder that is being shared.
struct Share {
    identity: Identity,
    voice: Voice,
    folder: Folder,
    keys: Keys,
    backoff: Backoff,
}

impl Share {
    async fn run(&mut self) -> Result<u8, Failure> {
        let mut stop = stop::signals()?;
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
                    voice: &mut self.voice,
                    folder: &mut self.folder,
                    report: &mut report,
                    held: is_paused.clone(),
                    is_connected: &mut is_connected,
                    is_synced: &mut is_synced,
                }.run() => result,
            };
            was_connected |= is_connected;
            if is_synced {
                // Not before: a server may let us in and not take what we have.
                self.backoff.reset();
            }
            let failure = match result {
                Ok(Ended::Stopped) => break,
                Err(failure) => failure,
            };
            if !was_connected || !failure.may_pass(self.identity.can_renew_token()) {
                return Err(failure);
            }
            let wait = self.backoff.next();
            self.voice.tell(&Event::Lost {
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
        self.voice.tell(&Event::Stopped { why: None });
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
