//! Files that are being written: they grow in the work folder, where nobody sees them, and are
//! removed if they are never finished. Files that are about to be removed pass through there, too.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};

use crate::fs::dirfd;

const PREFIX: &str = "incoming-";

/// The folder for files that are being written.
#[derive(Debug)]
pub struct Staging {
    work: Arc<OwnedFd>,
    next: u64,
}

/// A file that is being written. If it is dropped before it is [`Staged::placed`], it is removed.
#[derive(Debug)]
pub struct Staged {
    /// The file to write to.
    pub file: File,
    work: Arc<OwnedFd>,
    name: String,
    is_placed: bool,
}

impl Staging {
    /// Takes over a work folder, and removes what a crash has left in it.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn new(work: OwnedFd) -> io::Result<Self> {
        for entry in dirfd::entries(&work)? {
            let is_left = |name: &str| name.starts_with(PREFIX);
            if entry.to_str().is_some_and(is_left) {
                unlinkat(&work, entry.as_os_str(), AtFlags::empty())?;
            }
        }
        Ok(Self {
            work: Arc::new(work),
            next: 0,
        })
    }

    /// The folder.
    pub fn folder(&self) -> BorrowedFd<'_> {
        self.work.as_fd()
    }

    /// Starts a file.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn begin(&mut self) -> io::Result<Staged> {
        let name = format!("{PREFIX}{}", self.next);
        self.next += 1;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(
            &self.work,
            name.as_str(),
            flags,
            Mode::from_raw_mode(0o666),
        )?);
        Ok(Staged {
            file,
            work: Arc::clone(&self.work),
            name,
            is_placed: false,
        })
    }
}

impl Staged {
    /// The folder that contains it.
    pub fn folder(&self) -> BorrowedFd<'_> {
        self.work.as_fd()
    }

    /// Its name there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens it to read what was written.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn read(&self) -> io::Result<File> {
        Ok(dirfd::open_file(&self.work, &self.name)?)
    }

    /// Notes that the file is now in its place.
    pub fn placed(mut self) {
        self.is_placed = true;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed now is removed at the next start.
            let _ = unlinkat(&*self.work, self.name.as_str(), AtFlags::empty());
        }
    }
}
