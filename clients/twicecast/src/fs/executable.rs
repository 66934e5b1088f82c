//! The executable bit, which the protocol knows as one: the owner's, the group's and the others'
//! together, as far as the file may be read by them.

use std::fs::File;
use std::io;

use rustix::fs::{Mode, Stat, fchmod, fstat};

const READ: u32 = 0o444;
const EXECUTE: u32 = 0o111;
const OWNER: u32 = 0o100;

/// Whether its owner may execute a file.
pub fn is_set(stat: &Stat) -> bool {
    stat.st_mode & OWNER != 0
}

/// A file's permissions with the bit set or cleared, and all others as they are.
pub fn with(mode: u32, executable: bool) -> u32 {
    let mode = mode & 0o777;
    match (executable, mode & OWNER != 0) {
        (true, false) => mode | ((mode & READ) >> 2),
        (false, true) => mode & !EXECUTE,
        _ => mode,
    }
}

/// Sets or clears the bit of an open file. Returns whether that changed anything.
///
/// # Errors
///
/// The system's own.
pub fn set(file: &File, executable: bool) -> io::Result<bool> {
    let stat = fstat(file)?;
    if is_set(&stat) == executable {
        return Ok(false);
    }
    let mode = with(stat.st_mode, executable);
    fchmod(file, Mode::from_raw_mode(mode))?;
    Ok(true)
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
}
