//! Moving a file into a place, or out of one, so that what has changed there since it was looked at
//! stays. `EEXIST` says that it has.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, RenameFlags, Stat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;

use crate::fs::dirfd;
use crate::replica::staging::{Staged, Staging};

/// Moves a file to where nothing lies.
pub fn to_free_place(staged: &Staged, folder: &OwnedFd, leaf: &str) -> Result<(), Errno> {
    move_there(staged.folder(), staged.name(), folder, leaf)
}

/// Moves a file to where `found` lies, which goes.
pub fn replace(staged: &Staged, folder: &OwnedFd, leaf: &str, found: &Stat) -> Result<(), Errno> {
    let (work, name) = (staged.folder(), staged.name());
    let swap = || renameat_with(work, name, folder, leaf, RenameFlags::EXCHANGE);
    match swap() {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(Errno::EXIST),
        Err(error) if has_no_flags(error) => {
            check(folder, leaf, found)?;
            return renameat(work, name, folder, leaf);
        }
        Err(error) => return Err(error),
    }
    if check(work, name, found).is_err() {
        swap()?;
        return Err(Errno::EXIST);
    }
    // What cannot be removed now is swept at the next start.
    let _ = unlinkat(work, name, AtFlags::empty());
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
        move_there(work, &aside, folder, leaf)?;
        return Err(Errno::EXIST);
    }
    unlinkat(work, aside.as_str(), AtFlags::empty())
}

fn move_there(from: impl AsFd, name: &str, folder: &OwnedFd, leaf: &str) -> Result<(), Errno> {
    match renameat_with(&from, name, folder, leaf, RenameFlags::NOREPLACE) {
        Err(error) if has_no_flags(error) => match dirfd::look(folder, leaf)? {
            None => renameat(from, name, folder, leaf),
            Some(_) => Err(Errno::EXIST),
        },
        other => other,
    }
}

/// Some file systems know none of the flags of `renameat2`.
fn has_no_flags(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
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

    #[test]
    fn what_has_changed_since_the_look_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dirfd::open_root(dir.path()).unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        let work = dirfd::open_folder(&folder, "work").unwrap();
        let mut staging = Staging::new(work).unwrap();
        let path = dir.path().join("a");
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
            let mut staged = staging.begin().unwrap();
            staged.file.write_all(b"new").unwrap();
            let replaced = replace(&staged, &folder, "a", &found);
            assert_eq!(replaced, Err(Errno::EXIST), "{change}");
            let taken = take_away(&mut staging, &folder, "a", &found);
            if change == "gone" {
                assert_eq!(taken, Err(Errno::NOENT));
                assert!(!path.exists());
            } else {
                assert_eq!(taken, Err(Errno::EXIST), "{change}");
                assert_eq!(fs::read_to_string(&path).unwrap(), "edited");
                let occupied = to_free_place(&staged, &folder, "a");
                assert_eq!(occupied, Err(Errno::EXIST));
            }
        }
        fs::write(&path, "seen").unwrap();
        let found = dirfd::look(&folder, "a").unwrap().unwrap();
        take_away(&mut staging, &folder, "a", &found).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read_dir(dir.path().join("work")).unwrap().count(), 0);
    }
}
