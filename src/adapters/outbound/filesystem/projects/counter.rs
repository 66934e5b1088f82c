//! What a project holds, counted along with its changes.

use std::sync::Mutex;

use crate::adapters::outbound::filesystem::projects::listing::{Entry, list};
use crate::adapters::outbound::filesystem::sandbox::error::is_absent;
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, Kind};
use crate::application::locks::lock;
use crate::domain::{FilePath, ProjectQuota, QuotaError, Usage};
use rustix::io::{Errno, Result};

/// The usage of one project. What an operator does to its files by hand counts from the next
/// start on.
#[derive(Debug)]
pub(crate) struct Counter(Mutex<Usage>);

/// Room for a write that is not done yet; given back when dropped, unless kept.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    counter: &'a Counter,
    old: Option<u64>,
    new: u64,
    kept: bool,
}

impl Counter {
    /// Counts the files in a project's folder.
    pub fn scan(project: &Folder) -> Result<Self> {
        let mut usage = Usage::default();
        count(project, None, &mut usage)?;
        Ok(Self(Mutex::new(usage)))
    }

    /// What the project holds, and what is about to be written.
    pub fn usage(&self) -> Usage {
        *lock(&self.0)
    }

    /// Takes room for a file of `new` bytes in place of one of `old`.
    pub fn reserve(
        &self,
        quota: ProjectQuota,
        old: Option<u64>,
        new: u64,
    ) -> std::result::Result<Reservation<'_>, QuotaError> {
        let mut usage = lock(&self.0);
        *usage = quota.replace(*usage, old, new)?;
        Ok(Reservation {
            counter: self,
            old,
            new,
            kept: false,
        })
    }

    /// Notes that a file of so many bytes is gone.
    pub fn deleted(&self, bytes: u64) {
        self.give_back(1, bytes, 0);
    }

    fn give_back(&self, files: u64, bytes: u64, except: u64) {
        let mut usage = lock(&self.0);
        // Saturating, because somebody else may have changed the files under us.
        usage.files = usage.files.saturating_sub(files);
        usage.bytes = usage.bytes.saturating_add(except).saturating_sub(bytes);
    }
}

impl Reservation<'_> {
    /// The file has been written.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let was_new = u64::from(self.old.is_none());
            self.counter
                .give_back(was_new, self.new, self.old.unwrap_or(0));
        }
    }
}

fn count(folder: &Folder, at: Option<&FilePath>, usage: &mut Usage) -> Result<()> {
    for Entry { name, is_folder } in list(folder)? {
        // As deep as a name may be, and no deeper.
        let Ok(path) = FilePath::join(at, &name) else {
            continue;
        };
        if is_folder {
            let counted = folder
                .folder(&name)
                .and_then(|folder| count(&folder, Some(&path), usage));
            match counted {
                // Its files cannot be read or replaced, so they need no room either; one such
                // folder must not keep the streamer out of all the others.
                Err(Errno::ACCESS | Errno::PERM) => {
                    tracing::warn!(?path, "a folder cannot be read and is not counted");
                }
                Err(error) if is_absent(error) => {}
                other => other?,
            }
        } else if let Some(Kind::File(bytes)) = folder.kind(&name)? {
            usage.files += 1;
            usage.bytes = usage.bytes.saturating_add(bytes);
        }
    }
    Ok(())
}
