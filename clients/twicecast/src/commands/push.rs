//! `twicecast push`: makes the project on the server equal to a folder, and says what it did.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use indicatif::HumanBytes;
use tokio::sync::watch;
use tokio::task::{block_in_place, spawn_blocking};

use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::credentials::login;
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::protocol::ListedFile;
use crate::publish::plan::Plan;
use crate::publish::scan::Scan;
use crate::publish::upload::{Allows, Posts, Seen, Upload};
use crate::publish::{plan, scan, upload};
use crate::ui::output::{Report, counted, failure_line, say, warn};
use crate::ui::progress::Progress;
use crate::{connection, listing};
use clap::Args;
use std::path::PathBuf;

/// What `--help` says.
pub const HELP: &str = "\
Makes the project on the server equal to DIR: what differs is sent, what is gone is deleted, the \
rest is left alone. \
Needs a token or a key.

Never sent, and named at the end: links and special files, `.git`, `.twicecast` and any folder \
that holds it, \
names that begin with `.twicecast-`, and names that the protocol forbids (control characters, \
`\\`, not UTF-8, over 255 bytes, over 64 folders deep). \
Such names on the server are left alone too.";

/// `twicecast push`.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The folder to upload
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 2;
/// References of deletions and posts begin here.
const FIRST_UPLOAD: u64 = 10;
/// More than this many failures or skips are counted and not named.
const LINES_MAX: usize = 50;

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if nothing or not all could be done because of the connection, the rights or the
/// folder.
pub async fn run(args: &PushArgs) -> Result<u8, Failure> {
    let identity = Identity::resolve(&args.common, Role::Streamer, Some(&args.dir))?;
    let token = identity.token()?.ok_or_else(|| {
        Failure::usage("Pushing needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server; one that was given no key uses `secret`.")
    })?;
    let root = Arc::new(scan::open(&args.dir)?);
    let begun = Instant::now();
    let looked = block_in_place(|| scan::scan(&root));
    let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
    login::authenticate(
        &outgoing,
        &mut incoming,
        &identity,
        Role::Streamer,
        &token,
        AUTHENTICATE,
    )
    .await?;
    let (listed, unread) =
        listing::list(&outgoing, &mut incoming, &identity, LIST, &mut |_| {}).await?;
    let (left_alone, plan, looked) = compare(Arc::clone(&root), looked, listed).await?;

    let mut report = Report::default();
    let unseen = looked.unseen();
    for (name, why) in unread {
        // One that is here too is sent in any case, and fails by itself if it must.
        let concerns_us = FileName::parse(&name).is_ok_and(|name| {
            !looked.files.contains_key(&name) && !plan::is_unseen(&name, &unseen)
        });
        if concerns_us {
            report.failed(
                &name,
                format!("cannot be read by the server ({why}), so it was not deleted there; its operator can help"),
            );
        }
    }
    for (path, why) in &looked.unreadable {
        report.failed(
            if path.is_empty() { "/" } else { path },
            format!("cannot be read here: {why}"),
        );
    }
    let (planned, same) = (plan.post.len(), plan.same);
    let mut upload = Upload::new(outgoing, incoming, &identity);
    let done = carry_out(&mut upload, root, plan, &mut report).await;
    let tally = upload.tally();
    if done.is_ok() {
        upload.finish().await;
    }
    tell_failures(&report);
    tell_skips(&looked);
    let sent = counted(tally.posted, "file");
    if let Err(failure) = done {
        return Err(failure.and(&format!(
            "{sent} of {planned} had been taken by then; push again: only what is missing is sent."
        )));
    }
    let verb = if report.count() == 0 {
        "pushed"
    } else {
        "partly pushed"
    };
    let left_alone = if left_alone == 0 {
        String::new()
    } else {
        format!("; {} there left alone", counted(left_alone, "name"))
    };
    say(&format!(
        "{verb} {} to {}: {sent} sent ({}), {} deleted, {same} unchanged, in {:.1} s{left_alone}",
        shown(&args.dir.to_string_lossy()),
        shown(&identity.full_project()),
        HumanBytes(tally.posted_bytes),
        tally.deleted,
        begun.elapsed().as_secs_f64()
    ));
    Ok(report.exit_code())
}

