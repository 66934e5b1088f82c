//! `twicecast propose`: sends what differs in a clone as a pull request.

use std::collections::BTreeMap;
use std::sync::Arc;

use indicatif::HumanBytes;
use rustix::fd::OwnedFd;
use rustix::fs::FileType;
use tokio::sync::watch;

use crate::commands::clone;
use crate::commands::clone::Bases;
use crate::connection::Incoming;
use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::credentials::login;
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::protocol::ServerMessage;
use crate::publish::look::{self, Found};
use crate::publish::upload::{Allows, Posts, Seen, Upload};
use crate::publish::{scan, upload};
use crate::rules::Rules;
use crate::ui::output::{counted, failure_line, say, warn};
use crate::ui::progress::Progress;
use crate::{connection, protocol};
use clap::Args;
use std::path::PathBuf;

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
const FIRST_UPLOAD: u64 = 10;

/// What differs in a clone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    changed: Vec<(FileName, u64)>,
    deleted: Vec<FileName>,
    /// What could not be read, and why.
    failed: BTreeMap<FileName, String>,
}

/// What lies where a file of the clone was that is not to be proposed.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Nothing, or a folder, or a file where its folder was: it is gone.
    Gone,
    /// A file.
    File,
    /// Something else, or nobody knows what.
    Unclear(String),
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder is no clone, nothing differs, or the server does not take it.
pub async fn run(args: &ProposeArgs) -> Result<u8, Failure> {
    let root = Arc::new(scan::open(&args.dir)?);
    let bases = clone::bases(&args.dir, &root)?;
    let identity = Identity::resolve(&common(args, &bases)?, Role::Viewer, Some(&args.dir))?;
    let (looked, rules) = look::look_at(&args.dir, &root, &args.allow).await?;
    let difference = difference(&root, &looked, &bases);
    if !all_right(&difference.failed) {
        return Ok(1);
    }
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
    if !send(upload, root, rules, &bases, difference, &identity).await? {
        return Ok(1);
    }
    say(&format!(
        "proposed to {} as “{}”",
        shown(&identity.full_project()),
        shown(&args.title)
    ));
    Ok(0)
}

/// The flags, with what the clone knows where they are silent. It can be proposed only to the
/// project that it is of.
fn common(args: &ProposeArgs, bases: &Bases) -> Result<CommonArgs, Failure> {
    let mut common = args.common.clone();
    let streamer = common
        .streamer
        .get_or_insert_with(|| bases.streamer.clone());
    let project = common.project.get_or_insert_with(|| bases.project.clone());
    if (&*streamer, &*project) != (&bases.streamer, &bases.project) {
        return Err(Failure::usage(format!(
            "{} is a clone of {}/{} and can be proposed to no other project; leave --streamer and \
             --project away.",
            shown(&args.dir.to_string_lossy()),
            shown(&bases.streamer),
            shown(&bases.project)
        )));
    }
    if !args.has_url && !bases.url.is_empty() {
        common.url.clone_from(&bases.url);
    }
    Ok(common)
}

fn difference(root: &OwnedFd, looked: &Found, bases: &Bases) -> Difference {
    let mut difference = Difference::default();
    for (name, stamp) in &looked.files {
        let opened = dirfd::open_parent(root, name)
            .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf))
            .map_err(std::io::Error::from)
            .and_then(dirfd::fingerprint);
        match opened {
            Ok((_, sha256)) if bases.files.get(name.as_str()) == Some(&sha256) => {}
            Ok(_) => difference.changed.push((name.clone(), stamp.size)),
            Err(error) => {
                let why = format!("cannot be read: {error}");
                difference.failed.insert(name.clone(), why);
            }
        }
    }
    let names = bases.files.keys();
    let names = names.filter_map(|name| FileName::parse(name).ok());
    for name in names.filter(|name| !looked.files.contains_key(name)) {
        match look(root, &name) {
            Place::Gone => difference.deleted.push(name),
            Place::File => warn(&format!(
                "{name}: not proposed: a rule leaves it out (twicecast why)"
            )),
            Place::Unclear(why) => warn(&format!("{name}: not proposed: {why}")),
        }
    }
    difference
}

