//! `twicecast propose`: sends what differs in a clone as a pull request.

mod difference;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use difference::Difference;
use rustix::fd::OwnedFd;
use tokio::sync::watch;
use tokio::task::block_in_place;

use crate::commands::update;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::credentials::login;
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::protocol::{PullRequest, ServerMessage};
use crate::publish::look;
use crate::publish::upload::{Allows, Posts, Seen, Upload};
use crate::publish::{shared_folder, upload};
use crate::replica::clone_bases::CloneBases;
use crate::replica::folder::CloneFolder;
use crate::replica::proposed::Proposed;
use crate::replica::record::Files;
use crate::replica::state::{Changes, Step};
use crate::review::wanted::Wanted;
use crate::rules::Rules;
use crate::ui::output::{counted, failure_line, say, warn};
use crate::ui::progress::Progress;
use crate::{connection, protocol};

/// What `--help` says.
pub const HELP: &str = "\
Sends what you have changed in a clone to the streamer, as a pull request: new, changed and deleted \
files, and changed executable bits. Needs a token or a key.

By the rules of `share`, what is ignored or looks like a secret is not sent. What the project has \
already, and what waits for the streamer in an earlier proposal of yours, is not sent again. Where \
the project has moved on, `twicecast update` merges that first; in a terminal you are asked.";

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done, or there is nothing to propose
  1  some files failed, or there are conflicts to solve first; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Examples:
  twicecast propose ./demo --title 'A better sort' --message 'Stable, and faster'
  twicecast propose ./demo --title 'Only the tests' --files 'tests/*'";

