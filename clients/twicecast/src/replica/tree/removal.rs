//! Removes files that the project no longer has, folders that become empty, and what only
//! `--delete` allows us to touch.

use std::collections::HashSet;

use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use crate::fs::dirfd;
use crate::names::FileName;
use crate::replica::tree::refusal::{Refusal, Removal};
use crate::replica::tree::{Tree, refused, replacing};

impl Tree {
    /// Removes a file that the project no longer has, and the folders that become empty.
    ///
    /// # Errors
    ///
    /// The reason why what is there stays.
    pub fn remove(&mut self, name: &FileName) -> Result<Removal, Refusal> {
        if !self.manifest.holds(name) && !self.delete {
            return Ok(Removal::NotOurs);
        }
        let Ok((folder, leaf)) = dirfd::open_parent(&self.root, name) else {
            return self.disown(name, Removal::NotOurs);
        };
        let stat = dirfd::look(&folder, leaf)?;
        let is_file = stat
            .as_ref()
            .is_some_and(|stat| dirfd::kind(stat) == FileType::RegularFile);
        // Something that only looks like the file stays: somebody has replaced it, or the file
        // system takes two names for one.
        let (Some(stat), true) = (stat, is_file) else {
            return self.disown(name, Removal::NotOurs);
        };
        if self.check_twin(&folder, leaf, &stat, name).is_err() {
            return self.disown(name, Removal::NotOurs);
        }
        if !self.delete {
            let (_, there) =
                dirfd::fingerprint_until(&self.stop, dirfd::open_file(&folder, leaf)?)?;
            if !self.manifest.wrote_content(name, &there) {
                return self.disown(name, Removal::Edited);
            }
        }
        replacing::take_away(&self.staging, &folder, leaf, &stat)
            .map_err(|error| refused(error, Refusal::Edited(name.as_str().to_owned())))?;
        self.inodes.remove(&dirfd::inode(&stat));
        self.manifest.removed(name)?;
        self.prune(name);
        Ok(Removal::Removed)
    }

    fn disown(&mut self, name: &FileName, because: Removal) -> Result<Removal, Refusal> {
        self.manifest.removed(name)?;
        Ok(because)
    }

    /// With `--delete`: removes all files and symbolic links that are not in `keep`, no matter who
    /// made them. Returns their names.
    pub fn remove_strays(&mut self, keep: &HashSet<FileName>) -> Vec<FileName> {
        let mut removed = Vec::new();
        if self.delete {
            self.sweep("", &|name| keep.contains(name), &mut removed);
        }
        removed
    }

    /// Removes everything below a folder that is not kept, and folders that become empty. Names
    /// that this client never touches stay.
    fn sweep(&mut self, path: &str, keep: &dyn Fn(&FileName) -> bool, removed: &mut Vec<FileName>) {
        let Ok(folder) = dirfd::open_below(&self.root, path) else {
            return;
        };
        for segment in dirfd::entries(&folder).unwrap_or_default() {
            let Some(segment) = segment.to_str() else {
                continue;
            };
            let Ok(name) = FileName::parse(&format!("{path}/{segment}")) else {
                continue;
            };
            let Ok(Some(stat)) = dirfd::look(&folder, segment) else {
                continue;
            };
            match dirfd::kind(&stat) {
                FileType::Directory => {
                    self.sweep(name.as_str(), keep, removed);
                    if unlinkat(&folder, segment, AtFlags::REMOVEDIR).is_ok() {
                        self.folders.remove(name.as_str());
                    }
                }
                // The folder may list one of our files under another spelling.
                FileType::RegularFile
                    if self.inodes.get(&dirfd::inode(&stat)).is_some_and(keep) => {}
                FileType::RegularFile | FileType::Symlink
                    if !keep(&name) && unlinkat(&folder, segment, AtFlags::empty()).is_ok() =>
                {
                    self.inodes.remove(&dirfd::inode(&stat));
                    removed.push(name);
                }
                _ => {}
            }
        }
    }

    /// Removes the folder that is in a file's place, if everything in it was ours.
    pub fn clear_folder(&mut self, name: &FileName) -> Result<(), Refusal> {
        let below: Vec<FileName> = self
            .ours()
            .filter(|file| file.is_below(name.as_str()))
            .cloned()
            .collect();
        for file in below {
            self.remove(&file)?;
        }
        let delete = self.delete;
        self.sweep(name.as_str(), &|_| !delete, &mut Vec::new());
        let left = dirfd::open_parent(&self.root, name).and_then(|(folder, leaf)| {
            match unlinkat(&folder, leaf, AtFlags::REMOVEDIR) {
                Err(Errno::NOENT) => Ok(()),
                other => other,
            }
        });
        match left {
            Ok(()) | Err(Errno::NOENT) => {
                self.folders.remove(name.as_str());
                Ok(())
            }
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                Err(Refusal::FolderOfOthers(name.as_str().to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn prune(&mut self, name: &FileName) {
        for path in name.folders().rev() {
            let (above, segment) = path.rsplit_once('/').unwrap_or(("", path));
            let removed = dirfd::open_below(&self.root, above)
                .and_then(|folder| unlinkat(&folder, segment, AtFlags::REMOVEDIR));
            if removed.is_err() {
                return;
            }
            self.folders.remove(path);
        }
    }
}
