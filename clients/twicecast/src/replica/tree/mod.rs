//! The mirrored folder: writes files as the project has them, and removes them. It uses directory
//! handles, follows no symbolic link, and only touches content that it wrote itself (the record has
//! the hashes) unless it is told otherwise.

mod putting;
mod readiness;
mod refusal;
mod removal;
mod replacing;
mod spelling;

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, Stat, fstat, mkdirat};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::fs::dirfd;
use crate::names::FileName;
use crate::replica::base_contents::BaseContents;
use crate::replica::manifest::Manifest;
use crate::replica::record::Kind;
use crate::replica::staging::{Staged, Staging};
pub use refusal::{Refusal, Removal};
use spelling::refuse_other_spelling;

/// A file whose content has arrived completely.
#[derive(Debug)]
pub struct Incoming {
    /// The content.
    pub staged: Staged,
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
    /// Whether the file has to be executable.
    pub executable: bool,
}

/// The folder, its record, and what is known about it.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
    staging: Staging,
    manifest: Manifest,
    /// For a clone: the base contents of its files.
    bases: Option<BaseContents>,
    /// Whether to overwrite files with the project's names that somebody else wrote or edited.
    force: bool,
    /// Whether to remove files that the project does not have, no matter who wrote them.
    delete: bool,
    /// The last name of ours under which each inode was seen.
    inodes: HashMap<(u64, u64), FileName>,
    /// Folders that are known to be spelled here as in the project.
    folders: HashSet<String>,
    /// The last folder of the project as which each inode was seen.
    folder_inodes: HashMap<(u64, u64), String>,
    /// Reading of files stops when this is cancelled.
    stop: CancellationToken,
}

impl Tree {
    /// Takes over an opened folder with its record.
    pub fn new(
        root: OwnedFd,
        staging: Staging,
        manifest: Manifest,
        force: bool,
        delete: bool,
    ) -> Self {
        let is_clone = manifest.header().kind == Kind::Clone;
        let bases = is_clone.then(|| BaseContents::new(staging.folder()));
        let mut tree = Self {
            root,
            staging,
            manifest,
            bases: bases.and_then(Result::ok),
            force,
            delete,
            inodes: HashMap::new(),
            folders: HashSet::new(),
            folder_inodes: HashMap::new(),
            stop: CancellationToken::new(),
        };
        for name in tree.manifest.files().keys() {
            tree.folders.extend(name.folders().map(str::to_owned));
            let seen = dirfd::open_parent(&tree.root, name)
                .and_then(|(folder, leaf)| dirfd::look(&folder, leaf));
            if let Ok(Some(stat)) = seen {
                tree.inodes
                    .entry(dirfd::inode(&stat))
                    .or_insert_with(|| name.clone());
            }
        }
        for path in &tree.folders {
            if let Ok(inode) = dirfd::open_below(&tree.root, path).and_then(folder_inode) {
                tree.folder_inodes
                    .entry(inode)
                    .or_insert_with(|| path.clone());
            }
        }
        tree
    }

    /// Stops reading files once this is cancelled: a file that would have to be read stays as it
    /// is.
    pub fn stop_with(&mut self, stop: &CancellationToken) {
        self.stop = stop.clone();
    }

    /// Whether it has been cancelled.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The files that this mirror wrote.
    pub fn ours(&self) -> impl Iterator<Item = &FileName> {
        self.manifest.files().keys()
    }

