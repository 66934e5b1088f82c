use async_trait::async_trait;

use crate::application::file_content::FileContent;
use crate::application::ports::file_source::OpenFile;
use crate::application::ports::store_error::StoreError;
use crate::domain::{ContentHash, FilePath, ProjectEntry, ProjectId, ProjectQuota, Usage, Version};

/// What is done with a change once it is kept and numbered. It must not wait.
pub type InTurn = Box<dyn FnOnce(Version) + Send>;

/// Whether a change is still wanted once it is its turn. It must not wait.
pub type Wanted = Box<dyn FnOnce() -> bool + Send>;

/// What is known of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectState {
    /// There is nothing of that name.
    Absent,
    /// Something of that name lies there that the server did not make; only the operator may
    /// adopt it.
    Foreign,
    /// It exists.
    Registered,
}

/// Which files of a project to list, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesBelow {
    /// The folder whose files are meant; `None` is the project's own.
    pub folder: Option<FilePath>,
    /// Whether the files of its sub-folders are meant, too.
    pub recursively: bool,
    /// The last file that has been listed, if any; it need not be there any more.
    pub after: Option<FilePath>,
}

/// The bytes of names that a store lists at a time, about.
pub const LISTED_NAME_BYTES: usize = 32 * 1_024;

/// Knows which projects exist, from the first time their streamer authenticates until the operator
/// removes them (protocol, section 3), and keeps their files.
///
/// Changes of one file take effect one after the other, in the order in which they were asked for;
/// changes of different files, and reading, overlap freely. Links, special files and names that
/// break the rules of [`FilePath`] are as good as absent, except that nothing is written over them.
/// A project that is not registered has no files.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ProjectStore: Send + Sync {
    /// What is known of `project`.
    ///
    /// # Errors
    /// `Failed`.
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError>;

    /// Makes `project` exist, empty; nothing where it does already. Durable when it returns.
    ///
    /// # Errors
    /// `PathConflict` where it is [`ProjectState::Foreign`]; `Failed`.
    async fn register(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// Makes a folder that the server did not make a project, with what it holds.
    ///
    /// # Errors
    /// `NotFound` where there is no such folder (or only a link to one); `Failed`.
    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// All projects that exist, in no order.
    ///
    /// # Errors
    /// `Failed`.
    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError>;

    /// Replaces a file whole: readers see the old bytes or the new, never a mix. Folders on the
    /// way are made. Durable, as far as the store was set up to be, when it returns.
    ///
    /// Returns the change's version, greater than that of every earlier change in the project.
    /// `in_turn` is called with it once the change is kept, and before any later change of the file
    /// takes effect; it is dropped where nothing has changed. Once begun, the change and `in_turn`
    /// are carried out to their end although the caller is dropped.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `PathConflict` where a folder, link or special file
    /// has that name or a file stands where a folder is needed; `OverQuota`, also where there is a
    /// conflict besides; `Unavailable`; `Failed`. Nothing has changed then, and the old content can
    /// still be read.
    async fn put_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        content: FileContent,
        quota: ProjectQuota,
        in_turn: InTurn,
    ) -> Result<Version, StoreError>;

    /// Deletes a file if it is still `wanted` once it is its turn, and the folders that this leaves
    /// empty, but not the project's own. For `in_turn` see [`put_file`](Self::put_file).
    ///
    /// # Errors
    /// `NotFound` where there is no such file, or it is not wanted; `Unavailable`; `Failed`.
    async fn delete_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError>;

    /// Opens the newest version of a file.
    ///
    /// # Errors
    /// `NotFound` where there is no such file; `Failed`.
    async fn open_file(&self, project: &ProjectId, path: &FilePath)
    -> Result<OpenFile, StoreError>;

    /// Opens the first of these files, at least one, each as [`open_file`](Self::open_file) does;
    /// as many more as together with it have at most `bytes`, about: their content may be held in
    /// memory. At most one of them is kept open, the first. What is returned is in the order of
    /// `paths` and may be shorter.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `Failed`.
    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError>;

    /// What is known of a file without opening it.
    ///
    /// # Errors
    /// `NotFound` where there is no such file; `Unavailable` where there is no memory for the
    /// project; `Failed`.
    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError>;

    /// The next files below a folder in byte order of their full names, and what is known of them
    /// without opening them: at most `most`, and [`LISTED_NAME_BYTES`] of names. Empty at the end.
    ///
    /// Files that come and go between two calls may be met or missed; none is met twice.
    ///
    /// # Errors
    /// `NotFound` where there is no such project, or no such folder and `after` is not given;
    /// `Unavailable` where there is no memory for the project; `Failed`.
    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError>;

    /// Remembers the hash of a file's content, for as long as the store likes and the file has that
    /// version. Answers at once.
    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash);

    /// What the project holds. Nothing is counted and no file opened where that is known.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `Unavailable`; `Failed`.
    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError>;
}
