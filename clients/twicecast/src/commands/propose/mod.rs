//! `twicecast propose`: sends the changes in a clone as a pull request.

mod difference;
mod send;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::commands::proposals::memory::Memory;
use crate::commands::update;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::{CommonArgs, Repeat};
use crate::credentials::login::{self, Login};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::publish::look;
use crate::publish::shared_folder;
use crate::replica::clone_bases::CloneBases;
use crate::replica::folder::CloneFolder;
use crate::replica::proposed::Proposed;
use crate::replica::state::{Changes, State, Step};
use crate::review::wanted::Wanted;
use crate::rules::Rules;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{counted, say, warn};
use crate::ui::question::{self, Preset};
use clap::Args;
use difference::Difference;
use send::Draft;
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;
use twicecast_client::Error;
use twicecast_client::listing::pull_requests;

/// What `--help` says.
pub const HELP: &str = "\
Sends what you have changed in a clone to the streamer, as a pull request: new, changed and \
deleted \
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
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 4;
const OWN: u64 = 5;
/// Higher than every reference that a draft uses.
const TAKE_DOWN: u64 = 1 << 40;

/// The message if there is no token.
const WITHOUT_TOKEN: &str = "\
Proposing needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or \
TWICECAST_KEY) if you run the server.";

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the folder is no clone, nothing differs, or the server refuses the proposal.
pub async fn run(args: &ProposeArgs) -> Result<u8, Failure> {
    let mut clone = CloneFolder::open(&args.dir)?;
    let common = update::common(&args.common, &args.dir, &clone.record.header)?;
    let credentials = Credentials::resolve(&common, Purpose::Propose, Some(&args.dir))?;
    let wanted = Wanted::new(&args.files);
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
    let login = Login::viewer(&credentials);
    let (outgoing, mut incoming) =
        login::connect(&credentials, &login, WITHOUT_TOKEN, AUTHENTICATE).await?;
    let changes = update::changes(&outgoing, &mut incoming, &credentials, &clone, LIST).await?;
    let news = changes
        .files
        .values()
        .filter(|change| change.step.is_news());
    let news = news.count();
    if news > 0 && wants_update(args, news) {
        let line = (&outgoing, &mut incoming);
        let outcome =
            update::bring_up_to_date(line, &credentials, &args.dir, &clone, changes).await?;
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
    let open = own_proposals(&outgoing, &mut incoming, &credentials).await?;
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
    let states = difference.states();
    for (name, state) in &states {
        proposed.add(name.clone(), state.clone());
    }
    let draft = Draft {
        root: Arc::new(shared_folder::open(&args.dir)?),
        rules,
        bases: &clone.record.files,
        difference,
        title: &args.title,
        message: &args.message,
    };
    let Some(line) = send::send(draft, outgoing, incoming, &credentials).await? else {
        return Ok(1);
    };
    say(&format!(
        "proposed to {} as “{}”",
        shown(&credentials.full_project()),
        shown(&args.title)
    ));
    if let Err(error) = remember(&clone, &proposed, &states) {
        warn(&format!("What was proposed cannot be remembered: {error}."));
    }
    take_down(line, &credentials).await;
    Ok(0)
}

/// Remembers the open proposal for `twicecast proposals`, which may be called only after it has
/// ended.
async fn take_down((outgoing, mut incoming): (Outgoing, Incoming), credentials: &Credentials) {
    // The proposal has been sent, whatever happens here.
    if let Ok(mut open) = pull_requests(&outgoing, &mut incoming, TAKE_DOWN, &mut drop).await {
        open.retain(|pull| pull.owner.raw() == credentials.user);
        let mut memory = Memory::of(credentials);
        memory.see(&open);
        memory.keep();
    }
    drop(outgoing);
    incoming.finish().await;
}

/// Remembers what was proposed, with its contents: the streamer may accept it after it has been
/// edited further here.
fn remember(
    clone: &CloneFolder,
    proposed: &Proposed,
    states: &BTreeMap<FileName, Option<State>>,
) -> std::io::Result<()> {
    proposed.write(&clone.work)?;
    let mut bases = CloneBases::open(clone)?;
    for (name, state) in states {
        if let Some(state) = state {
            bases.keep(name, &state.sha256)?;
        }
    }
    Ok(())
}

fn nothing(wanted: &Wanted, why: &str) -> String {
    let of = if wanted.is_all() {
        ""
    } else {
        " of the files that --files names"
    };
    format!("nothing to propose{of}: {why}")
}

/// How the clone differs; `None` if some files could not be read, which is reported.
async fn differs(
    args: &ProposeArgs,
    clone: &CloneFolder,
    wanted: &Wanted,
) -> Result<Option<(Difference, Arc<Rules>)>, Failure> {
    let root = shared_folder::open(&args.dir)?;
    let (looked, rules) =
        look::look_at(&args.dir, &root, &args.allow, &CancellationToken::new()).await?;
    for notice in rules.notices() {
        warn(&notice);
    }
    let difference = block_in_place(|| {
        let mut difference = Difference::of(clone.on_disk(), &looked, wanted);
        difference.hold_back_secrets(&root, &rules);
        difference.refuse_conflicts(clone).map(|()| difference)
    });
    let difference = difference
        .map_err(|error| Failure::usage(format!("The clone cannot be read: {error}.")))?;
    let all_right = send::all_right(&difference.failed);
    Ok(all_right.then_some((difference, rules)))
}

/// Says that the project has moved on, and asks whether to merge that first, if somebody can
/// answer.
fn wants_update(args: &ProposeArgs, news: usize) -> bool {
    let line = CommandLine::new("update").path(&args.dir);
    let update = args.common.repeated(line, Repeat::NotInFolder);
    let files = counted(news, "file");
    let moved = format!("The project has moved on since you got it ({files}).");
    if !question::can_be_asked() {
        warn(&format!(
            "{moved} `{update}` merges that with your changes."
        ));
        return false;
    }
    let question = format!("{moved} Merge that with your changes first?");
    block_in_place(|| question::is_confirmed(&question, Preset::Yes))
}

/// Files that the project has in the same state as the clone are not proposed; the clone's record
/// says from now on that it began with them.
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
        if change.step == Step::Advance {
            bases
                .advance(name, change.theirs.as_ref())
                .map_err(cannot)?;
            if change.ours == change.theirs {
                difference.forget(name);
            }
        }
    }
    clone.read_again()
}

