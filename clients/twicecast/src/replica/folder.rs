//! Whether a folder may become, or go on being, a mirror; and opening it as one.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, openat};
use rustix::io::Errno;

use crate::credentials::identity::Identity;
use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{NameFault, SERVER_FOLDER, WORK_FOLDER, check_segment, shown};
use crate::replica::record;
use crate::replica::record::{Earlier, Manifest};
use crate::replica::staging::Staging;
use crate::replica::tree::Tree;

const LOCK: &str = "lock";

/// A folder that is ours to write into for as long as this lives.
#[derive(Debug)]
pub struct MirrorFolder {
    /// What is in it.
    pub tree: Tree,
    /// Its lock keeps a second mirror out.
    _lock: OwnedFd,
}

/// What the user allows, as `twicecast mirror --help` says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permissions {
    /// `--force`.
    pub force: bool,
    /// `--delete`.
    pub delete: bool,
}

impl MirrorFolder {
    /// Opens a folder, making it if missing.
    ///
    /// # Errors
    ///
    /// A sentence that says why it is refused; nothing in it but its lock is changed then.
    pub fn open(dir: &Path, identity: &Identity, allowed: Permissions) -> Result<Self, Failure> {
        let shown_dir = shown(&dir.to_string_lossy());
        let unusable = |error: io::Error| {
            Failure::usage(format!("The folder {shown_dir} cannot be used: {error}."))
        };
        let absolute = std::path::absolute(dir).map_err(unusable)?;
        refuse_hidden(&absolute, &shown_dir)?;
        // Where it leads through links is checked before anything is made there, and again after.
        let target = resolved(&absolute).map_err(unusable)?;
        refuse_hidden(&target, &shown_dir)?;
        std::fs::create_dir_all(&target).map_err(unusable)?;
        refuse_hidden(
            &std::fs::canonicalize(&target).map_err(unusable)?,
            &shown_dir,
        )?;
        let root = dirfd::open_root(&target).map_err(unusable)?;
        let entries = dirfd::entries(&root).map_err(unusable)?;
        if entries
            .iter()
            .any(|entry| entry.to_string_lossy().eq_ignore_ascii_case(SERVER_FOLDER))
        {
            return Err(Failure::usage(format!(
                "{shown_dir} is the base folder of a file-ws-server (it holds `.twicecast`); \
                 mirror into another folder."
            )));
        }
        let is_empty = entries.iter().all(|entry| entry == WORK_FOLDER);
        let work = match dirfd::open_folder(&root, WORK_FOLDER) {
            Ok(work) => Some(work),
            Err(Errno::NOENT) => None,
            Err(error) => {
                return Err(Failure::usage(format!(
                    "{shown_dir}/{WORK_FOLDER} cannot be used ({}); remove it.",
                    io::Error::from(error)
                )));
            }
        };
        let system = |error: Errno| unusable(error.into());
        let not_empty = || {
            Failure::usage(format!(
                "{shown_dir} is not empty and no mirror of {}. Choose an empty or new folder, or \
                 use --force to overwrite what the project has too.",
                identity.full_project()
            ))
        };
        let work = match work {
            Some(work) => work,
            None if is_empty || allowed.force => {
                match mkdirat(&root, WORK_FOLDER, Mode::from_raw_mode(0o700)) {
                    // Another mirror may begin here at the same time; the lock decides.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(system(error)),
                }
                dirfd::open_folder(&root, WORK_FOLDER).map_err(system)?
            }
            None => return Err(not_empty()),
        };
        // Before the record is read: while another mirror is at work it grows.
        let lock = lock(&work).map_err(|error| match error {
            Errno::WOULDBLOCK => Failure::usage(format!("Another `twicecast mirror` is at work in {shown_dir}; stop it first, or choose another folder.")),
            error => system(error),
        })?;
        let earlier =
            record::read(&work, &identity.streamer, &identity.project).map_err(unusable)?;
        let files = match earlier {
            Earlier::Same(files) => files,
            Earlier::Nothing if is_empty => BTreeSet::new(),
            _ if allowed.force => BTreeSet::new(),
            Earlier::Nothing => return Err(not_empty()),
            Earlier::Other(project) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} is a mirror of {}, not of {}. Choose another folder, or use \
                     --force.",
                    shown(&project),
                    identity.full_project()
                )));
            }
            Earlier::Unreadable => {
                return Err(Failure::usage(format!(
                    "The record in {shown_dir}/{WORK_FOLDER} cannot be read. Choose another \
                     folder, or use --force to begin anew."
                )));
            }
        };
        let manifest = Manifest::begin(&work, &identity.streamer, &identity.project, files)
            .map_err(unusable)?;
        let staging = Staging::new(work).map_err(unusable)?;
        Ok(Self {
            tree: Tree::new(root, staging, manifest, allowed.force, allowed.delete),
            _lock: lock,
        })
    }
}

