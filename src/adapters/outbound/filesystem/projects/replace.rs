//! Writing a file: whole or not at all, durable when done.

use std::fs::File;

use rustix::fs::Mode;
use rustix::io::Errno;

use crate::adapters::outbound::filesystem::projects::new_folders::{NewFolders, Parent};
use crate::adapters::outbound::filesystem::projects::versions::{LastVersion, modified};
use crate::adapters::outbound::filesystem::sandbox::error::{
    During, Looking, is_absent, is_in_the_way,
};
use crate::adapters::outbound::filesystem::sandbox::folder::{FILE, Folder, Kind};
use crate::adapters::outbound::filesystem::sandbox::layout::{Durability, Layout};
use crate::adapters::outbound::filesystem::sandbox::temporary::{Temporary, stamp};
use crate::adapters::outbound::filesystem::uploads::content;
use crate::adapters::outbound::loaded_project::LoadedProject;
use crate::application::FileContent;
use crate::application::ports::StoreError;
use crate::domain::{FilePath, PendingPut, ProjectEntry, ProjectQuota, PutError};

/// How often folders are created again because a delete removed them in between.
const ATTEMPTS: usize = 100;

const MOVE: &str = "move a file to its place";
const SYNC: &str = "sync a folder";

/// What a write needs to know of its project.
pub(crate) struct Replacing<'a> {
    pub layout: &'a Layout,
    pub project: &'a LoadedProject,
    pub versions: &'a LastVersion,
    pub new_folders: &'a NewFolders,
}

/// A put that is abandoned when this is dropped, unless it was completed.
struct Pending<'a> {
    project: &'a LoadedProject,
    put: Option<PendingPut>,
}

impl Pending<'_> {
    fn complete(mut self, entry: &ProjectEntry) {
        if let Some(put) = self.put.take() {
            let (version, executable) = (entry.version, entry.executable);
            self.project.change(|project| {
                project.complete_put(put, version, entry.modified, executable);
            });
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(put) = self.put.take() {
            self.project.change(|project| project.abandon_put(put));
        }
    }
}

impl Replacing<'_> {
    /// Replaces the file at `path` of the project whose folder is `root`. Returns what is
    /// known about the file now.
    pub fn run(
        &self,
        root: &Folder,
        path: &FilePath,
        content: &FileContent,
        executable: Option<bool>,
        quota: &ProjectQuota,
    ) -> Result<ProjectEntry, StoreError> {
        let (put, before) = self.project.change(|project| {
            let put = project.begin_put(path, content.bytes(), quota)?;
            Ok::<_, PutError>((Some(put), project.get(path).copied()))
        })?;
        let executable = executable.unwrap_or(before.is_some_and(|before| before.executable));
        let pending = Pending {
            project: self.project,
            put,
        };
        let parent = find_parent(root, path)?;
        let (mut temporary, file) = content::write(self.layout, content, FILE)?;
        let version = self.project.with(|project| self.versions.next(project));
        if executable {
            make_executable(&file).during("make a file executable")?;
        }
        stamp(&file, version).during("number a file")?;
        if self.layout.durability == Durability::Fsync {
            // If this fails, the state of the disk is unknown, so the temporary is removed.
            file.sync_all().during("sync a file")?;
        }
        drop(file);
        let is_placed = match parent {
            Some(parent) => self.place_as_known(path, &parent, before.is_some(), &mut temporary)?,
            None => false,
        };
        if !is_placed {
            self.place(root, path, &mut temporary)?;
        }
        let modified = modified(Some(version.number()));
        let entry = ProjectEntry::written(content.bytes(), version, modified, executable);
        pending.complete(&entry);
        Ok(entry)
    }

    /// Moves the temporary to its place if that is still as it is known to be. Returns false, and
    /// changes nothing, if the folder is not known to be durable, or if something has come or gone.
    fn place_as_known(
        &self,
        path: &FilePath,
        parent: &Folder,
        is_file: bool,
        temporary: &mut Temporary,
    ) -> Result<bool, StoreError> {
        let is_durable = self.layout.durability == Durability::Fsync;
        if is_durable && self.new_folders.are_any() {
            return Ok(false);
        }
        let (_, name) = split(path);
        let placed = match Self::move_over(parent, name, is_file, temporary) {
            Err(Errno::NOENT | Errno::EXIST) => return Ok(false),
            other => other.writing(MOVE)?,
        };
        if is_durable && let Err(error) = parent.sync() {
            placed.undo(parent, name, temporary);
            return Err(error).during(SYNC);
        }
        Ok(true)
    }

    /// Moves the temporary to its place, creates its folder if necessary, and makes that durable.
    fn place(
        &self,
        root: &Folder,
        path: &FilePath,
        temporary: &mut Temporary,
    ) -> Result<(), StoreError> {
        let (parents, name) = split(path);
        let mut attempts = 0;
        let (parent, placed) = loop {
            attempts += 1;
            let placed = Parent::make(root, parents.clone(), self.new_folders).and_then(|parent| {
                let placed = Self::move_in(&parent.folder, name, temporary)?;
                Ok((parent, placed))
            });
            match placed {
                // The folder was just emptied and removed, or something came or went there.
                Err(Errno::NOENT | Errno::EXIST) if attempts < ATTEMPTS => {}
                other => break other.writing(MOVE)?,
            }
        };
        if self.layout.durability == Durability::Fsync
            && let Err(error) = parent.sync()
        {
            placed.undo(&parent.folder, name, temporary);
            return Err(error).during(SYNC);
        }
        parent.keep();
        Ok(())
    }

    fn move_in(folder: &Folder, name: &str, temporary: &mut Temporary) -> Result<Placed, Errno> {
        match folder.kind(name)? {
            None => Self::move_over(folder, name, false, temporary),
            Some(Kind::File(_)) => Self::move_over(folder, name, true, temporary),
            Some(Kind::Folder | Kind::Other) => Err(Errno::ISDIR),
        }
    }

    /// Moves the temporary to a place where there is nothing, or a file.
    fn move_over(
        folder: &Folder,
        name: &str,
        is_file: bool,
        temporary: &mut Temporary,
    ) -> Result<Placed, Errno> {
        if !is_file {
            temporary.place(folder, name)?;
            return Ok(Placed::New);
        }
        // The old version is kept until the new one is known to be durable. If nothing is synced a
        // swap is also faster: ext4 and btrfs start to write a file out when it is moved over
        // another, which takes longer than all the rest.
        match temporary.exchange(folder, name) {
            Ok(()) => return keep_only_a_file(folder, name, temporary),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
        temporary.replace(folder, name)?;
        Ok(Placed::Over)
    }
}

