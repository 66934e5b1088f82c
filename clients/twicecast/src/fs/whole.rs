//! Writes small files of our own, completely or not at all, that only the user can read.

use std::fs::{DirBuilder, File};
use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat, renameat};

/// Writes a file in one of the user's own folders; the folder is made if it is missing.
///
/// # Errors
///
/// The system's error.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut folders = DirBuilder::new();
    folders.recursive(true).mode(0o700).create(folder)?;
    // Even if others may read the folder, only the owner may read the file.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// Writes a file in an open folder; it is called `temporary` until it is complete.
///
/// # Errors
///
/// The system's error.
pub fn write_in(folder: &OwnedFd, temporary: &str, name: &str, content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
    let mode = Mode::from_raw_mode(0o600);
    let opened = openat(folder, temporary, flags | OFlags::CLOEXEC, mode)?;
    File::from(opened).write_all(content)?;
    Ok(renameat(folder, temporary, folder, name)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_the_users_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, path) = (dir.path().join("a/b"), dir.path().join("a/b/c"));
        write(&path, b"longer").unwrap();
        write(&path, b"new").unwrap();
        let handle = crate::fs::dirfd::open_root(&folder).unwrap();
        write_in(&handle, "tmp", "d", b"longer").unwrap();
        write_in(&handle, "tmp", "d", b"new").unwrap();
        for name in ["c", "d"] {
            assert_eq!(fs::read(folder.join(name)).unwrap(), b"new", "{name}");
            let mode = fs::metadata(folder.join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