async fn compare(
    root: Arc<OwnedFd>,
    looked: Scan,
    listed: Vec<ListedFile>,
) -> Result<(usize, Plan, Scan), Failure> {
    // Hashing may take long; the connection is kept alive meanwhile.
    let compared = spawn_blocking(move || {
        let (remote, left_alone) = plan::known(listed);
        let plan = plan::plan(&looked.files, &remote, &looked.unseen(), |name, there| {
            let here = dirfd::open_parent(&root, name)
                .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
            here.ok()
                .and_then(|file| dirfd::fingerprint(file).ok())
                .is_some_and(|(size, sha256)| size == there.size && sha256 == there.sha256)
        });
        (left_alone + plan.spared, plan, looked)
    });
    compared
        .await
        .map_err(|error| Failure::usage(format!("The folder could not be compared: {error}.")))
}

async fn carry_out(
    upload: &mut Upload<'_>,
    root: Arc<OwnedFd>,
    plan: Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    let bytes = plan.post.iter().map(|(_, size)| size).sum();
    let mut progress = Progress::new(plan.delete.len() + plan.post.len(), bytes);
    let posts_begin = FIRST_UPLOAD + plan.delete.len() as u64;
    // Nobody pauses a push.
    let (_hold, mut held) = watch::channel(false);
    let mut see = |seen| match seen {
        Seen::Unreadable { name, why, .. } => {
            report.failed(name.as_str(), format!("cannot be read here: {why}"));
        }
        Seen::Failed { name, why } => {
            report.failed(name.as_str(), why);
        }
        Seen::Changed { name } => {
            let why = "changed while it was being read; push again";
            report.failed(name.as_str(), why);
        }
        Seen::Posted { .. }
        | Seen::Deleted { .. }
        | Seen::Withheld { .. }
        | Seen::Held
        | Seen::Said { .. } => {}
    };
    // All deletions are acknowledged before the first post: a file may come where a folder was, and
    // room is made first.
    let deletions = upload::deletions(plan.delete, BTreeMap::new(), FIRST_UPLOAD);
    let mut done = upload
        .pump(deletions, &mut progress, &mut held, &mut see)
        .await;
    if done.is_ok() {
        let posts = upload::posts(Posts {
            root,
            files: plan.post,
            first_reference: posts_begin,
            refused: upload.refused(),
            bases: BTreeMap::new(),
            executables: BTreeMap::new(),
            allows: Allows::when(|_| true),
        });
        done = upload.pump(posts, &mut progress, &mut held, &mut see).await;
    }
    progress.finish();
    done
}

fn tell_failures(report: &Report) {
    for line in report.lines().take(LINES_MAX) {
        warn(&line);
    }
    if report.count() > LINES_MAX {
        warn(&format!("… and {} more", report.count() - LINES_MAX));
    }
    if report.count() > 0 {
        warn(&format!(
            "{} failed; mend what is said above and push again: only what is missing is sent.",
            counted(report.count(), "file")
        ));
    }
}

fn tell_skips(looked: &Scan) {
    for (path, why) in looked.skipped.iter().take(LINES_MAX) {
        warn(&format!(
            "not sent: {}",
            failure_line(path, &why.to_string())
        ));
    }
    if !looked.skipped.is_empty() {
        let which = if looked.skipped.len() > LINES_MAX {
            ", of which the first are named above"
        } else {
            ""
        };
        warn(&format!(
            "{} not sent because of what they are or how they are called{which}.",
            counted(looked.skipped.len(), "entry").replace("entrys", "entries")
        ));
    }
}
