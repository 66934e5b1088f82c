//! Whether a folder may become, or go on being, a mirror; and opening it as one.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, openat};
use rustix::io::Errno;

use crate::failure::Failure;
use crate::identity::Identity;
use crate::manifest::{self, Earlier, Manifest};
use crate::names::{NameFault, SERVER_FOLDER, WORK_FOLDER, check_segment, shown};
use crate::place;
use crate::staging::Staging;
use crate::tree::Tree;

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
    /// A sentence that says why it is refused; nothing in it is changed then.
    pub fn open(dir: &Path, identity: &Identity, allowed: Permissions) -> Result<Self, Failure> {
        let shown_dir = shown(&dir.to_string_lossy());
        let unusable = |error: std::io::Error| {
            Failure::usage(format!("The folder {shown_dir} cannot be used: {error}."))
        };
        refuse_hidden(&std::path::absolute(dir).map_err(unusable)?, &shown_dir)?;
        std::fs::create_dir_all(dir).map_err(unusable)?;
        refuse_hidden(&std::fs::canonicalize(dir).map_err(unusable)?, &shown_dir)?;
        let root = place::open_root(dir).map_err(unusable)?;
        let entries = place::entries(&root).map_err(unusable)?;
        if entries
            .iter()
            .any(|entry| entry.to_string_lossy().eq_ignore_ascii_case(SERVER_FOLDER))
        {
            return Err(Failure::usage(format!(
                "{shown_dir} is the base folder of a file-ws-server (it holds `.twicecast`); mirror into another folder."
            )));
        }
        let is_empty = entries.iter().all(|entry| entry == WORK_FOLDER);
        let work = match place::open_folder(&root, WORK_FOLDER) {
            Ok(work) => Some(work),
            Err(Errno::NOENT) => None,
            Err(error) => {
                return Err(Failure::usage(format!(
                    "{shown_dir}/{WORK_FOLDER} cannot be used ({}); remove it.",
                    std::io::Error::from(error)
                )));
            }
        };
        let earlier = match &work {
            Some(work) => {
                manifest::read(work, &identity.streamer, &identity.project).map_err(unusable)?
            }
            None => Earlier::Nothing,
        };
        let files = match earlier {
            Earlier::Same(files) => files,
            Earlier::Nothing if is_empty => BTreeSet::new(),
            _ if allowed.force => BTreeSet::new(),
            Earlier::Nothing => {
                return Err(Failure::usage(format!(
                    "{shown_dir} is not empty and no mirror of {}. Choose an empty or new folder, or use --force to overwrite what the project has too.",
                    identity.full_project()
                )));
            }
            Earlier::Other(project) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} is a mirror of {}, not of {}. Choose another folder, or use --force.",
                    shown(&project),
                    identity.full_project()
                )));
            }
            Earlier::Unreadable => {
                return Err(Failure::usage(format!(
                    "The record in {shown_dir}/{WORK_FOLDER} cannot be read. Choose another folder, or use --force to begin anew."
                )));
            }
        };
        let system = |error: Errno| unusable(error.into());
        let work = if let Some(work) = work {
            work
        } else {
            mkdirat(&root, WORK_FOLDER, Mode::from_raw_mode(0o700)).map_err(system)?;
            place::open_folder(&root, WORK_FOLDER).map_err(system)?
        };
        let lock = lock(&work).map_err(|error| match error {
            Errno::WOULDBLOCK => Failure::usage(format!("Another `twicecast mirror` is at work in {shown_dir}; stop it first, or choose another folder.")),
            error => system(error),
        })?;
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