/// `twicecast propose`.
#[derive(Debug, Args)]
pub struct ProposeArgs {
    /// The clone
    pub dir: PathBuf,
    /// What the change is, in a line
    #[arg(long)]
    pub title: String,
    /// What there is to say about it
    #[arg(long, default_value = "")]
    pub message: String,
    /// Propose only these files: patterns as in a .gitignore, relative to DIR
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub files: Vec<String>,
    /// Only say what differs
    #[arg(long)]
    pub dry_run: bool,
    /// Propose this although it looks like a secret, as with `share`
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Whether the server's address was given; else it is the clone's
    #[arg(skip)]
    pub has_url: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

const AUTHENTICATE: u64 = 1;
const CREATION: u64 = 2;
const FINISH: u64 = 3;
const LIST: u64 = 4;
const OWN: u64 = 5;
const FIRST_UPLOAD: u64 = 10;

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder is no clone, nothing differs, or the server does not take it.
pub async fn run(args: &ProposeArgs) -> Result<u8, Failure> {
    let mut clone = CloneFolder::open(&args.dir)?;
    let common = update::common(&args.common, args.has_url, &args.dir, &clone.record.header)?;
    let identity = Identity::resolve(&common, Role::Viewer, Some(&args.dir))?;
    let wanted = Wanted::new(&args.files)?;
    let Some((mut difference, mut rules)) = differs(args, &clone, &wanted).await? else {
        return Ok(1);
    };
    if difference.is_empty() {
        say(&nothing(
            &wanted,
            "nothing differs from the project as you got it",
        ));
        return Ok(0);
    }
    if args.dry_run {
        difference.tell(&clone.record.files);
        return Ok(0);
    }
    let token = identity.token()?.ok_or_else(|| {
        Failure::usage("Proposing needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server.")
    })?;
    let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
    let role = Role::Viewer;
    login::authenticate(
        &outgoing,
        &mut incoming,
        &identity,
        role,
        &token,
        AUTHENTICATE,
    )
    .await?;
    let changes = update::changes(&outgoing, &mut incoming, &identity, &clone, LIST).await?;
    let news = changes
        .files
        .values()
        .filter(|change| change.step.is_news());
    let news = news.count();
    if news > 0 && wants_update(args, news) {
        let line = (&outgoing, &mut incoming);
        let outcome = update::bring_up_to_date(line, &identity, &args.dir, &clone, changes).await?;
        if outcome.has_conflicts || outcome.has_failed {
            warn("Nothing was proposed; solve what is named above, then propose again.");
            return Ok(1);
        }
        clone.read_again()?;
        let Some(again) = differs(args, &clone, &wanted).await? else {
            return Ok(1);
        };
        (difference, rules) = again;
    } else {
        settle(&mut clone, &changes, &mut difference)?;
    }
    let open = own_proposals(&outgoing, &mut incoming, &identity).await?;
    let mut proposed = Proposed::read(&clone.work);
    for name in difference.forget_pending(&proposed, &open) {
        say(&format!(
            "{name}: proposed already, and waits for the streamer"
        ));
    }
    if difference.is_empty() {
        say(&nothing(
            &wanted,
            "the project has all of it, or it waits for the streamer",
        ));
        return Ok(0);
    }
    difference.tell(&clone.record.files);
    proposed.0.retain(|name, _| open.contains(name.as_str()));
    proposed.0.extend(difference.states());
    let creation = protocol::pull_request_creation(CREATION, &args.title, &args.message);
    outgoing.send(creation).await;
    accepted(&mut incoming, &identity, CREATION).await?;
    let upload = Upload::new(outgoing, incoming, &identity);
    let root = Arc::new(shared_folder::open(&args.dir)?);
    let bases = &clone.record.files;
    if !send(upload, root, rules, bases, difference, &identity).await? {
        return Ok(1);
    }
    say(&format!(
        "proposed to {} as “{}”",
        shown(&identity.full_project()),
        shown(&args.title)
    ));
    if let Err(error) = proposed.write(&clone.work) {
        warn(&format!("What was proposed cannot be remembered: {error}."));
    }
    Ok(0)
}

fn nothing(wanted: &Wanted, why: &str) -> String {
    let of = if wanted.is_all() {
        ""
    } else {
        " of the files that --files names"
    };
    format!("nothing to propose{of}: {why}")
}

/// What differs in the clone; `None` if not all of it could be read, which is said.
async fn differs(
    args: &ProposeArgs,
    clone: &CloneFolder,
    wanted: &Wanted,
) -> Result<Option<(Difference, Arc<Rules>)>, Failure> {
    let root = shared_folder::open(&args.dir)?;
    let (looked, rules) = look::look_at(&args.dir, &root, &args.allow).await?;
    let difference = block_in_place(|| Difference::of(&root, &looked, &clone.record.files, wanted));
    let all_right = all_right(&difference.failed);
    Ok(all_right.then_some((difference, rules)))
}

/// Says that the project has moved on, and asks whether to merge that first, where somebody can
/// answer.
fn wants_update(args: &ProposeArgs, news: usize) -> bool {
    let dir = shown(&args.dir.to_string_lossy());
    let files = counted(news, "file");
    let moved = format!("The project has moved on since you got it ({files}).");
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        warn(&format!(
            "{moved} `twicecast update {dir}` merges that with your changes."
        ));
        return false;
    }
    say(&format!(
        "{moved} Merge that with your changes first? [Y/n]"
    ));
    let mut answer = String::new();
    let read = block_in_place(|| std::io::stdin().read_line(&mut answer));
    read.is_ok_and(|bytes| bytes > 0) && !answer.trim().to_lowercase().starts_with('n')
}

/// What the project has as it is here began so from now on, and is not proposed.
fn settle(
    clone: &mut CloneFolder,
    changes: &Changes,
    difference: &mut Difference,
) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("The clone's record cannot be written: {error}."))
    };
    let mut bases = CloneBases::open(clone).map_err(cannot)?;
    for (name, change) in &changes.files {
        if change.step == Step::Advance && change.ours == change.theirs {
            bases
                .advance(name, change.theirs.as_ref())
                .map_err(cannot)?;
            difference.forget(name);
        }
    }
    clone.read_again()
}

