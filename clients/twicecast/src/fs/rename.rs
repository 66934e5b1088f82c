//! Moves files by directory handles, so that nothing is overwritten unnoticed.

use std::os::fd::AsFd;

use rustix::fs::{RenameFlags, renameat, renameat_with};
use rustix::io::Errno;

use crate::fs::dirfd;

/// Moves a file to a name that is free.
///
/// # Errors
///
/// `EEXIST` if the name is taken, or another error of the system.
pub fn to_free_name(
    from: impl AsFd,
    name: &str,
    folder: impl AsFd,
    leaf: &str,
) -> Result<(), Errno> {
    match renameat_with(&from, name, &folder, leaf, RenameFlags::NOREPLACE) {
        Err(error) if has_no_flags(error) => match dirfd::look(&folder, leaf)? {
            None => renameat(from, name, folder, leaf),
            Some(_) => Err(Errno::EXIST),
        },
        other => other,
    }
}

/// Whether two files were swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// Each is where the other was.
    Done,
    /// The file system cannot swap files; nothing was done.
    Unsupported,
}

/// Swaps two files.
///
/// # Errors
///
/// The system's error; `ENOENT` if one of the two is missing.
pub fn swap(from: impl AsFd, name: &str, folder: impl AsFd, leaf: &str) -> Result<Swap, Errno> {
    match renameat_with(from, name, folder, leaf, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Swap::Done),
        Err(error) if has_no_flags(error) => Ok(Swap::Unsupported),
        Err(error) => Err(error),
    }
}

/// Some file systems support none of the flags of `renameat2`.
fn has_no_flags(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_moved_only_to_a_free_name_and_two_are_swapped() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dirfd::open_root(dir.path()).unwrap();
        let is = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
        fs::write(dir.path().join("a"), "1").unwrap();
        fs::write(dir.path().join("b"), "2").unwrap();
        assert_eq!(to_free_name(&folder, "a", &folder, "b"), Err(Errno::EXIST));
        assert_eq!(
            (is("a").as_deref(), is("b").as_deref()),
            (Some("1"), Some("2"))
        );
        if swap(&folder, "a", &folder, "b").unwrap() == Swap::Done {
            assert_eq!(
                (is("a").as_deref(), is("b").as_deref()),
                (Some("2"), Some("1"))
            );
        }
        assert_eq!(swap(&folder, "a", &folder, "none"), Err(Errno::NOENT));
        to_free_name(&folder, "a", &folder, "c").unwrap();
        assert_eq!((is("a"), is("c").is_some()), (None, true));
    }
}