/// The names of all files in the user's own open proposals.
async fn own_proposals(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
) -> Result<BTreeSet<String>, Failure> {
    let pulls = match pull_requests(outgoing, incoming, OWN, &mut drop).await {
        Ok(pulls) => pulls,
        Err(Error::Refused(error)) if error.code == 401 => {
            return Err(credentials.withdrawn(&error.message));
        }
        // This server does not list them; the same change may then be proposed twice.
        Err(Error::Refused(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    // The streamer gets everybody's.
    let own = pulls
        .into_iter()
        .filter(|pull| pull.owner.raw() == credentials.user);
    let names = own.flat_map(|pull| pull.files.into_iter().chain(pull.deleted));
    Ok(names.collect())
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
        let header = Header::new(Kind::Clone, "ws://there:1", "ana", "demo");
        update::common(&args.common, &args.dir, &header)
    }

    #[test]
    fn a_clone_is_proposed_to_no_other_project() {
        let silent = common(&[]).unwrap();
        let names = (silent.streamer.as_deref(), silent.project.as_deref());
        assert_eq!(names, (Some("ana"), Some("demo")));
        assert!(common(&["--streamer", "ana", "--project", "demo"]).is_ok());
        for other in [["--streamer", "eve"], ["--project", "other"]] {
            let failure = common(&other).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains("clone of ana/demo"));
        }
    }
}
