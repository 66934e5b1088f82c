//! The project itself: its files, and the rules for changing them.

use crate::domain::content_hash::ContentHash;
use crate::domain::file_path::FilePath;
use crate::domain::path_map::PathMap;
use crate::domain::project::quota::{ProjectQuota, QuotaError, Usage};
use crate::domain::project::version::Version;
use crate::domain::time::Timestamp;

/// About how many bytes of memory an entry takes beside its name: 105 if all nodes of the map are
/// full, as when a project has just been loaded, and up to 175 if they are half empty.
const ENTRY_BYTES: usize = 150;

/// What is known about a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectEntry {
    /// The length of its content, in bytes.
    pub bytes: u64,
    /// The number of the change that wrote it.
    pub version: Version,
    /// When it was written.
    pub modified: Timestamp,
    /// Whether it may be executed.
    pub executable: bool,
    /// The hash of its content, once the whole content has been read.
    pub sha256: Option<ContentHash>,
}

impl ProjectEntry {
    /// What is known about a file that has just been written.
    pub fn written(bytes: u64, version: Version, modified: Timestamp, executable: bool) -> Self {
        Self {
            bytes,
            version,
            modified,
            executable,
            sha256: None,
        }
    }

    /// Whether both describe the same state of the file, whether or not its hash is known.
    pub fn is_same_state(&self, other: &Self) -> bool {
        self.bytes == other.bytes
            && self.version == other.version
            && self.modified == other.modified
            && self.executable == other.executable
    }
}

/// A put that [`Project::begin_put`] has allowed, and the space that it has reserved.
///
/// It must end with [`Project::complete_put`] or [`Project::abandon_put`] of the same project.
/// It cannot do so by itself, since it does not hold the project.
#[derive(Debug)]
#[must_use = "the reserved room stays taken until the put is completed or abandoned"]
pub struct PendingPut {
    path: FilePath,
    bytes: u64,
}

/// Why a file must not be put at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The project would exceed one of its limits.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// A file exists where a folder is needed, or files exist below the path.
    #[error("a file stands where a folder is needed, or a folder has the file's name")]
    PathConflict,
}

/// A project's files, as far as they are known without opening them.
///
/// A store loads a project once by collecting its files, asks it before each change, and reports
/// the outcome to it. All readers and writers share it, so no method does IO, and each takes time
/// proportional to the depth of a path and the logarithm of the number of files.
///
/// Only files are kept: a folder exists if a file lies below it.
///
/// ```
/// # use file_ws_server::domain::{FilePath, Project, ProjectQuota, Timestamp};
/// let mut project = Project::default();
/// let path = FilePath::parse("src/main.rs")?;
/// let put = project.begin_put(&path, 5, &ProjectQuota::UNLIMITED)?;
/// let now = Timestamp::from_secs(1_700_000_000);
/// let version = project.next_version(now.as_millis() * 1_000_000);
/// // The store writes five bytes, and then:
/// project.complete_put(put, version, now, false);
/// assert_eq!(project.usage().folders, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Project {
    entries: PathMap<ProjectEntry>,
    /// The lengths of the files whose puts are in progress.
    pending: PathMap<u64>,
    /// The usage of the entries and the pending puts together.
    usage: Usage,
    /// No entry is newer.
    last: Version,
    /// How often something has changed.
    changes: u64,
}

impl Project {
    /// Whether the file at `path`, if there is one, may be executed.
    pub fn is_executable(&self, path: &FilePath) -> bool {
        self.get(path).is_some_and(|entry| entry.executable)
    }

