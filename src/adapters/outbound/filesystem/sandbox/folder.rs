//! The sandbox: folders held open, reached one component at a time, no link ever followed.
//!
//! Every operation takes one component and works relative to an open folder, so nothing outside is
//! touched, whatever name arrives here and even if somebody swaps folders for links in the
//! meantime.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::{Errno, Result};

use crate::adapters::outbound::filesystem::projects::versions::FileState;

/// Permissions of the server's own files.
pub(crate) const PRIVATE_FILE: Mode = Mode::from_raw_mode(0o600);
/// Permissions of the server's own folders.
pub(crate) const PRIVATE_FOLDER: Mode = Mode::from_raw_mode(0o700);
/// Permissions of a project's files, before the umask.
pub(crate) const FILE: Mode = Mode::from_raw_mode(0o644);
/// Permissions of a project's folders, before the umask.
pub(crate) const FOLDER: Mode = Mode::from_raw_mode(0o755);

/// The deepest tree that [`Folder::remove_tree`] removes: far deeper than a project may be.
const MAX_REMOVED_DEPTH: usize = 256;

/// What a name in a folder refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file of this many bytes.
    File(u64),
    /// A folder.
    Folder,
    /// A link or a special file.
    Other,
}

/// A folder held open.
#[derive(Debug, Clone)]
pub(crate) struct Folder(Arc<OwnedFd>);

