//! Writes files as the project has them.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Stat, fstat};
use rustix::io::Errno;

use crate::fs::{dirfd, executable};
use crate::names::FileName;
use crate::platform;
use crate::replica::tree::refusal::Refusal;
use crate::replica::tree::{Incoming, Tree, replacing};

impl Tree {
    /// Puts a finished file into its place, completely. A file that already has the content only
    /// gets its executable bit.
    ///
    /// # Errors
    ///
    /// The reason why the file that is there stays as it is.
    pub fn put(&mut self, incoming: Incoming, name: &FileName) -> Result<(), Refusal> {
        let folder = self.make_folders(name)?;
        let (_, leaf) = name.split();
        let found = dirfd::look(&folder, leaf)?;
        match found.as_ref().map(dirfd::kind) {
            None | Some(FileType::RegularFile) => {}
            Some(FileType::Directory) => {
                self.check_spelling(&folder, leaf, name.as_str())?;
                self.clear_folder(name)?;
                // Its parent folders were removed with it if they contained nothing else.
                let folder = self.make_folders(name)?;
                return self.put_into(&folder, None, incoming, name);
            }
            Some(FileType::Symlink) => return Err(Refusal::Link(name.as_str().to_owned())),
            Some(_) => return Err(Refusal::Special(name.as_str().to_owned())),
        }
        if let Some(stat) = found.as_ref() {
            self.check_twin(&folder, leaf, stat, name)?;
            let (_, there) =
                dirfd::fingerprint_until(&self.stop, dirfd::open_file(&folder, leaf)?)?;
            if there == incoming.sha256 {
                self.keep_base(&incoming)?;
                return self.adopt(name, &there, incoming.executable);
            }
            self.check_may_replace(name, &there)?;
        }
        self.put_into(&folder, found, incoming, name)
    }

    fn put_into(
        &mut self,
        folder: &OwnedFd,
        found: Option<Stat>,
        incoming: Incoming,
        name: &FileName,
    ) -> Result<(), Refusal> {
        let (_, leaf) = name.split();
        self.keep_base(&incoming)?;
        let Incoming {
            staged,
            sha256,
            executable,
        } = incoming;
        let fresh = fstat(&staged.file)?;
        let mode = platform::mode(found.as_ref().unwrap_or(&fresh));
        let mode = executable::with(mode, executable);
        if mode != platform::mode(&fresh) & 0o777 {
            executable::set_mode(&staged.file, mode)?;
        }
        let before = self.manifest.files().get(name).cloned();
        self.manifest.wrote(name, &sha256, executable)?;
        let in_the_way = match found {
            None => Refusal::NotOurs(name.as_str().to_owned()),
            Some(_) => Refusal::Edited(name.as_str().to_owned()),
        };
        let placed = replacing::place(staged, folder, leaf, found.as_ref());
        let placed = placed.map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::EXIST) => in_the_way,
            _ => error.into(),
        });
        let inode = match placed {
            Ok(inode) => inode,
            Err(refusal) => {
                self.manifest.restore(name, before)?;
                return Err(refusal);
            }
        };
        if let Some(stat) = found {
            self.inodes.remove(&dirfd::inode(&stat));
        }
        self.inodes.insert(inode, name.clone());
        Ok(())
    }

    fn keep_base(&mut self, incoming: &Incoming) -> Result<(), Refusal> {
        if let Some(bases) = &mut self.bases {
            bases.keep(&incoming.sha256, &mut incoming.staged.read()?)?;
        }
        Ok(())
    }

    /// Records a file that is here and equals the project's, if it could also be overwritten, and
    /// sets its executable bit.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn adopt(
        &mut self,
        name: &FileName,
        sha256: &str,
        executable: bool,
    ) -> Result<(), Refusal> {
        if !self.force && !self.manifest.holds(name) {
            return Ok(());
        }
        let (folder, leaf) = dirfd::open_parent(&self.root, name)?;
        let file = dirfd::open_file(&folder, leaf)?;
        self.manifest.wrote(name, sha256, executable)?;
        self.inodes
            .insert(dirfd::inode(&fstat(&file)?), name.clone());
        executable::set(&file, executable)?;
        Ok(())
    }
}
