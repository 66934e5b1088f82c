//! Paths below a folder, opened through directory handles one segment at a time, so that no
//! symbolic link is ever followed.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::fs::sha256::hex;
use crate::names::FileName;
use crate::platform;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// Opens a folder that the user named; this path alone may lead through symbolic links.
///
/// # Errors
///
/// The system's error.
pub fn open_root(dir: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        dir,
        OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens a folder inside another; a symbolic link is refused.
///
/// # Errors
///
/// `ENOENT` if there is nothing, `ELOOP` or `ENOTDIR` if it is not a folder, or another error of
/// the system.
pub fn open_folder(parent: impl AsFd, segment: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, segment, flags, Mode::empty())
}

/// Opens the folder that holds a file, and returns it with the file's last segment.
///
/// # Errors
///
/// As [`open_folder`].
pub fn open_parent<'a>(root: &OwnedFd, name: &'a FileName) -> Result<(OwnedFd, &'a str), Errno> {
    let (parent, leaf) = name.split();
    Ok((open_below(root, parent)?, leaf))
}

/// Opens a folder below the root by its full name; `""` is the root itself.
///
/// # Errors
///
/// As [`open_folder`].
pub fn open_below(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let mut folder = rustix::io::fcntl_dupfd_cloexec(root, 0)?;
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        folder = open_folder(&folder, segment)?;
    }
    Ok(folder)
}

/// What is in a place, without following symbolic links; `None` if it is empty.
///
/// # Errors
///
/// The system's error.
pub fn look(folder: impl AsFd, segment: &str) -> Result<Option<Stat>, Errno> {
    match statat(folder, segment, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading. Anything else is refused, and opening a pipe does not wait.
///
/// # Errors
///
/// The system's error; `ELOOP` for a symbolic link, `EINVAL` for anything else that is not a file.
pub fn open_file(folder: impl AsFd, segment: &str) -> Result<File, Errno> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(folder, segment, flags, Mode::empty())?;
    if kind(&fstat(&file)?) == FileType::RegularFile {
        Ok(File::from(file))
    } else {
        Err(Errno::INVAL)
    }
}

/// Opens a regular file by a path that may lead through symbolic links. Returns `None` if there is
/// nothing to read: no file, a folder, or `/dev/null`.
///
/// # Errors
///
/// The system's error; `InvalidInput` for a pipe or a device, for which we would have to wait.
pub fn open_elsewhere(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        // A socket.
        Err(Errno::NXIO) => return Err(io::Error::new(io::ErrorKind::InvalidInput, NO_FILE)),
        Err(error) => return Err(error.into()),
    };
    let stat = fstat(&file)?;
    match kind(&stat) {
        FileType::RegularFile => Ok(Some(file)),
        FileType::Directory => Ok(None),
        FileType::CharacterDevice if platform::is_null_device(&stat) => Ok(None),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, NO_FILE)),
    }
}

/// The error text for something that may never end.
const NO_FILE: &str = "it is a pipe or a device, and only files are read";

/// The kind of file that a stat describes.
pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The names in a folder, sorted, without `.` and `..`.
///
/// # Errors
///
/// The system's error.
pub fn entries(folder: &OwnedFd) -> std::io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(std::ffi::OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Identifies a file, whatever its name.
pub fn inode(stat: &Stat) -> (u64, u64) {
    (platform::device(stat), stat.st_ino)
}

/// Reads a file to its end, and returns its size and its SHA-256 in lower-case hex.
///
/// # Errors
///
/// The system's error.
pub fn fingerprint(file: File) -> io::Result<(u64, String)> {
    fingerprint_until(&CancellationToken::new(), file)
}

/// As [`fingerprint`], but stops when `stop` is cancelled: a file may be long.
///
/// # Errors
///
/// The system's error, or `Interrupted` if it was stopped.
pub fn fingerprint_until(stop: &CancellationToken, mut file: File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if stop.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((size, hex(&hash.finalize())))
}

/// A file whose reading fails once `stop` is cancelled.
pub struct ReadUntil<'a> {
    /// Checked before each read.
    pub stop: &'a CancellationToken,
    /// The file.
    pub file: File,
}

impl Read for ReadUntil<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            // Callers would retry after `Interrupted`.
            return Err(io::Error::other("stopped"));
        }
        self.file.read(buffer)
    }
}