    /// Checks whether a file of `bytes` may be put at `path`, and reserves the space for it.
    ///
    /// Puts of different files may be in progress at once; each counts the files and the space that
    /// the others have reserved. A file being replaced keeps its space until the put is completed,
    /// so the project stays within its limits whatever the outcome of the puts.
    ///
    /// The caller must make sure that puts of one file do not overlap. If a reservation for the
    /// same file was never returned, the new one replaces it.
    ///
    /// # Errors
    /// The first limit that would be exceeded, in the order of [`ProjectQuota::check`]; if there is
    /// none, [`PutError::PathConflict`]. Nothing is reserved then.
    pub fn begin_put(
        &mut self,
        path: &FilePath,
        bytes: u64,
        quota: &ProjectQuota,
    ) -> Result<PendingPut, PutError> {
        let kept = self.entries.get(path).map(|entry| entry.bytes);
        let held = kept.max(self.pending.get(path).copied());
        let folders = self.missing_folders(path);
        let after = counted(self.usage, path, folders, held, kept.max(Some(bytes)));
        quota.check(&self.usage, &after)?;
        // Where there is a file, there is no conflict.
        if held.is_none() && (self.entries.has_conflict(path) || self.pending.has_conflict(path)) {
            return Err(PutError::PathConflict);
        }
        self.pending.insert(path.clone(), bytes);
        self.usage = after;
        Ok(PendingPut {
            path: path.clone(),
            bytes,
        })
    }

    /// Records that the file has been written, by the change with this number.
    pub fn complete_put(
        &mut self,
        put: PendingPut,
        version: Version,
        modified: Timestamp,
        executable: bool,
    ) {
        let PendingPut { path, bytes } = put;
        let entry = ProjectEntry::written(bytes, version, modified, executable);
        let Some(reserved) = self.pending.remove(&path) else {
            // Another put of the same file has replaced its reservation, and has ended.
            self.change(&path, |project| project.set(&path, Some(entry)));
            return;
        };
        let kept = self.set(&path, Some(entry)).map_or(0, |kept| kept.bytes);
        // Its folders have counted since it began.
        let held = Some(reserved.max(kept));
        self.usage = counted(self.usage, &path, 0, held, Some(bytes));
    }

    /// Returns the space of a put that was not carried out.
    pub fn abandon_put(&mut self, put: PendingPut) {
        let PendingPut { path, .. } = put;
        self.change(&path, |project| project.pending.remove(&path));
    }

    /// The number of the next change, greater than the number of every earlier change and of every
    /// file. It is the time `now_nanos`, in nanoseconds since the Unix epoch, unless the clock
    /// lags.
    pub fn next_version(&mut self, now_nanos: u64) -> Version {
        self.last = self.last.next(now_nanos);
        self.last
    }

    /// Records that a file has been deleted, and returns what was known about it.
    pub fn remove(&mut self, path: &FilePath) -> Option<ProjectEntry> {
        let known = self.change(path, |project| project.entries.remove(path));
        self.changes += u64::from(known.is_some());
        known
    }

    /// Corrects what is known about a file whose state, when it was opened, was `found` (`None`: it
    /// was not there). No quota applies.
    ///
    /// `expected` is the version known before the file was opened. If the known version differs by
    /// now, or a put is in progress, the file has changed since and `found` is ignored. `found` is
    /// also ignored if the file is not known: it may have been deleted after it was opened. The
    /// hash of an unchanged file stays known.
    pub fn correct(&mut self, path: &FilePath, expected: Version, found: Option<ProjectEntry>) {
        let Some(known) = self.entries.get(path) else {
            return;
        };
        let has_changed = known.version != expected || self.pending.get(path).is_some();
        let is_same = found.is_some_and(|found| known.is_same_state(&found));
        if !has_changed && !is_same {
            self.change(path, |project| project.set(path, found));
        }
    }

    /// Remembers the hash of a file's content, if the file still has that version.
    ///
    /// [`Version::UNKNOWN`] does not identify a content, so its hash is not remembered.
    pub fn note_hash(&mut self, path: &FilePath, version: Version, hash: ContentHash) {
        if let Some(entry) = self.entries.get_mut(path)
            && entry.version == version
            && version != Version::UNKNOWN
        {
            entry.sha256 = Some(hash);
        }
    }

    /// What is known about the file at `path`.
    pub fn get(&self, path: &FilePath) -> Option<&ProjectEntry> {
        self.entries.get(path)
    }

    /// Whether a file lies below `path`, at any depth.
    pub fn is_folder(&self, path: &FilePath) -> bool {
        self.entries.is_folder(path)
    }