/// Looks at the place of a file that is not among those to propose.
fn look(root: &OwnedFd, name: &FileName) -> Place {
    let unclear =
        |error: rustix::io::Errno| Place::Unclear(std::io::Error::from(error).to_string());
    let mut folder = match dirfd::open_below(root, "") {
        Ok(folder) => folder,
        Err(error) => return unclear(error),
    };
    for full in name.folders() {
        let segment = full.rsplit('/').next().unwrap_or_default();
        match dirfd::look(&folder, segment).map(|stat| stat.as_ref().map(dirfd::kind)) {
            Ok(Some(FileType::Directory)) => {}
            Ok(None | Some(FileType::RegularFile)) => return Place::Gone,
            Ok(Some(_)) => return Place::Unclear("something is in its folder's place".to_owned()),
            Err(error) => return unclear(error),
        }
        folder = match dirfd::open_folder(&folder, segment) {
            Ok(inner) => inner,
            Err(error) => return unclear(error),
        };
    }
    match dirfd::look(&folder, name.split().1).map(|stat| stat.as_ref().map(dirfd::kind)) {
        Ok(None | Some(FileType::Directory)) => Place::Gone,
        Ok(Some(FileType::RegularFile)) => Place::File,
        Ok(Some(_)) => Place::Unclear("something that is no file is in its place".to_owned()),
        Err(error) => unclear(error),
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

/// Sends it, and returns whether it is proposed; else what failed has been named.
async fn send(
    mut upload: Upload<'_>,
    root: Arc<OwnedFd>,
    rules: Arc<Rules>,
    bases: &Bases,
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
    use std::fs;
    use std::os::unix::fs::symlink;

    fn bases() -> Bases {
        Bases {
            url: "ws://there:1".into(),
            streamer: "ana".into(),
            project: "demo".into(),
            files: BTreeMap::new(),
        }
    }

    fn args(more: &[&str]) -> ProposeArgs {
        use clap::{Args as _, FromArgMatches as _};
        let command = ProposeArgs::augment_args(clap::Command::new("propose"));
        let words = [&["propose", "d", "--title", "t"], more].concat();
        let mut args = ProposeArgs::from_arg_matches(&command.get_matches_from(words)).unwrap();
        args.has_url = more.contains(&"--url");
        args
    }

    #[test]
    fn the_clone_says_what_the_flags_do_not() {
        let common = common(&args(&[]), &bases()).unwrap();
        let names = (common.streamer.as_deref(), common.project.as_deref());
        assert_eq!(names, (Some("ana"), Some("demo")));
        assert_eq!(common.url, "ws://there:1");
        let given = super::common(&args(&["--url", "ws://here:2"]), &bases()).unwrap();
        assert_eq!(given.url, "ws://here:2");
    }

    #[test]
    fn a_clone_is_proposed_to_no_other_project() {
        assert!(common(&args(&["--streamer", "ana", "--project", "demo"]), &bases()).is_ok());
        for other in [["--streamer", "eve"], ["--project", "other"]] {
            let failure = common(&args(&other), &bases()).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains("clone of ana/demo"));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named_and_nothing_is_proposed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let root = dirfd::open_root(dir.path()).unwrap();
        let (looked, _) = look::look_at(dir.path(), &root, &[]).await.unwrap();
        fs::remove_file(dir.path().join("a")).unwrap();
        let difference = difference(&root, &looked, &bases());
        let failed: Vec<_> = difference.failed.keys().map(FileName::as_str).collect();
        assert_eq!(failed, ["/a"]);
        assert!(!all_right(&difference.failed) && all_right(&BTreeMap::new()));
    }

    #[test]
    fn only_what_is_certainly_gone_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("folder")).unwrap();
        fs::write(at("file"), "").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("folder", at("folderlink")).unwrap();
        let root = dirfd::open_root(dir.path()).unwrap();
        let look = |name: &str| look(&root, &FileName::parse(name).unwrap());
        for gone in [
            "/gone",
            "/gone/below",
            "/folder",
            "/folder/gone",
            "/file/below",
        ] {
            assert_eq!(look(gone), Place::Gone, "{gone}");
        }
        assert_eq!(look("/file"), Place::File);
        for unclear in ["/link", "/folderlink/gone", "/link/below"] {
            assert!(matches!(look(unclear), Place::Unclear(_)), "{unclear}");
        }
    }
}
