//! Writes a file into the folder: completely or not at all, never through a symbolic link, and
//! never over a file that has changed since it was read.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::fs::rename::Swap;
use crate::fs::{dirfd, executable, rename};
use crate::names::{FileName, OWN_PREFIX, shown};
use crate::platform;

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// A file's content and bit, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its content.
    pub content: Vec<u8>,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// A file that was taken out of the folder, still open because a program that had opened it may
/// still write to it. It is removed when this is dropped, unless it was moved elsewhere.
#[derive(Debug)]
pub struct Replaced {
    file: File,
    /// Where it is kept, under another name; `None` on a file system that cannot swap two files.
    aside: Option<(OwnedFd, String)>,
}

impl Replaced {
    /// Moves the file itself over another one outside the folder. Returns whether that was
    /// possible: it is not to another file system, nor if the file has a second name, under which
    /// it lives on.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn move_over(&mut self, path: &Path) -> io::Result<bool> {
        let Some((folder, leaf)) = &self.aside else {
            return Ok(false);
        };
        self.file.sync_all()?;
        if fstat(&self.file)?.st_nlink > 1 {
            return Ok(false);
        }
        match renameat(folder, leaf.as_str(), CWD, path) {
            Ok(()) => {
                self.aside = None;
                Ok(true)
            }
            Err(Errno::XDEV) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Its present content.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn content(&mut self) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(0))?;
        content(&self.file)
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        if let Some((folder, leaf)) = &self.aside {
            let _ = unlinkat(folder, leaf.as_str(), AtFlags::empty());
        }
    }
}

/// Reads a file of the folder, if there is one.
///
/// # Errors
///
/// If something other than a file is there, or the system's error.
pub fn read(root: &OwnedFd, name: &FileName) -> io::Result<Option<Found>> {
    let opened =
        dirfd::open_parent(root, name).and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
    match opened {
        Ok(file) => Ok(Some(Found {
            executable: executable::is_set(&fstat(&file)?),
            content: content(&file)?,
        })),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(in_the_way(root, name).unwrap_or_else(|| error.into())),
    }
}

/// Whether an error of [`read`] or [`write()`] means that something else is in the place of the
/// file or of a folder above it.
pub fn is_in_the_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

/// The error for something that is in the place of a file, or of a folder above it, and is neither.
fn in_the_way(root: &OwnedFd, name: &FileName) -> Option<io::Error> {
    let what = |full: &str| {
        let (parent, leaf) = full.rsplit_once('/')?;
        let folder = dirfd::open_below(root, parent).ok()?;
        Some(dirfd::kind(&dirfd::look(folder, leaf).ok()??))
    };
    let found = |full: &str, wanted: FileType| what(full).filter(|kind| *kind != wanted);
    let above = name.folders().map(|full| (full, FileType::Directory));
    let mut all = above.chain([(name.as_str(), FileType::RegularFile)]);
    let (full, wanted, is) =
        all.find_map(|(full, wanted)| Some((full, wanted, found(full, wanted)?)))?;
    let word = |kind| match kind {
        FileType::Directory => "a folder",
        FileType::RegularFile => "a file",
        FileType::Symlink => "a link",
        _ => "something else",
    };
    let full = shown(full);
    Some(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!(
            "{full} is {} here and would have to be {}; move it away, then try again",
            word(is),
            word(wanted)
        ),
    ))
}

fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it has more than 512 MiB"));
    }
    Ok(content)
}

/// Replaces a file whose content was read as `ours`, or makes one if `ours` is `None`. Returns the
/// replaced file. Its permissions stay, except for the executable bit if `executable` sets it.
/// `temporary` is a name that nobody else uses in that folder.
///
/// # Errors
///
/// If the file cannot be written or has changed; then it stays as it is.
pub fn write(
    root: &OwnedFd,
    name: &FileName,
    ours: Option<&[u8]>,
    content: &[u8],
    executable: Option<bool>,
    temporary: &str,
) -> io::Result<Option<Replaced>> {
    let folder = make_folders(root, name)?;
    let (_, leaf) = name.split();
    let old_mode = match dirfd::look(&folder, leaf)? {
        Some(stat) if ours.is_some() && dirfd::kind(&stat) == FileType::RegularFile => {
            Some(platform::permissions(platform::mode(&stat) & 0o777))
        }
        None if ours.is_none() => None,
        _ => return Err(changed()),
    };
    if let Err(error) = stage(&folder, temporary, old_mode, content, executable) {
        let _ = unlinkat(&folder, temporary, AtFlags::empty());
        return Err(error);
    }
    let put = match ours {
        None => to_free_place(&folder, temporary, leaf).map(|()| None),
        Some(ours) => exchange(folder.try_clone()?, temporary, leaf, ours).map(Some),
    };
    // If the swap could not be undone, another program's file may have this name; it stays.
    if put.is_err() && opened(&folder, temporary, content).is_some() {
        let _ = unlinkat(&folder, temporary, AtFlags::empty());
    }
    put
}