    /// The files below `folder` (`None`: all of the project's), in byte order of their full names.
    ///
    /// Paths up to and including `after` are skipped; `after` need not exist any more, so a walk
    /// can continue from the last file it has seen. Unless `recursively`, a sub-folder is skipped
    /// in one step, however many files it holds.
    pub fn below(
        &self,
        folder: Option<&FilePath>,
        after: Option<&FilePath>,
        recursively: bool,
    ) -> impl Iterator<Item = (&FilePath, &ProjectEntry)> {
        self.entries.below(folder, after, recursively)
    }

    /// How often the files have changed since the project was loaded.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What the project holds, including what the puts in progress have reserved.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// About how many bytes of memory the project takes.
    pub fn memory_bytes(&self) -> usize {
        let names = usize::try_from(self.usage.name_bytes).unwrap_or(usize::MAX);
        let entries = (self.entries.len() + self.pending.len()) * ENTRY_BYTES;
        (size_of::<Self>() + entries).saturating_add(names)
    }

    /// About how many bytes of memory a file at `path` takes, for a store that reserves memory
    /// while it loads a project.
    pub fn entry_memory_bytes(path: &FilePath) -> usize {
        ENTRY_BYTES + path.as_str().len()
    }

    /// Sets what is known about a file; returns what was known before.
    fn set(&mut self, path: &FilePath, entry: Option<ProjectEntry>) -> Option<ProjectEntry> {
        self.changes += 1;
        match entry {
            Some(entry) => {
                self.last = self.last.max(entry.version);
                self.entries.insert(path.clone(), entry)
            }
            None => self.entries.remove(path),
        }
    }

    /// Changes what is known about one file, or its pending put, and keeps the usage up to date.
    fn change<T>(&mut self, path: &FilePath, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.held_bytes(path);
        // A file that exists has all its folders, so at most one of the two counts.
        let new_folders = self.missing_folders(path);
        let changed = change(self);
        let after = self.held_bytes(path);
        let folders = new_folders.max(self.missing_folders(path));
        self.usage = counted(self.usage, path, folders, before, after);
        changed
    }

    /// The bytes that the file at `path` takes, or that are reserved for it.
    fn held_bytes(&self, path: &FilePath) -> Option<u64> {
        let kept = self.entries.get(path).map(|entry| entry.bytes);
        kept.max(self.pending.get(path).copied())
    }

    /// How many of the folders above `path` have neither a file nor a pending put below them.
    fn missing_folders(&self, path: &FilePath) -> u64 {
        let missing = self.entries.missing_folders(path);
        missing.min(self.pending.missing_folders(path))
    }
}

impl FromIterator<(FilePath, ProjectEntry)> for Project {
    /// Loads a project from its existing files, even if they exceed its quota. Files in byte order
    /// take the least time.
    fn from_iter<I: IntoIterator<Item = (FilePath, ProjectEntry)>>(files: I) -> Self {
        let entries: PathMap<ProjectEntry> = files.into_iter().collect();
        let mut usage = Usage::default();
        let mut last = Version::default();
        for (path, entry) in entries.iter() {
            usage = counted(usage, path, 0, None, Some(entry.bytes));
            last = last.max(entry.version);
        }
        usage.folders = entries.count_folders();
        Self {
            entries,
            pending: PathMap::default(),
            usage,
            last,
            changes: 0,
        }
    }
}

/// The usage once the size of the file at `path` has changed from `before` to `after`; `None` means
/// no file, and `folders` are created or removed with it.
fn counted(
    usage: Usage,
    path: &FilePath,
    folders: u64,
    before: Option<u64>,
    after: Option<u64>,
) -> Usage {
    let file = |bytes| Usage {
        files: 1,
        bytes,
        folders,
        name_bytes: path.as_str().len() as u64,
    };
    let without = before.map_or(usage, |bytes| usage.minus(file(bytes)));
    after.map_or(without, |bytes| without.plus(file(bytes)))
}

#[cfg(test)]
mod tests;
