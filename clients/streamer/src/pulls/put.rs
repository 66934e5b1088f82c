//! Putting a content into the folder: whole or not at all, never through a link, and never over something that has
//! changed since it was looked at.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::names::FileName;
use crate::place;
use crate::stamp::Stamp;

/// What lies at a file's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(Option<Stamp>);

/// Looks at a file's place before its content is read.
///
/// # Errors
///
/// Something else than a file is there, or the system's own.
pub fn look(root: &OwnedFd, name: &FileName) -> io::Result<Place> {
    let found =
        place::open_parent(root, name).and_then(|(folder, leaf)| place::look(&folder, leaf));
    match found {
        Ok(Some(stat)) if place::kind(&stat) == FileType::RegularFile => {
            Ok(Place(Some(Stamp::of(&stat))))
        }
        Ok(Some(_)) => Err(io::Error::other("something else than a file is there")),
        Ok(None) | Err(Errno::NOENT) => Ok(Place(None)),
        Err(Errno::LOOP | Errno::NOTDIR) => Err(io::Error::other(
            "a link or a file is where its folder should be",
        )),
        Err(error) => Err(error.into()),
    }
}

fn changed() -> io::Error {
    io::Error::other("it has changed in this very moment; apply again")
}

/// Writes a file whose place is still as it was looked at. An older file's permissions stay.
///
/// # Errors
///
/// What lies there stays as it is.
pub fn write(root: &OwnedFd, name: &FileName, seen: Place, content: &[u8]) -> io::Result<()> {
    let mut folder = place::open_below(root, "")?;
    for full in name.folders() {
        let segment = full.rsplit('/').next().unwrap_or_default();
        match mkdirat(&folder, segment, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder = place::open_folder(&folder, segment)?;
    }
    let (_, leaf) = name.split();
    let mode = place::look(&folder, leaf)?.map_or(0o666, |stat| stat.st_mode & 0o7777);
    let temporary = format!(".twicecast-{}.tmp", uuid::Uuid::new_v4().simple());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(&folder, &temporary, flags, Mode::from_raw_mode(0o600))?;
    let mut file = std::fs::File::from(opened);
    let written = file
        .write_all(content)
        .and_then(|()| set_mode(&file, mode))
        .and_then(|()| file.sync_all())
        .and_then(|()| {
            if look(root, name)? == seen {
                Ok(())
            } else {
                Err(changed())
            }
        })
        .and_then(|()| Ok(renameat(&folder, &temporary, &folder, leaf)?));
    if written.is_err() {
        let _ = unlinkat(&folder, &temporary, AtFlags::empty());
    }
    written
}

/// A new file gets what the user's umask leaves, like any other program's.
fn set_mode(file: &std::fs::File, mode: u32) -> io::Result<()> {
    let umask = rustix::process::umask(Mode::empty());
    rustix::process::umask(umask);
    let mode = if mode == 0o666 {
        Mode::from_raw_mode(mode) - umask
    } else {
        Mode::from_raw_mode(mode)
    };
    Ok(rustix::fs::fchmod(file, mode)?)
}

/// Removes a file whose place is still as it was looked at, and the folders that this leaves empty.
///
/// # Errors
///
/// What lies there stays as it is.
pub fn remove(root: &OwnedFd, name: &FileName, seen: Place) -> io::Result<()> {
    if look(root, name)? != seen {
        return Err(changed());
    }
    let (folder, leaf) = place::open_parent(root, name)?;
    unlinkat(&folder, leaf, AtFlags::empty())?;
    for full in name.folders().rev() {
        let (parent, leaf) = full.rsplit_once('/').unwrap_or(("", full));
        let parent = place::open_below(root, parent)?;
        if unlinkat(&parent, leaf, AtFlags::REMOVEDIR).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