/// How a file came to its place.
enum Placed {
    /// Nothing was there.
    New,
    /// The previous content is now where the temporary was.
    Exchanged,
    /// The previous content is gone.
    Over,
}

impl Placed {
    /// Restores the previous content, so that a failed write has changed nothing.
    fn undo(self, folder: &Folder, name: &str, temporary: &Temporary) {
        let undone = match self {
            Self::New => folder.remove_file(name),
            Self::Exchanged => temporary.exchange(folder, name),
            // The file system could not swap; there is nothing to restore.
            Self::Over => Ok(()),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "a write failed and could not be undone");
        }
    }
}

/// Something else may have taken the file's place just before the exchange. If so, this puts it
/// back.
fn keep_only_a_file(folder: &Folder, name: &str, temporary: &Temporary) -> Result<Placed, Errno> {
    let (staging, old) = temporary.place_in_staging();
    if matches!(staging.kind(old), Ok(Some(Kind::File(_)))) {
        return Ok(Placed::Exchanged);
    }
    temporary.exchange(folder, name)?;
    Err(Errno::ISDIR)
}

/// Lets everybody who may read a file execute it.
fn make_executable(file: &File) -> Result<(), Errno> {
    let mode = rustix::fs::fstat(file)?.st_mode;
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode | (mode & 0o444) >> 2))
}

/// The folders leading to a file, and its own name.
pub(crate) fn split(path: &FilePath) -> (impl Iterator<Item = &str> + Clone, &str) {
    let whole = &path.as_str()[1..];
    let (parents, name) = whole.rsplit_once('/').unwrap_or(("", whole));
    let parents = parents.split('/').filter(|segment| !segment.is_empty());
    (parents, name)
}

/// The folder that contains `path`, if it exists.
fn find_parent(root: &Folder, path: &FilePath) -> Result<Option<Folder>, StoreError> {
    let (parents, _) = split(path);
    match root.descend(parents) {
        Ok(parent) => Ok(Some(parent)),
        Err(error) if is_absent(error) && !is_in_the_way(error) => Ok(None),
        Err(error) => Err(error).writing("look for a file's folder"),
    }
}