fn lock(work: &OwnedFd) -> Result<OwnedFd, Errno> {
    let lock = openat(
        work,
        LOCK,
        OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::from_raw_mode(0o600),
    )?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

/// The path with the links of all that exists of it resolved. What is missing of it must lead
/// straight down.
fn resolved(absolute: &Path) -> io::Result<PathBuf> {
    for existing in absolute.ancestors() {
        let real = match std::fs::canonicalize(existing) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let missing = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
        return if missing
            .components()
            .any(|part| part == Component::ParentDir)
        {
            Err(io::ErrorKind::NotFound.into())
        } else if missing.as_os_str().is_empty() {
            Ok(real)
        } else {
            Ok(real.join(missing))
        };
    }
    Err(io::ErrorKind::NotFound.into())
}

fn refuse_hidden(path: &Path, shown_dir: &str) -> Result<(), Failure> {
    for segment in path {
        let fault = check_segment(&segment.to_string_lossy());
        if let Err(fault @ (NameFault::Git | NameFault::ServerFolder | NameFault::WorkFolder)) =
            fault
        {
            return Err(Failure::usage(format!(
                "{shown_dir} cannot be mirrored into: {fault}. Choose another folder."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::credentials::flags::CommonArgs;
    use crate::credentials::identity::Role;

    fn identity(project: &str) -> Identity {
        let common = CommonArgs {
            url: "ws://127.0.0.1:1".into(),
            streamer: Some("ana".into()),
            project: Some(project.into()),
            ..CommonArgs::default()
        };
        Identity::resolve(&common, Role::Viewer, None).unwrap()
    }

    fn open(dir: &Path) -> Result<MirrorFolder, Failure> {
        MirrorFolder::open(dir, &identity("demo"), Permissions::default())
    }

    #[test]
    fn nothing_is_made_in_git_whichever_way_a_path_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let git = dir.path().join("repo/.git");
        fs::create_dir_all(&git).unwrap();
        symlink(&git, dir.path().join("link")).unwrap();
        symlink(git.join("dangling"), dir.path().join("dangling")).unwrap();
        for path in [
            "repo/.git",
            "repo/.git/new",
            "repo/.git/new/deep",
            "link",
            "link/new",
            "link/new/deep",
            "missing/../link/new",
            "dangling",
            "dangling/new",
        ] {
            let failure = open(&dir.path().join(path)).unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{path}");
            assert_eq!(fs::read_dir(&git).unwrap().count(), 0, "{path}");
        }
        assert!(!dir.path().join("missing").exists());
    }

    #[test]
    fn the_record_is_not_read_while_another_mirror_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = open(dir.path()).unwrap();
        // What the record says is for later: of any project, and readable or not.
        let second = |project| {
            MirrorFolder::open(dir.path(), &identity(project), Permissions::default())
                .unwrap_err()
                .to_string()
        };
        assert!(second("other").contains("Another `twicecast mirror`"));
        let log = dir.path().join(WORK_FOLDER).join("manifest.jsonl");
        let record = fs::read(&log).unwrap();
        fs::write(&log, "half a rec").unwrap();
        assert!(second("demo").contains("Another `twicecast mirror`"));
        fs::write(&log, record).unwrap();
        let name = crate::names::FileName::parse("/late").unwrap();
        let staged = first.tree.stage().unwrap();
        first.tree.put(staged, &name).unwrap();
        drop(first);
        let third = open(dir.path()).unwrap();
        assert_eq!(third.tree.ours().collect::<Vec<_>>(), [&name]);
        drop(third);
        assert!(second("other").contains("mirror of ana/demo"));
    }

    #[test]
    fn a_folder_that_is_refused_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "").unwrap();
        assert!(
            open(dir.path())
                .unwrap_err()
                .to_string()
                .contains("--force")
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_missing_is_made_through_links_too() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
        open(&dir.path().join("link/a/b")).unwrap();
        assert!(dir.path().join("real/a/b").is_dir());
    }
}