    /// The record.
    pub fn manifest(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    /// Whether a place is empty, as far as can be found out.
    pub fn is_free(&self, name: &FileName) -> bool {
        match dirfd::open_parent(&self.root, name) {
            Ok((folder, leaf)) => matches!(dirfd::look(&folder, leaf), Ok(None)),
            Err(error) => error == Errno::NOENT,
        }
    }

    /// The place where files are written before they are put into the folder.
    pub fn staging(&mut self) -> &mut Staging {
        &mut self.staging
    }

    /// The size and SHA-256 of a file that is here under exactly this name; `None` if there is no
    /// regular file.
    ///
    /// # Errors
    ///
    /// A twin, or the system's error.
    pub fn fingerprint(&self, name: &FileName) -> Result<Option<(u64, String)>, Refusal> {
        let Ok((folder, leaf)) = dirfd::open_parent(&self.root, name) else {
            return Ok(None);
        };
        match dirfd::look(&folder, leaf)? {
            Some(stat) if dirfd::kind(&stat) == FileType::RegularFile => {
                self.check_twin(&folder, leaf, &stat, name)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(dirfd::fingerprint_until(
            &self.stop,
            dirfd::open_file(&folder, leaf)?,
        )?))
    }

    /// Opens the folder of a file, and makes folders that are missing. If a file of ours is in the
    /// way, the project now has a folder there.
    fn make_folders(&mut self, name: &FileName) -> Result<OwnedFd, Refusal> {
        let mut folder = dirfd::open_below(&self.root, "")?;
        for path in name.folders() {
            let segment = path.rsplit('/').next().unwrap_or(path);
            folder = match dirfd::open_folder(&folder, segment) {
                Ok(inner) => {
                    self.check_spelling(&folder, segment, path)?;
                    inner
                }
                Err(error) => {
                    self.make_way(&folder, segment, path, error)?;
                    mkdirat(&folder, segment, Mode::from_raw_mode(0o777))?;
                    dirfd::open_folder(&folder, segment)?
                }
            };
            self.folders.insert(path.to_owned());
            self.folder_inodes
                .insert(folder_inode(&folder)?, path.to_owned());
        }
        Ok(folder)
    }

    fn make_way(
        &mut self,
        folder: &OwnedFd,
        segment: &str,
        path: &str,
        error: Errno,
    ) -> Result<(), Refusal> {
        let Some(stat) = dirfd::look(folder, segment)? else {
            return Ok(());
        };
        match (dirfd::kind(&stat), FileName::parse(path)) {
            (FileType::RegularFile, Ok(file)) => {
                self.check_twin(folder, segment, &stat, &file)?;
                let (_, there) =
                    dirfd::fingerprint_until(&self.stop, dirfd::open_file(folder, segment)?)?;
                self.check_may_replace(&file, &there)?;
                replacing::take_away(&self.staging, folder, segment, &stat)
                    .map_err(|error| refused(error, Refusal::Edited(path.to_owned())))?;
                self.inodes.remove(&dirfd::inode(&stat));
                Ok(self.manifest.removed(&file)?)
            }
            (FileType::Symlink, _) => Err(Refusal::Link(path.to_owned())),
            (FileType::Directory, _) => Err(error.into()),
            _ => Err(Refusal::Special(path.to_owned())),
        }
    }

    /// Refuses to touch content that we did not write.
    ///
    /// # Errors
    ///
    /// Says whose it is.
    pub fn check_may_replace(&self, name: &FileName, there: &str) -> Result<(), Refusal> {
        if self.force || self.manifest.wrote_content(name, there) {
            Ok(())
        } else if self.manifest.holds(name) {
            Err(Refusal::Edited(name.as_str().to_owned()))
        } else {
            Err(Refusal::NotOurs(name.as_str().to_owned()))
        }
    }

    /// Refuses a file that is here under another name: one of ours is found by its inode, any other
    /// by how the folder spells it.
    fn check_twin(
        &self,
        folder: &OwnedFd,
        leaf: &str,
        stat: &Stat,
        name: &FileName,
    ) -> Result<(), Refusal> {
        let inode = dirfd::inode(stat);
        if let Some(other) = self.inodes.get(&inode).filter(|other| *other != name) {
            let seen = dirfd::open_parent(&self.root, other)
                .and_then(|(folder, leaf)| dirfd::look(&folder, leaf));
            if seen
                .ok()
                .flatten()
                .is_some_and(|stat| dirfd::inode(&stat) == inode)
            {
                return Err(Refusal::Twin(other.as_str().to_owned()));
            }
        }
        if self.manifest.holds(name) {
            Ok(())
        } else {
            refuse_other_spelling(folder, leaf, name.as_str())
        }
    }

    /// Refuses a folder that is here under another name, found by its inode or by how its own
    /// folder spells it.
    fn check_spelling(&self, folder: &OwnedFd, segment: &str, path: &str) -> Result<(), Refusal> {
        let inode = dirfd::look(folder, segment)?.as_ref().map(dirfd::inode);
        let other = inode.and_then(|inode| self.folder_inodes.get(&inode));
        if let Some(other) = other.filter(|other| *other != path) {
            let seen = dirfd::open_below(&self.root, other).and_then(folder_inode);
            if seen.ok() == inode {
                return Err(Refusal::Twin(other.clone()));
            }
        }
        if self.folders.contains(path) {
            Ok(())
        } else {
            refuse_other_spelling(folder, segment, path)
        }
    }
}

fn folder_inode(folder: impl AsFd) -> Result<(u64, u64), Errno> {
    Ok(dirfd::inode(&fstat(folder)?))
}

/// The refusal for a file that could not be moved: `EEXIST` means that what is there is not what
/// was seen there.
fn refused(error: Errno, because_it_is_not: Refusal) -> Refusal {
    if error == Errno::EXIST {
        because_it_is_not
    } else {
        error.into()
    }
}

#[cfg(test)]
pub mod tests;
