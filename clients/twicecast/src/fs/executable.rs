//! The executable bit. The protocol knows one; here it stands for those of the owner, the group and
//! all others, as far as they may read the file.

use std::fs::File;
use std::io;

use rustix::fs::{Stat, fchmod, fstat};
use rustix::io::Errno;

use crate::platform;

const READ: u32 = 0o444;
const EXECUTE: u32 = 0o111;
const OWNER: u32 = 0o100;

/// Whether its owner may execute a file.
pub fn is_set(stat: &Stat) -> bool {
    platform::mode(stat) & OWNER != 0
}

/// A file's permissions with the executable bit set or cleared, and all others unchanged.
pub fn with(mode: u32, executable: bool) -> u32 {
    let mode = mode & 0o777;
    match (executable, mode & OWNER != 0) {
        (true, false) => mode | ((mode & READ) >> 2),
        (false, true) => mode & !EXECUTE,
        _ => mode,
    }
}

/// Sets or clears the bit of an open file. Returns whether that changed anything; it does not on a
/// file system that stores no such bits.
///
/// # Errors
///
/// The system's error.
pub fn set(file: &File, executable: bool) -> io::Result<bool> {
    let stat = fstat(file)?;
    if is_set(&stat) == executable {
        return Ok(false);
    }
    set_mode(file, with(platform::mode(&stat), executable))
}

/// Sets all permissions of an open file. Returns whether the file system could.
///
/// # Errors
///
/// The system's error.
pub fn set_mode(file: &File, mode: u32) -> io::Result<bool> {
    match fchmod(file, platform::permissions(mode)) {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether the file system stores the bit; the file is changed to find out, so it must be our own.
///
/// # Errors
///
/// The system's error.
pub fn is_kept(file: &File) -> io::Result<bool> {
    let before = is_set(&fstat(file)?);
    let is_changed = set(file, !before)? && is_set(&fstat(file)?) != before;
    set(file, before)?;
    Ok(is_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_may_execute_and_the_other_bits_stay() {
        for (before, executable, after) in [
            (0o644, true, 0o755),
            (0o640, true, 0o750),
            (0o600, true, 0o700),
            (0o755, false, 0o644),
            (0o711, false, 0o600),
            (0o744, true, 0o744),
            (0o654, false, 0o654),
            (0o10_0664, true, 0o775),
        ] {
            assert_eq!(with(before, executable), after, "{before:o}");
        }
    }

    #[test]
    fn a_probe_leaves_the_bit_as_it_was() {
        let file = tempfile::tempfile().unwrap();
        for executable in [false, true] {
            set(&file, executable).unwrap();
            assert!(is_kept(&file).unwrap());
            assert_eq!(is_set(&fstat(&file).unwrap()), executable);
        }
    }
}
