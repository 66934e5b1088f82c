//! `twicecast why`: which rule decides whether a file is shared.

use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::publish::shared_folder;
use crate::replica::kind;
use crate::rules::skip::Skip;
use crate::rules::{Rules, Verdict};
use crate::ui::output::say;
use clap::Args;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  it is shared
  1  it is not
  2  the command line, or DIR, is not usable

Example:
  twicecast why target/debug";

/// `twicecast why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The file or folder to ask about; it need not exist
    pub path: PathBuf,
    /// The folder that is shared [default: a shared folder or a clone in which PATH lies, or the
    /// one where you are]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// As with `share`
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
}

/// Runs the command and returns the exit code: 0 if the path is shared, 1 if not.
///
/// # Errors
///
/// A sentence, if the folder cannot be shared or the path is not in it.
pub fn run(args: &WhyArgs) -> Result<u8, Failure> {
    let dir = args.dir.clone().unwrap_or_else(|| folder_of(&args.path));
    let root = shared_folder::open(&dir)?;
    let dir = std::fs::canonicalize(&dir).map_err(|error| {
        let dir = shown(&dir.to_string_lossy());
        Failure::usage(format!("The folder {dir} cannot be read: {error}."))
    })?;
    let full = inside(&dir, &args.path)?;
    let look = dirfd::open_below(
        &root,
        full.rsplit_once('/').map_or("", |(folder, _)| folder),
    );
    let leaf = full.rsplit('/').next().unwrap_or_default();
    let found = look
        .and_then(|folder| dirfd::look(folder, leaf))
        .ok()
        .flatten();
    let kind = found.map(|stat| dirfd::kind(&stat));
    let content = dirfd::open_below(&root, "")
        .map_err(|error| Failure::usage(format!("The folder cannot be read: {error}.")))?;
    let rules = Rules::new(&dir, root, &args.allow)?;
    let is_folder = kind == Some(FileType::Directory)
        || args.path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let mut verdict = match kind {
        Some(FileType::Symlink) => Verdict::Never(Skip::Link),
        Some(FileType::RegularFile | FileType::Directory) | None => {
            rules.judge_now(&full, is_folder)
        }
        Some(_) => Verdict::Never(Skip::Special),
    };
    if verdict == Verdict::Shared
        && kind == Some(FileType::RegularFile)
        && let Ok(name) = FileName::parse(&full)
    {
        verdict = rules
            .judge_all_contents(&content, &name, &tokio_util::sync::CancellationToken::new())
            .map_err(|error| Failure::usage(format!("{name} cannot be read: {error}.")))?;
    }
    let missing = if kind.is_none() {
        " (there is nothing of that name now)"
    } else {
        ""
    };
    say(&format!("{}: {verdict}{missing}", shown(&full)));
    for notice in rules.notices() {
        say(&notice);
    }
    Ok(u8::from(verdict != Verdict::Shared))
}

/// The shared folder or clone that contains a path.
fn folder_of(path: &Path) -> PathBuf {
    let parent = std::path::absolute(path).ok();
    let parent = parent.as_deref().and_then(Path::parent);
    let above = parent.map(kind::above).unwrap_or_default();
    let found = above.iter().find_map(|dir| kind::of(dir));
    found.map_or_else(|| PathBuf::from("."), |found| found.path)
}

/// The full name in the shared folder for a path that the user gave.
fn inside(dir: &Path, path: &Path) -> Result<String, Failure> {
    let outside = || {
        let (path, dir) = (path.to_string_lossy(), dir.to_string_lossy());
        Failure::usage(format!(
            "{} does not lie in {}; give the shared folder with --dir.",
            shown(&path),
            shown(&dir)
        ))
    };
    let absolute = std::path::absolute(path).map_err(|_| outside())?;
    // Links on the way to the folder that holds the path are followed; a link at the path itself is
    // not.
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    let parent = plain.parent().and_then(|parent| parent.canonicalize().ok());
    let resolved = match (parent, plain.file_name()) {
        (Some(parent), Some(leaf)) => parent.join(leaf),
        _ => plain.clone(),
    };
    let below = resolved
        .strip_prefix(dir)
        .or_else(|_| plain.strip_prefix(dir));
    let below = match below {
        Ok(below) => below.to_str().ok_or_else(outside)?,
        // A name as `share` prints it, which begins at the shared folder.
        Err(_) if !path.exists() => path
            .to_str()
            .and_then(|path| path.strip_prefix('/'))
            .ok_or_else(outside)?,
        Err(_) => return Err(outside()),
    };
    if below.is_empty() {
        return Err(Failure::usage(
            "That is the shared folder itself; name something in it.",
        ));
    }
    Ok(format!("/{below}"))
}
