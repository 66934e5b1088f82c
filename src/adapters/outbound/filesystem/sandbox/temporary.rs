//! A file that clients cannot name yet.

use std::fs::{File, FileTimes};
use std::time::{Duration, UNIX_EPOCH};

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::domain::Version;

/// A file in the staging folder, removed when dropped unless it was moved to its place.
#[derive(Debug)]
pub(crate) struct Temporary {
    staging: Folder,
    name: String,
    moved: bool,
}

impl Temporary {
    /// Takes over the removal of `name`.
    pub fn guard(staging: &Folder, name: String) -> Self {
        Self {
            staging: staging.clone(),
            name,
            moved: false,
        }
    }

    /// Moves it to `name` in `folder`, replacing an existing file.
    pub fn replace(&mut self, folder: &Folder, name: &str) -> Result<(), Errno> {
        self.staging.rename(&self.name, folder, name)?;
        self.moved = true;
        Ok(())
    }

    /// Moves it to `name` in `folder`, which must not exist.
    pub fn place(&mut self, folder: &Folder, name: &str) -> Result<(), Errno> {
        self.staging.rename_new(&self.name, folder, name)?;
        self.moved = true;
        Ok(())
    }

    /// Swaps it and `name` in `folder`: the guard then holds what was there.
    pub fn exchange(&self, folder: &Folder, name: &str) -> Result<(), Errno> {
        self.staging.exchange(&self.name, folder, name)
    }

    /// The folder that it is in and its name there.
    pub fn place_in_staging(&self) -> (&Folder, &str) {
        (&self.staging, &self.name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.moved
            && let Err(error) = self.staging.remove_file(&self.name)
            && error != Errno::NOENT
        {
            // The next start removes it.
            tracing::warn!(%error, "cannot remove a temporary file");
        }
    }
}

/// Writes the number of a change to its file as the modification time, in nanoseconds.
pub(crate) fn stamp(file: &File, version: Version) -> std::io::Result<()> {
    let time = UNIX_EPOCH + Duration::from_nanos(version.number());
    file.set_times(FileTimes::new().set_modified(time))
}
