//! `twicecast propose`: sends what differs in a clone as a pull request.

use std::collections::BTreeMap;
use std::sync::Arc;

use indicatif::HumanBytes;
use tokio::sync::watch;

use crate::cli::ProposeArgs;
use crate::clone::{self, Bases};
use crate::connection::{self, Incoming};
use crate::failure::Failure;
use crate::identity::{Identity, Role};
use crate::names::{FileName, shown};
use crate::progress::Progress;
use crate::protocol::{self, ServerMessage};
use crate::report::{counted, failure_line, say, warn};
use crate::share::{self, Looked};
use crate::upload::{self, Allows, Posts, Seen, Upload};
use crate::{login, place, scan};

const AUTHENTICATE: u64 = 1;
const CREATION: u64 = 2;
const FINISH: u64 = 3;
const FIRST_UPLOAD: u64 = 10;

/// What differs in a clone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    changed: Vec<(FileName, u64)>,
    deleted: Vec<FileName>,
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder is no clone, nothing differs, or the server does not take it.
pub async fn run(args: &ProposeArgs) -> Result<u8, Failure> {
    let root = Arc::new(scan::open(&args.dir)?);
    let bases = clone::bases(&args.dir, &root)?;
    let mut common = args.common.clone();
    common
        .streamer
        .get_or_insert_with(|| bases.streamer.clone());
    common.project.get_or_insert_with(|| bases.project.clone());
    let identity = Identity::resolve(&common, Role::Viewer, Some(&args.dir))?;
    let (looked, rules) = share::look_at(&args.dir, &root, &args.allow).await?;
    let difference = difference(&root, &looked, &bases)?;
    if difference == Difference::default() {
        say("nothing differs from what was cloned");
        return Ok(0);
    }
    tell(&difference, &bases);
    if args.dry_run {
        return Ok(0);
    }
    let token = identity.token()?.ok_or_else(|| {
        Failure::usage("Proposing needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server.")
    })?;
    let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
    login::authenticate(
        &outgoing,
        &mut incoming,
        &identity,
        Role::Viewer,
        &token,
        AUTHENTICATE,
    )
    .await?;
    let creation = protocol::pull_request_creation(CREATION, &args.title, &args.message);
    outgoing.send(creation).await;
    accepted(&mut incoming, &identity, CREATION).await?;
    let upload = Upload::new(outgoing, incoming, &identity);
    send(upload, root, rules, &bases, difference, &identity).await?;
    say(&format!(
        "proposed to {} as “{}”",
        shown(&identity.full_project()),
        shown(&args.title)
    ));
    Ok(0)
}

fn difference(
    root: &std::os::fd::OwnedFd,
    looked: &Looked,
    bases: &Bases,
) -> Result<Difference, Failure> {
    let mut difference = Difference::default();
    for (name, stamp) in &looked.files {
        let base = bases.files.get(name.as_str());
        let opened = place::open_parent(root, name)
            .and_then(|(folder, leaf)| place::open_file(&folder, leaf))
            .map_err(std::io::Error::from)
            .and_then(place::fingerprint);
        let (_, sha256) = opened.map_err(|error| {
            Failure::usage(format!(
                "{}.",
                failure_line(name.as_str(), &format!("cannot be read: {error}"))
            ))
        })?;
        if base != Some(&sha256) {
            difference.changed.push((name.clone(), stamp.size));
        }
    }
    for name in bases.files.keys() {
        let Ok(name) = FileName::parse(name) else {
            continue;
        };
        if looked.files.contains_key(&name) {
            continue;
        }
        if place::open_parent(root, &name)
            .is_ok_and(|(folder, leaf)| matches!(place::look(&folder, leaf), Ok(Some(_))))
        {
            warn(&format!(
                "{name}: not proposed: a rule leaves it out (twicecast why)"
            ));
        } else {
            difference.deleted.push(name);
        }
    }
    Ok(difference)
}

fn tell(difference: &Difference, bases: &Bases) {
    for (name, bytes) in &difference.changed {
        let what = if bases.files.contains_key(name.as_str()) {
            "changed"
        } else {
            "new"
        };
        say(&format!("{what}  {name}  {}", HumanBytes(*bytes)));
    }
    for name in &difference.deleted {
        say(&format!("deleted  {name}"));
    }
}

async fn send(
    mut upload: Upload<'_>,
    root: Arc<std::os::fd::OwnedFd>,
    rules: Arc<share::Rules>,
    bases: &Bases,
    difference: Difference,
    identity: &Identity,
) -> Result<(), Failure> {
    let mut failures = BTreeMap::new();
    let mut see = |seen| match seen {
        Seen::Unreadable { name, why, .. } | Seen::Failed { name, why } => {
            failures.insert(name, why);
        }
        Seen::Changed { name } => {
            failures.insert(name, "changed while it was being read".to_owned());
        }
        Seen::Withheld { name } => {
            failures.insert(name, "is left out by a rule meanwhile".to_owned());
        }
        Seen::Posted { .. } | Seen::Deleted { .. } | Seen::Held | Seen::Said { .. } => {}
    };
    let bytes = difference.changed.iter().map(|(_, size)| size).sum();
    let count = difference.changed.len() + difference.deleted.len();
    let mut progress = Progress::new(count, bytes);
    let (_hold, mut held) = watch::channel(false);
    let posts_begin = FIRST_UPLOAD + difference.deleted.len() as u64;
    let deletions = upload::deletions(difference.deleted, FIRST_UPLOAD);
    let posts = upload::posts(Posts {
        root,
        files: difference.changed,
        first_reference: posts_begin,
        refused: upload.refused(),
        bases: bases.files.clone(),
        allows: Allows::when(move |name| rules.allow(name)),
    });
    for source in [deletions, posts] {
        upload
            .pump(source, &mut progress, &mut held, &mut see)
            .await?;
    }
    progress.finish();
    for (name, why) in &failures {
        warn(&failure_line(name.as_str(), why));
    }
    if !failures.is_empty() {
        // The draft ends with the connection.
        return Err(Failure::denied(format!(
            "{} could not be sent, so nothing was proposed.",
            counted(failures.len(), "file")
        )));
    }
    upload.send(protocol::pull_request_finish(FINISH)).await;
    loop {
        match upload.next().await? {
            (Some(FINISH), ServerMessage::Error(error)) => {
                return Err(Failure::denied(format!(
                    "The server does not take the pull request ({}: {}).",
                    error.code,
                    shown(&error.message)
                )));
            }
            (Some(FINISH), _) => break,
            (_, ServerMessage::Error(error)) if error.code == 401 => {
                return Err(identity.withdrawn(&error.message));
            }
            _ => {}
        }
    }
    upload.finish().await;
    Ok(())
}

async fn accepted(incoming: &mut Incoming, identity: &Identity, asked: u64) -> Result<(), Failure> {
    loop {
        match incoming.next().await? {
            (Some(reference), ServerMessage::Error(error)) if reference == asked => {
                return Err(match error.code {
                    401 => identity.refused(&error.message),
                    code => Failure::denied(format!(
                        "The server does not take a pull request ({code}: {}).",
                        shown(&error.message)
                    )),
                });
            }
            (Some(reference), _) if reference == asked => return Ok(()),
            _ => {}
        }
    }
}
