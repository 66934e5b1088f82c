//! Moving a file into a place, or out of one, so that what has changed there since it was looked at
//! stays. `EEXIST` says that it has.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::fs::rename::Swap;
use crate::fs::{dirfd, executable, rename};
use crate::names::OWN_PREFIX;
use crate::replica::staging::{Staged, Staging};

/// Moves a file to where `found` lies, which goes, or to where nothing lies; and says which inode
/// is there now.
///
/// # Errors
///
/// The system's own, as an [`Errno`] where it has one.
pub fn place(
    staged: Staged,
    folder: &OwnedFd,
    leaf: &str,
    found: Option<&Stat>,
) -> io::Result<(u64, u64)> {
    let inode = dirfd::inode(&fstat(&staged.file)?);
    match move_in(staged.folder(), staged.name(), folder, leaf, found) {
        Ok(()) => {
            staged.placed();
            Ok(inode)
        }
        Err(Errno::XDEV) => place_copy(&staged, folder, leaf, found),
        Err(error) => Err(error.into()),
    }
}

/// In a folder that is on another file system, a copy takes the place.
fn place_copy(
    staged: &Staged,
    folder: &OwnedFd,
    leaf: &str,
    found: Option<&Stat>,
) -> io::Result<(u64, u64)> {
    let name = format!("{OWN_PREFIX}{}.tmp", uuid::Uuid::new_v4().simple());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut copy = File::from(openat(folder, &name, flags, Mode::from_raw_mode(0o600))?);
    let filled = io::copy(&mut staged.read()?, &mut copy)
        .and_then(|_| Ok(fstat(&staged.file)?.st_mode & 0o777))
        .and_then(|mode| executable::set_mode(&copy, mode));
    let placed = filled.and_then(|_| Ok(move_in(folder, &name, folder, leaf, found)?));
    if let Err(error) = placed {
        let _ = unlinkat(folder, &name, AtFlags::empty());
        return Err(error);
    }
    Ok(dirfd::inode(&fstat(&copy)?))
}

fn move_in(
    from: impl AsFd,
    name: &str,
    folder: &OwnedFd,
    leaf: &str,
    found: Option<&Stat>,
) -> Result<(), Errno> {
    match found {
        None => rename::to_free_name(from, name, folder, leaf),
        Some(found) => replace(from, name, folder, leaf, found),
    }
}

fn replace(
    from: impl AsFd,
    name: &str,
    folder: &OwnedFd,
    leaf: &str,
    found: &Stat,
) -> Result<(), Errno> {
    let swap = || rename::swap(&from, name, folder, leaf);
    match swap() {
        Ok(Swap::Done) => {}
        Ok(Swap::Unsupported) => {
            check(folder, leaf, found)?;
            return renameat(&from, name, folder, leaf);
        }
        Err(Errno::NOENT) => return Err(Errno::EXIST),
        Err(error) => return Err(error),
    }
    if check(&from, name, found).is_err() {
        swap()?;
        return Err(Errno::EXIST);
    }
    // What cannot be removed now is swept at the next start.
    let _ = unlinkat(&from, name, AtFlags::empty());
    Ok(())
}

/// Removes what `found` is about, by way of the work folder.
pub fn take_away(
    staging: &mut Staging,
    folder: &OwnedFd,
    leaf: &str,
    found: &Stat,
) -> Result<(), Errno> {
    let aside = staging.leaving();
    let work = staging.folder();
    match renameat(folder, leaf, work, aside.as_str()) {
        Ok(()) => {}
        // On a file system of its own.
        Err(Errno::XDEV) => {
            check(folder, leaf, found)?;
            return unlinkat(folder, leaf, AtFlags::empty());
        }
        Err(error) => return Err(error),
    }
    if check(work, &aside, found).is_err() {
        rename::to_free_name(work, &aside, folder, leaf)?;
        return Err(Errno::EXIST);
    }
    unlinkat(work, aside.as_str(), AtFlags::empty())
}

/// A rename leaves all of this as it is.
fn check(folder: impl AsFd, leaf: &str, found: &Stat) -> Result<(), Errno> {
    let now = dirfd::look(folder, leaf)?.ok_or(Errno::EXIST)?;
    let known = |stat: &Stat| {
        (
            dirfd::inode(stat),
            stat.st_size,
            stat.st_mtime,
            stat.st_mtime_nsec,
        )
    };
    if known(&now) == known(found) {
        Ok(())
    } else {
        Err(Errno::EXIST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    fn is_taken<T: std::fmt::Debug>(placed: io::Result<T>) -> bool {
        Errno::from_io_error(&placed.unwrap_err()) == Some(Errno::EXIST)
    }

    /// A folder, and a work folder on the same file system or on another one.
    fn world(is_one: bool) -> (tempfile::TempDir, tempfile::TempDir, OwnedFd, Staging) {
        let elsewhere = if is_one {
            std::env::temp_dir()
        } else {
            "/dev/shm".into()
        };
        let dir = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir_in(elsewhere).unwrap();
        let folder = dirfd::open_root(dir.path()).unwrap();
        let staging = Staging::new(dirfd::open_root(work.path()).unwrap()).unwrap();
        (dir, work, folder, staging)
    }

    #[test]
    fn what_has_changed_since_the_look_stays_on_one_file_system_and_on_two() {
        for is_one in [true, false] {
            let (dir, work, folder, mut staging) = world(is_one);
            let path = dir.path().join("a");
            let new = |staging: &mut Staging| {
                let mut staged = staging.begin().unwrap();
                staged.file.write_all(b"new").unwrap();
                staged
            };
            for change in ["in place", "by rename", "gone"] {
                fs::write(&path, "seen").unwrap();
                let found = dirfd::look(&folder, "a").unwrap().unwrap();
                match change {
                    "in place" => fs::write(&path, "edited").unwrap(),
                    "by rename" => {
                        fs::write(dir.path().join("b"), "edited").unwrap();
                        fs::rename(dir.path().join("b"), &path).unwrap();
                    }
                    _ => fs::remove_file(&path).unwrap(),
                }
                let staged = new(&mut staging);
                assert!(
                    is_taken(place(staged, &folder, "a", Some(&found))),
                    "{change}"
                );
                let taken = take_away(&mut staging, &folder, "a", &found);
                if change == "gone" {
                    assert!(taken.is_err() && !path.exists());
                } else {
                    assert_eq!(taken, Err(Errno::EXIST), "{change}");
                    assert_eq!(fs::read_to_string(&path).unwrap(), "edited");
                    let staged = new(&mut staging);
                    assert!(is_taken(place(staged, &folder, "a", None)));
                }
            }
            fs::write(&path, "seen").unwrap();
            let found = dirfd::look(&folder, "a").unwrap().unwrap();
            let staged = new(&mut staging);
            let inode = place(staged, &folder, "a", Some(&found)).unwrap();
            let found = dirfd::look(&folder, "a").unwrap().unwrap();
            assert_eq!(inode, dirfd::inode(&found));
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            take_away(&mut staging, &folder, "a", &found).unwrap();
            place(new(&mut staging), &folder, "a", None).unwrap();
            let left = |dir: &tempfile::TempDir| fs::read_dir(dir.path()).unwrap().count();
            assert_eq!((left(&dir), left(&work)), (1, 0));
        }
    }
}
