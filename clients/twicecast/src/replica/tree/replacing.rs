//! Moves a file into a place, or out of one. If the place has changed since it was looked at, what
//! is there stays, and the error is `EEXIST`.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::fs::rename::Swap;
use crate::fs::{dirfd, executable, rename};
use crate::names::OWN_PREFIX;
use crate::platform;
use crate::replica::staging::{Staged, Staging};

/// Moves a file into a place and replaces `found`, or moves it into an empty place. Returns the
/// inode that is there now.
///
/// # Errors
///
/// The system's error, as an [`Errno`] if it has one.
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

/// If the folder is on another file system, a copy is moved into the place.
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
        .and_then(|_| Ok(platform::mode(&fstat(&staged.file)?) & 0o777))
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
        Some(found) => {
            let is_same = |folder: BorrowedFd<'_>, leaf: &str| check(folder, leaf, found);
            replace(from.as_fd(), name, folder.as_fd(), leaf, is_same)
        }
    }
}

/// Swaps a file into its place. `is_same` says whether what is in a place is what was looked at.
fn replace(
    from: BorrowedFd<'_>,
    name: &str,
    folder: BorrowedFd<'_>,
    leaf: &str,
    is_same: impl Fn(BorrowedFd<'_>, &str) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let swap = || rename::swap(from, name, folder, leaf);
    let own = dirfd::look(from, name)?.map(|stat| dirfd::inode(&stat));
    match swap() {
        Ok(Swap::Done) => {}
        Ok(Swap::Unsupported) => {
            is_same(folder, leaf)?;
            return renameat(from, name, folder, leaf);
        }
        Err(Errno::NOENT) => return Err(Errno::EXIST),
        Err(error) => return Err(error),
    }
    if is_same(from, name).is_err() {
        // The edited file now has our temporary name, under which it would be removed. It goes
        // back, or, if an editor has just moved our file away, to the free place.
        if !matches!(swap(), Ok(Swap::Done)) {
            let _ = rename::to_free_name(from, name, folder, leaf);
        }
        // If something else that is not ours has the temporary name now, it gets a name of its own.
        let there = dirfd::look(from, name)?.map(|stat| dirfd::inode(&stat));
        if there.is_some() && there != own {
            rename::to_free_name(from, name, from, &aside())?;
        }
        return Err(Errno::EXIST);
    }
    // What cannot be removed now is removed at the next start.
    let _ = unlinkat(from, name, AtFlags::empty());
    Ok(())
}

/// A name that nobody else uses and that we never remove.
fn aside() -> String {
    format!("leaving-{}", uuid::Uuid::new_v4().simple())
}

/// Removes what `found` describes, by moving it into the work folder first.
pub fn take_away(
    staging: &Staging,
    folder: &OwnedFd,
    leaf: &str,
    found: &Stat,
) -> Result<(), Errno> {
    let aside = aside();
    let work = staging.folder();
    match renameat(folder, leaf, work, aside.as_str()) {
        Ok(()) => {}
        // The folder is on another file system.
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

/// Compares what a rename does not change.
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

    /// A folder, and a work folder on the same file system or on another.
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
                let taken = take_away(&staging, &folder, "a", &found);
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
            take_away(&staging, &folder, "a", &found).unwrap();
            place(new(&mut staging), &folder, "a", None).unwrap();
            let left = |dir: &tempfile::TempDir| fs::read_dir(dir.path()).unwrap().count();
            assert_eq!((left(&dir), left(&work)), (1, 0));
        }
    }

    #[test]
    fn an_edited_file_is_kept_though_its_place_was_taken_away_or_taken_meanwhile() {
        for is_taken in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let folder = dirfd::open_root(dir.path()).unwrap();
            let at = |name: &str| dir.path().join(name);
            fs::write(at("incoming"), "new").unwrap();
            fs::write(at("file"), "edited").unwrap();
            // This happens between the two swaps.
            let moved_away = |_: BorrowedFd<'_>, _: &str| {
                fs::rename(at("file"), at("file~")).unwrap();
                if is_taken {
                    fs::write(at("file"), "another").unwrap();
                }
                Err(Errno::EXIST)
            };
            let folder = folder.as_fd();
            let replaced = replace(folder, "incoming", folder, "file", moved_away);
            assert_eq!(replaced, Err(Errno::EXIST));
            assert_eq!(fs::read(at("file~")).unwrap(), b"new");
            assert_eq!(fs::read(at("file")).unwrap(), b"edited");
            // Nothing is left under the temporary name, which would be removed.
            assert!(!at("incoming").exists());
            let all = fs::read_dir(dir.path()).unwrap();
            let all = all.map(|entry| fs::read(entry.unwrap().path()).unwrap());
            let another = all.filter(|content| content == b"another").count();
            assert_eq!(another, usize::from(is_taken));
        }
    }
}