/// Sets or clears the executable bit of a file.
///
/// # Errors
///
/// The system's error, also if the file is gone or is no longer a file.
pub fn set_executable(root: &OwnedFd, name: &FileName, executable: bool) -> io::Result<()> {
    let (folder, leaf) = dirfd::open_parent(root, name)?;
    executable::set(&dirfd::open_file(&folder, leaf)?, executable).map(|_| ())
}

/// Removes a file whose content was read as `ours`, and returns it. Until that is dropped or moved,
/// it stays in its folder under the name `aside`, which nobody else uses there.
///
/// # Errors
///
/// If the file cannot be removed or has changed; then it stays as it is.
pub fn remove(root: &OwnedFd, name: &FileName, ours: &[u8], aside: &str) -> io::Result<Replaced> {
    let (folder, leaf) = dirfd::open_parent(root, name)?;
    to_free_place(&folder, leaf, aside)?;
    let Some(file) = opened(&folder, aside, ours) else {
        return match to_free_place(&folder, aside, leaf) {
            Ok(()) => Err(changed()),
            Err(error) => Err(io::Error::other(format!(
                "it has changed in this very moment, and is now called {aside} ({error})"
            ))),
        };
    };
    let aside = Some((folder, aside.to_owned()));
    Ok(Replaced { file, aside })
}

/// Removes the folders above a removed file, from the innermost up, as long as they are empty.
pub fn prune(root: &OwnedFd, name: &FileName) {
    for full in name.folders().rev() {
        let (parent, leaf) = full.rsplit_once('/').unwrap_or(("", full));
        let removed = dirfd::open_below(root, parent)
            .and_then(|parent| unlinkat(&parent, leaf, AtFlags::REMOVEDIR));
        if removed.is_err() {
            return;
        }
    }
}

fn changed() -> io::Error {
    io::Error::other("it has changed in this very moment; try again")
}

/// A name that nobody else uses and that we never send.
pub fn own_name() -> String {
    format!("{OWN_PREFIX}{}.tmp", uuid::Uuid::new_v4().simple())
}

fn make_folders(root: &OwnedFd, name: &FileName) -> io::Result<OwnedFd> {
    let mut folder = dirfd::open_below(root, "")?;
    for full in name.folders() {
        let segment = full.rsplit('/').next().unwrap_or_default();
        match mkdirat(&folder, segment, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder = match dirfd::open_folder(&folder, segment) {
            Ok(folder) => folder,
            Err(error) => return Err(in_the_way(root, name).unwrap_or_else(|| error.into())),
        };
    }
    Ok(folder)
}

/// Writes a file under a temporary name. A new one gets the permissions that the user's umask
/// leaves, like any other program's.
fn stage(
    folder: &OwnedFd,
    leaf: &str,
    old_mode: Option<Mode>,
    content: &[u8],
    executable: Option<bool>,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(if old_mode.is_some() { 0o600 } else { 0o666 });
    let mut file = File::from(openat(folder, leaf, flags, mode)?);
    file.write_all(content)?;
    if let Some(mode) = old_mode {
        fchmod(&file, mode)?;
    }
    if let Some(executable) = executable {
        executable::set(&file, executable)?;
    }
    file.sync_all()
}

/// Moves a file to a free name; if another program has taken the name by now, both stay.
fn to_free_place(folder: &OwnedFd, from: &str, to: &str) -> io::Result<()> {
    match rename::to_free_name(folder, from, folder, to) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST | Errno::NOENT) => Err(changed()),
        Err(error) => Err(error.into()),
    }
}

/// Swaps a new file with an old one, and returns the old one if it is the one that was read;
/// otherwise swaps them back.
fn exchange(folder: OwnedFd, new: &str, leaf: &str, ours: &[u8]) -> io::Result<Replaced> {
    // A change that has already happened is noticed here, so that the new file is not visible even
    // for a moment.
    let file = opened(&folder, leaf, ours).ok_or_else(changed)?;
    let swap = || rename::swap(&folder, new, &folder, leaf);
    match swap() {
        Ok(Swap::Done) => {}
        Ok(Swap::Unsupported) => {
            renameat(&folder, new, &folder, leaf)?;
            return Ok(Replaced { file, aside: None });
        }
        Err(Errno::NOENT) => return Err(changed()),
        Err(error) => return Err(error.into()),
    }
    if let Some(file) = opened(&folder, new, ours) {
        let aside = Some((folder, new.to_owned()));
        return Ok(Replaced { file, aside });
    }
    match swap() {
        Ok(_) => Err(changed()),
        Err(error) => Err(io::Error::other(format!(
            "it has changed in this very moment, and is now called {new} ({error})"
        ))),
    }
}