/// The names of all files in one's own proposals that wait for the streamer.
async fn own_proposals(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    identity: &Identity,
) -> Result<BTreeSet<String>, Failure> {
    outgoing.send(protocol::pull_requests(OWN)).await;
    let mut names = BTreeSet::new();
    loop {
        match incoming.next().await? {
            (Some(OWN), ServerMessage::Reply(reply)) => {
                let pulls: Vec<PullRequest> =
                    serde_json::from_value(reply.data).unwrap_or_default();
                // The streamer sees everybody's.
                let own = pulls.into_iter().filter(|pull| pull.owner == identity.user);
                names.extend(own.flat_map(|pull| pull.files.into_iter().chain(pull.deleted)));
                if reply.last != Some(false) {
                    return Ok(names);
                }
            }
            (Some(OWN), ServerMessage::Error(error)) if error.code == 401 => {
                return Err(identity.withdrawn(&error.message));
            }
            // A server that does not tell: then what waits may be proposed once more.
            (Some(OWN), _) => return Ok(names),
            _ => {}
        }
    }
}

/// Whether nothing failed; else names it.
fn all_right(failures: &BTreeMap<FileName, String>) -> bool {
    for (name, why) in failures {
        warn(&failure_line(name.as_str(), why));
    }
    if !failures.is_empty() {
        let files = counted(failures.len(), "file");
        warn(&format!(
            "{files} could not be sent, so nothing was proposed."
        ));
    }
    failures.is_empty()
}

/// Sends it, and returns whether it is proposed; else what failed has been named.
async fn send(
    mut upload: Upload<'_>,
    root: Arc<OwnedFd>,
    rules: Arc<Rules>,
    bases: &Files,
    difference: Difference,
    identity: &Identity,
) -> Result<bool, Failure> {
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
    let bytes = difference
        .changed
        .values()
        .map(|changed| changed.size)
        .sum();
    let count = difference.changed.len() + difference.deleted.len();
    let mut progress = Progress::new(count, bytes);
    let (_hold, mut held) = watch::channel(false);
    let posts_begin = FIRST_UPLOAD + difference.deleted.len() as u64;
    let (hashes, executables) = (difference.bases(bases), difference.executables(bases));
    let deleted = difference.deleted.into_iter().collect();
    let deletions = upload::deletions(deleted, hashes.clone(), FIRST_UPLOAD);
    let files = difference.changed.into_iter();
    let posts = upload::posts(Posts {
        root,
        files: files.map(|(name, changed)| (name, changed.size)).collect(),
        first_reference: posts_begin,
        refused: upload.refused(),
        bases: hashes,
        executables,
        allows: Allows::when(move |name| rules.allow(name)),
    });
    for source in [deletions, posts] {
        upload
            .pump(source, &mut progress, &mut held, &mut see)
            .await?;
    }
    progress.finish();
    if !all_right(&failures) {
        // The draft ends with the connection.
        return Ok(false);
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
    Ok(true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::record::{Header, Kind};

    fn common(more: &[&str]) -> Result<CommonArgs, Failure> {
        use clap::{Args as _, FromArgMatches as _};
        let command = ProposeArgs::augment_args(clap::Command::new("propose"));
        let words = [&["propose", "d", "--title", "t"], more].concat();
        let args = ProposeArgs::from_arg_matches(&command.get_matches_from(words)).unwrap();
        let has_url = more.contains(&"--url");
        let header = Header::new(Kind::Clone, "ws://there:1", "ana", "demo");
        update::common(&args.common, has_url, &args.dir, &header)
    }

    #[test]
    fn the_clone_says_what_the_flags_do_not() {
        let silent = common(&[]).unwrap();
        let names = (silent.streamer.as_deref(), silent.project.as_deref());
        assert_eq!(names, (Some("ana"), Some("demo")));
        assert_eq!(silent.url, "ws://there:1");
        assert_eq!(
            common(&["--url", "ws://here:2"]).unwrap().url,
            "ws://here:2"
        );
    }

    #[test]
    fn a_clone_is_proposed_to_no_other_project() {
        assert!(common(&["--streamer", "ana", "--project", "demo"]).is_ok());
        for other in [["--streamer", "eve"], ["--project", "other"]] {
            let failure = common(&other).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains("clone of ana/demo"));
        }
    }
}
