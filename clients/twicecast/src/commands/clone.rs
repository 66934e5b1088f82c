//! `twicecast clone`: a project once, with what is needed to propose changes of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat, renameat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::commands::mirror::{self, Ended, MirrorArgs};
use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::{Identity, Role};
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, WORK_FOLDER, shown};
use crate::replica::record;
use crate::replica::record::Earlier;
use crate::ui::output::{quoted, say, warn};
use clap::Args;
use std::path::PathBuf;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Example:
  twicecast clone ./demo --streamer ana --project demo
  twicecast propose ./demo --title 'A better sort' --message 'Stable, and faster' --user bob --key \
secret";

/// `twicecast clone`.
#[derive(Debug, Args)]
pub struct CloneArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The file in the mirror's own folder that holds the hashes.
const BASES: &str = "bases.json";

/// What a clone was when it was made: whose project, and the SHA-256 of each file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    /// The server that it came from.
    #[serde(default)]
    pub url: String,
    /// Whose project.
    pub streamer: String,
    /// Which project.
    pub project: String,
    /// By the files' names, lower-case hex.
    pub files: BTreeMap<String, String>,
}

/// Runs the command and gives the exit code.
///
/// # Errors
///
/// A sentence, if the folder is refused or the project cannot be had.
pub async fn run(args: &CloneArgs) -> Result<u8, Failure> {
    let dir = args.dir.to_string_lossy();
    if args.dir.join(WORK_FOLDER).symlink_metadata().is_ok() {
        return Err(Failure::usage(format!(
            "{} is a clone or a mirror already, and what was edited in it would be overwritten; \
             clone into another folder.",
            shown(&dir)
        )));
    }
    let mirror = MirrorArgs {
        dir: args.dir.clone(),
        once: true,
        force: false,
        delete: false,
        read_limit: None,
        common: args.common.clone(),
    };
    let (ended, code) = mirror::mirror(&mirror).await?;
    if ended == Ended::Stopped {
        warn("Not all is there, so changes of it cannot be proposed; remove it and clone again.");
        return Ok(1);
    }
    let identity = Identity::resolve(&args.common, Role::Viewer, Some(&args.dir))?;
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("What was cloned cannot be remembered: {error}."))
    };
    let root = dirfd::open_root(&args.dir).map_err(cannot)?;
    remember(&root, &identity).map_err(cannot)?;
    say(&next(args, &dir));
    Ok(code)
}

/// What to do with a clone: the line holds what the clone does not remember.
fn next(args: &CloneArgs, dir: &str) -> String {
    let user = args.common.user.as_ref();
    let user = user.map_or_else(String::new, |user| format!(" --user {}", quoted(user)));
    let line = format!(
        "twicecast propose {} --title 'What it changes'{user}",
        quoted(dir)
    );
    let right = "with --token (or TWICECAST_TOKEN), or --key (or TWICECAST_KEY)";
    format!("edit, then, {right}: {}", shown(&line))
}

/// Takes down what the files are that the mirror wrote.
fn remember(root: &OwnedFd, identity: &Identity) -> std::io::Result<()> {
    let work = dirfd::open_folder(root, WORK_FOLDER)?;
    let Earlier::Same(names) = record::read(&work, &identity.streamer, &identity.project)? else {
        let why = "the mirror's record is not this project's";
        return Err(std::io::Error::other(why));
    };
    let mut files = BTreeMap::new();
    for name in names {
        let opened = dirfd::open_parent(root, &name)
            .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
        match opened {
            Ok(file) => {
                let (_, sha256) = dirfd::fingerprint(file)?;
                files.insert(name.as_str().to_owned(), sha256);
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let bases = Bases {
        url: identity.url.clone(),
        streamer: identity.streamer.clone(),
        project: identity.project.clone(),
        files,
    };
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let temporary = format!("{BASES}.new");
    let opened = openat(&work, &temporary, flags, Mode::from_raw_mode(0o600))?;
    let mut file = std::fs::File::from(opened);
    file.write_all(&serde_json::to_vec(&bases)?)?;
    file.sync_all()?;
    Ok(renameat(&work, &temporary, &work, BASES)?)
}

/// Reads what a clone was.
///
/// # Errors
///
/// A sentence that says how to get one.
pub fn bases(dir: &Path, root: &OwnedFd) -> Result<Bases, Failure> {
    let none = || {
        Failure::usage(format!(
            "{} was not made by `twicecast clone`, so nobody knows what you started from; clone \
             the project and edit that.",
            shown(&dir.to_string_lossy())
        ))
    };
    let work = dirfd::open_folder(root, WORK_FOLDER).map_err(|_| none())?;
    let file = dirfd::open_file(&work, BASES).map_err(|_| none())?;
    let mut bases: Bases =
        serde_json::from_reader(std::io::BufReader::new(file)).map_err(|_| none())?;
    bases.files.retain(|name, _| FileName::parse(name).is_ok());
    Ok(bases)
}