/// The file of that name, if it has the expected content.
fn opened(folder: &OwnedFd, leaf: &str, expected: &[u8]) -> Option<File> {
    let file = dirfd::open_file(folder, leaf).ok()?;
    content(&file)
        .is_ok_and(|found| found == expected)
        .then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn write(
        root: &OwnedFd,
        name: &FileName,
        ours: Option<&[u8]>,
        content: &[u8],
        executable: Option<bool>,
    ) -> io::Result<Option<Replaced>> {
        super::write(root, name, ours, content, executable, &own_name())
    }

    fn remove(root: &OwnedFd, name: &FileName, ours: &[u8]) -> io::Result<Replaced> {
        super::remove(root, name, ours, &own_name())
    }

    fn world() -> (tempfile::TempDir, OwnedFd) {
        let dir = tempfile::tempdir().unwrap();
        let root = dirfd::open_root(dir.path()).unwrap();
        (dir, root)
    }

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn entries(dir: &tempfile::TempDir) -> usize {
        fs::read_dir(dir.path()).unwrap().count()
    }

    #[test]
    fn a_file_is_written_removed_and_keeps_its_permissions() {
        let (dir, root) = world();
        write(&root, &name("/a/b/new"), None, b"1", None).unwrap();
        let path = dir.path().join("a/b/new");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
        write(&root, &name("/a/b/new"), Some(b"1"), b"2", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
        assert_eq!(
            read(&root, &name("/a/b/new")).unwrap().unwrap().content,
            b"2"
        );
        drop(remove(&root, &name("/a/b/new"), b"2").unwrap());
        prune(&root, &name("/a/b/new"));
        assert_eq!(entries(&dir), 0);
        assert_eq!(read(&root, &name("/a/b/new")).unwrap(), None);
    }

    #[test]
    fn what_is_not_what_was_read_stays() {
        let (dir, root) = world();
        fs::write(dir.path().join("a"), "new").unwrap();
        for ours in [None, Some(&b"old"[..])] {
            let error = write(&root, &name("/a"), ours, b"theirs", None).unwrap_err();
            assert!(error.to_string().contains("try again"), "{error}");
        }
        let error = remove(&root, &name("/a"), b"old").unwrap_err();
        assert!(error.to_string().contains("try again"), "{error}");
        assert!(write(&root, &name("/gone"), Some(b"old"), b"theirs", None).is_err());
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
        assert_eq!(entries(&dir), 1);
    }

    #[test]
    fn what_came_or_changed_after_the_last_look_stays() {
        let (dir, root) = world();
        let at = |leaf: &str| dir.path().join(leaf);
        fs::write(at("a"), "came").unwrap();
        fs::write(at("new"), "theirs").unwrap();
        assert!(to_free_place(&root, "new", "a").is_err());
        let exchange = |ours| exchange(root.try_clone().unwrap(), "new", "a", ours);
        assert!(exchange(b"old").is_err());
        assert_eq!(fs::read(at("a")).unwrap(), b"came");
        assert_eq!(fs::read(at("new")).unwrap(), b"theirs");
        drop(exchange(b"came").unwrap());
        assert_eq!(fs::read(at("a")).unwrap(), b"theirs");
        assert_eq!(entries(&dir), 1);
    }

    #[test]
    fn the_executable_bit_is_set_and_cleared_and_else_stays() {
        let (dir, root) = world();
        let mode = || {
            fs::metadata(dir.path().join("a"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        write(&root, &name("/a"), None, b"1", Some(true)).unwrap();
        assert_eq!(mode() & 0o100, 0o100);
        write(&root, &name("/a"), Some(b"1"), b"2", None).unwrap();
        assert!(read(&root, &name("/a")).unwrap().unwrap().executable);
        write(&root, &name("/a"), Some(b"2"), b"3", Some(false)).unwrap();
        assert_eq!(mode() & 0o111, 0);
        set_executable(&root, &name("/a"), true).unwrap();
        assert_eq!(mode() & 0o100, 0o100);
    }

    #[test]
    fn links_are_neither_followed_nor_replaced() {
        let (dir, root) = world();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a"), "mine").unwrap();
        symlink(outside.path(), dir.path().join("folder")).unwrap();
        symlink(outside.path().join("a"), dir.path().join("a")).unwrap();
        for name in [name("/folder/a"), name("/a")] {
            assert!(read(&root, &name).is_err());
            assert!(write(&root, &name, Some(b"mine"), b"theirs", None).is_err());
            assert!(write(&root, &name, None, b"theirs", None).is_err());
            assert!(remove(&root, &name, b"mine").is_err());
        }
        assert!(write(&root, &name("/folder/b"), None, b"theirs", None).is_err());
        assert_eq!(fs::read(outside.path().join("a")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(entries(&dir), 2);
    }
}