impl Folder {
    /// Opens the folder at a path that the operator chose; links in it are followed.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self(Arc::new(opened)))
    }

    /// Opens a folder in this one.
    pub fn folder(&self, name: &str) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        Ok(Self(Arc::new(self.open_at(name, flags, Mode::empty())?)))
    }

    /// Opens the folder below this one that `segments` lead to.
    pub fn descend<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        segments
            .into_iter()
            .try_fold(self.clone(), |folder, segment| folder.folder(segment))
    }

    /// Creates a folder in this one; returns whether nothing of that name existed.
    pub fn make_folder(&self, name: &str, mode: Mode) -> Result<bool> {
        match rustix::fs::mkdirat(self, component(name)?, mode) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes sure that there is a folder of that name, and opens it; syncs it if it is new.
    pub fn own_folder(&self, name: &str) -> Result<Self> {
        if self.make_folder(name, PRIVATE_FOLDER)? {
            self.sync()?;
        }
        self.folder(name)
    }

    /// Opens a regular file for reading; anything else counts as absent. Never blocks, not even on
    /// a FIFO.
    pub fn file(&self, name: &str) -> Result<File> {
        self.file_and_metadata(name).map(|(file, _)| file)
    }

    /// Like [`file`](Self::file), with the system's metadata.
    pub fn file_and_metadata(&self, name: &str) -> Result<(File, Metadata)> {
        let file = File::from(self.open_at(name, OFlags::RDONLY, Mode::empty())?);
        must_be_regular(file)
    }

    /// Like [`file_and_metadata`](Self::file_and_metadata); a file with a second hard link counts
    /// as absent, for its content may lie anywhere on the same file system.
    pub fn sole_file(&self, name: &str) -> Result<(File, Metadata)> {
        let (file, metadata) = self.file_and_metadata(name)?;
        if metadata.nlink() > 1 {
            return Err(Errno::NOENT);
        }
        Ok((file, metadata))
    }

    /// Creates a file that must not exist yet and opens it for writing.
    pub fn create(&self, name: &str, mode: Mode) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        Ok(File::from(self.open_at(name, flags, mode)?))
    }

    /// Opens a regular file for appending, and creates it if `mode` is given and it is missing.
    pub fn append(&self, name: &str, mode: Option<Mode>) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let (flags, mode) = match mode {
            Some(mode) => (flags | OFlags::CREATE, mode),
            None => (flags, Mode::empty()),
        };
        let (file, _) = must_be_regular(File::from(self.open_at(name, flags, mode)?))?;
        Ok(file)
    }

    fn open_at(&self, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let always = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        rustix::fs::openat(self, component(name)?, flags | always, mode)
    }

    /// What `name` refers to here, without following links (a file with a second hard link is one);
    /// `None` if it does not exist.
    pub fn kind(&self, name: &str) -> Result<Option<Kind>> {
        let stat = self.stat(name)?;
        Ok(
            stat.map(|stat| match FileType::from_raw_mode(stat.st_mode) {
                _ if is_sole_file(&stat) => Kind::File(u64::try_from(stat.st_size).unwrap_or(0)),
                FileType::Directory => Kind::Folder,
                _ => Kind::Other,
            }),
        )
    }

    /// The state of a regular file with no second hard link. `None` if `name` is anything else, or
    /// nothing.
    pub fn file_state(&self, name: &str) -> Result<Option<FileState>> {
        let stat = self.stat(name)?.filter(is_sole_file);
        Ok(stat.map(|stat| {
            let bytes = u64::try_from(stat.st_size).unwrap_or(0);
            FileState::new(bytes, (stat.st_mtime, stat.st_mtime_nsec), stat.st_mode)
        }))
    }

    fn stat(&self, name: &str) -> Result<Option<Stat>> {
        match rustix::fs::statat(self, component(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves `name` to `new` in `to`, replacing an existing file.
    pub fn rename(&self, name: &str, to: &Self, new: &str) -> Result<()> {
        rustix::fs::renameat(self, component(name)?, to, component(new)?)
    }

    /// Moves `name` to `new` in `to`; `EXIST` if something already exists there.
    pub fn rename_new(&self, name: &str, to: &Self, new: &str) -> Result<()> {
        match self.rename_with(name, to, new, RenameFlags::NOREPLACE) {
            // This file system cannot guarantee it. Callers have checked before; that must suffice
            // here.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.rename(name, to, new),
            other => other,
        }
    }

    /// Swaps `name` and `new` in `to`; `INVAL` and the like if the file system cannot.
    pub fn exchange(&self, name: &str, to: &Self, new: &str) -> Result<()> {
        self.rename_with(name, to, new, RenameFlags::EXCHANGE)
    }

    fn rename_with(&self, name: &str, to: &Self, new: &str, flags: RenameFlags) -> Result<()> {
        rustix::fs::renameat_with(self, component(name)?, to, component(new)?, flags)
    }

    /// Removes whatever `name` is, unless it is a folder.
    pub fn remove_file(&self, name: &str) -> Result<()> {
        rustix::fs::unlinkat(self, component(name)?, AtFlags::empty())
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, name: &str) -> Result<()> {
        rustix::fs::unlinkat(self, component(name)?, AtFlags::REMOVEDIR)
    }

    /// Removes `name` and everything below it.
    pub fn remove_tree(&self, name: &str) -> Result<()> {
        self.remove_to_depth(name, MAX_REMOVED_DEPTH)
    }

    fn remove_to_depth(&self, name: &str, depth: usize) -> Result<()> {
        if self.kind(name)? != Some(Kind::Folder) {
            return self.remove_file(name);
        }
        self.folder(name)?.clear_to_depth(depth)?;
        self.remove_folder(name)
    }

    /// Removes all that is in this folder, also what [`list`](Self::list) leaves out.
    fn clear_to_depth(&self, depth: usize) -> Result<()> {
        let Some(below) = depth.checked_sub(1) else {
            return Ok(());
        };
        let names =
            Dir::read_from(self)?.map(|entry| entry.map(|entry| entry.file_name().to_owned()));
        for name in names.collect::<Result<Vec<_>>>()? {
            if [c".", c".."].contains(&name.as_c_str()) {
                continue;
            }
            match rustix::fs::unlinkat(self, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                // The errors that the system reports for a folder.
                Err(Errno::ISDIR | Errno::PERM) => {
                    let flags =
                        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let folder = rustix::fs::openat(self, &name, flags, Mode::empty())?;
                    Self(Arc::new(folder)).clear_to_depth(below)?;
                    rustix::fs::unlinkat(self, &name, AtFlags::REMOVEDIR)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The names of the files and folders here (and which are folders), in no particular order.
    /// Links, special files and names that are not UTF-8 are left out.
    pub fn list(&self) -> Result<Vec<(String, bool)>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if name == "." || name == ".." {
                continue;
            }
            let folder = match entry.file_type() {
                FileType::RegularFile => false,
                FileType::Directory => true,
                // Not every file system reports the type.
                FileType::Unknown => match self.kind(name)? {
                    Some(Kind::File(_)) => false,
                    Some(Kind::Folder) => true,
                    Some(Kind::Other) | None => continue,
                },
                _ => continue,
            };
            names.push((name.to_owned(), folder));
        }
        Ok(names)
    }

    /// Opens the folders here whose names are valid.
    pub fn folders<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<(T, Self)>> {
        let mut found = Vec::new();
        for (name, is_folder) in self.list()? {
            if let (true, Some(parsed)) = (is_folder, parse(&name)) {
                found.push((parsed, self.folder(&name)?));
            }
        }
        Ok(found)
    }

    /// Whether nothing at all is here, not even what [`list`](Self::list) leaves out.
    pub fn is_empty(&self) -> Result<bool> {
        for entry in Dir::read_from(self)? {
            if ![&b"."[..], b".."].contains(&entry?.file_name().to_bytes()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the folder's entries survive a crash of the machine.
    pub fn sync(&self) -> Result<()> {
        rustix::fs::fsync(self)
    }

    /// Whether the folder was removed while it was held open.
    pub fn is_gone(&self) -> bool {
        rustix::fs::fstat(self).is_ok_and(|stat| stat.st_nlink == 0)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The second wall: only a single component ever reaches the system, whatever the callers let
/// through.
fn component(name: &str) -> Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        Err(Errno::INVAL)
    } else {
        Ok(name)
    }
}

/// Whether it is a regular file that has no second hard link.
fn is_sole_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink <= 1
}

fn must_be_regular(file: File) -> Result<(File, Metadata)> {
    let metadata = file
        .metadata()
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(Errno::NOENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_single_component_never_reaches_the_system() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(place.path()).expect("opens");
        for name in ["", ".", "..", "a/b", "/etc", "../x", "a\0b"] {
            assert_eq!(folder.folder(name).err(), Some(Errno::INVAL), "{name:?}");
            assert_eq!(folder.file(name).err(), Some(Errno::INVAL), "{name:?}");
            assert_eq!(folder.create(name, FILE).err(), Some(Errno::INVAL));
            assert_eq!(folder.kind(name).err(), Some(Errno::INVAL), "{name:?}");
            assert_eq!(folder.remove_tree(name).err(), Some(Errno::INVAL));
            assert_eq!(folder.rename("a", &folder, name), Err(Errno::INVAL));
            assert_eq!(folder.make_folder(name, FOLDER), Err(Errno::INVAL));
        }
    }

    #[test]
    fn a_tree_is_removed_without_following_its_links() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let outside = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(outside.path().join("kept"), "kept").expect("writes");
        std::fs::create_dir_all(place.path().join("t/a")).expect("makes");
        std::fs::write(place.path().join("t/a/f"), "").expect("writes");
        let unlisted = std::os::unix::ffi::OsStrExt::from_bytes(b"t/a/not-utf8-\xff");
        std::fs::write(place.path().join::<&std::ffi::OsStr>(unlisted), "").expect("writes");
        std::os::unix::fs::symlink(outside.path(), place.path().join("t/l")).expect("links");
        std::fs::create_dir_all(place.path().join("t/d".to_owned() + &"/d".repeat(100)))
            .expect("makes");
        let folder = Folder::open(place.path()).expect("opens");
        folder.remove_tree("t").expect("removes");
        assert_eq!(folder.kind("t"), Ok(None));

        std::os::unix::fs::symlink(outside.path(), place.path().join("l")).expect("links");
        folder.remove_tree("l").expect("removes the link");
        assert!(outside.path().join("kept").exists());
    }

    #[test]
    fn a_removed_folder_knows_that_it_is_gone() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::open(place.path()).expect("opens");
        assert!(!folder.is_gone());
        place.close().expect("removes");
        assert!(folder.is_gone());
    }
}
