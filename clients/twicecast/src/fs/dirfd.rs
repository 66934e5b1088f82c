//! Places below a folder, reached by directory handles one segment at a time, so that no link on
//! the way is ever followed.

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

/// Opens a folder that the user named; this one path may lead through links.
///
/// # Errors
///
/// The system's own.
pub fn open_root(dir: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        dir,
        OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens a folder inside another; a link is refused.
///
/// # Errors
///
/// `ENOENT` if there is nothing, `ELOOP` or `ENOTDIR` if it is no folder, and the system's other
/// ones.
pub fn open_folder(parent: impl AsFd, segment: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, segment, flags, Mode::empty())
}

/// Opens the folder that holds a file, and gives back the file's last segment.
///
/// # Errors
///
/// As [`open_folder`].
pub fn open_parent<'a>(root: &OwnedFd, name: &'a FileName) -> Result<(OwnedFd, &'a str), Errno> {
    let (parent, leaf) = name.split();
    Ok((open_below(root, parent)?, leaf))
}

/// Opens a folder below the root by its full name, `""` being the root itself.
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

/// What lies at a place, links not followed; `None` if nothing does.
///
/// # Errors
///
/// The system's own.
pub fn look(folder: impl AsFd, segment: &str) -> Result<Option<Stat>, Errno> {
    match statat(folder, segment, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading; anything else is refused, and a pipe does not make us wait.
///
/// # Errors
///
/// The system's own; `ELOOP` for a link, `EINVAL` for what is no file.
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

/// Opens a regular file by a path that may lead through links; `None` where nothing is to be read:
/// it is not there, a folder, or `/dev/null`.
///
/// # Errors
///
/// The system's own; `InvalidInput` for a pipe or a device, which would make us wait.
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

/// What is said of what cannot be read to an end.
const NO_FILE: &str = "it is a pipe or a device, and only files are read";

/// The kind of thing that a stat is about.
pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The names of what a folder holds, sorted, without `.` and `..`.
///
/// # Errors
///
/// The system's own.
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

/// What makes two names the same file.
pub fn inode(stat: &Stat) -> (u64, u64) {
    (platform::device(stat), stat.st_ino)
}

/// Reads a file to its end and gives its size and its SHA-256 in lower-case hex.
///
/// # Errors
///
/// The system's own.
pub fn fingerprint(file: File) -> io::Result<(u64, String)> {
    fingerprint_until(&CancellationToken::new(), file)
}

/// As [`fingerprint`], but gives up as soon as somebody wants an end: a file may be long.
///
/// # Errors
///
/// The system's own, and `Interrupted` where it gave up.
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

/// A file that ends with an error once somebody wants an end of reading.
pub struct ReadUntil<'a> {
    /// Asked before each piece.
    pub stop: &'a CancellationToken,
    /// The file.
    pub file: File,
}

impl Read for ReadUntil<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            // `Interrupted` would be tried again.
            return Err(io::Error::other("stopped"));
        }
        self.file.read(buffer)
    }
}
