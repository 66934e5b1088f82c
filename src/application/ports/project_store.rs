use async_trait::async_trait;

use tokio::time::Instant;

use crate::application::file_content::FileContent;
use crate::application::file_key::FileKey;
use crate::application::ports::file_source::OpenFile;
use crate::application::ports::store_error::StoreError;
use crate::domain::{
    ContentHash, FilePath, ProjectEntry, ProjectId, ProjectQuota, Revision, Usage, UserName,
    Version,
};

/// Called with a change once it is kept and numbered. Must not wait.
pub type InTurn = Box<dyn FnOnce(Version) + Send>;

/// The same for a file that was put, with what is known about it now.
pub type PutInTurn = Box<dyn FnOnce(ProjectEntry) + Send>;

/// Whether a change is still wanted, whenever its turn comes. Must not wait.
pub type Wanted = Box<dyn Fn() -> bool + Send>;

/// Called with each file of a project that is removed, and the number of its deletion. Must not
/// wait.
pub type TellRemoved = Box<dyn FnMut(FilePath, Version) + Send>;

/// What a rescan has found about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescanned {
    /// It is new, or has other content.
    Changed(ProjectEntry),
    /// It is not there any more.
    Gone,
}

/// Called with each file that differs from what was known, and the number of that change. Must not
/// wait.
pub type TellRescanned = Box<dyn FnMut(FilePath, Version, Rescanned) + Send>;

/// What is known about a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectState {
    /// Nothing has that name.
    Absent,
    /// Something that the server did not create has that name, or its streamer's; only the operator
    /// may adopt it.
    Foreign,
    /// It exists.
    Registered,
}

/// Which files of a project to list, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesBelow {
    /// The folder whose files to list; `None` is the project's own.
    pub folder: Option<FilePath>,
    /// Whether to list the files of its sub-folders, too.
    pub recursively: bool,
    /// The last file that has been listed, if any; it need not exist any more.
    pub after: Option<FilePath>,
}

impl FilesBelow {
    /// All files of a project, from the first one on.
    pub fn all() -> Self {
        Self {
            folder: None,
            recursively: true,
            after: None,
        }
    }
}

/// About how many bytes of names a store lists at a time.
pub const LISTED_NAME_BYTES: usize = 32 * 1_024;

/// Knows which projects exist, from the first time their streamer authenticates until the operator
/// removes them (protocol, section 3), and keeps their files.
///
/// Changes of one file take effect one after the other, in the order in which they were requested;
/// changes of different files, and reads, overlap freely. Links, special files and names that break
/// the rules of [`FilePath`] count as absent, except that nothing is written over them. A project
/// that is not registered has no files.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ProjectStore: Send + Sync {
    /// What is known about `project`.
    ///
    /// # Errors
    /// `Failed`.
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError>;

    /// Creates `project`, empty; does nothing if it exists. Durable when it returns.
    ///
    /// # Errors
    /// `PathConflict` if it is [`ProjectState::Foreign`]; `Failed`.
    async fn register(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// Adopts a folder that the server did not create as a project, with its contents. The
    /// streamer's own folder is adopted with it.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder (or only a link to one); `Failed`.
    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// Adopts a user's folder that the server did not create, so that they can have projects in it.
    /// Folders that lie in it already do not become projects.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder (or only a link to one); `Failed`.
    async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError>;

    /// Removes a project with its files, durably. `tell` is called for each of them, with a version
    /// greater than that of every earlier change, once the project is gone and no change of it is
    /// under way any more. Once started, it is carried out completely even if the caller is
    /// dropped.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Failed`. It is then still there.
    async fn remove(&self, project: &ProjectId, tell: TellRemoved) -> Result<(), StoreError>;

    /// Looks at everything in a project again, because others may have changed it behind the
    /// store's back. `tell` is called for each file that differs from what the store knew, with a
    /// version greater than that of every earlier change, while no change of the project is under
    /// way. If the store knew nothing, `tell` is called for all files. Once started, it is carried
    /// out completely even if the caller is dropped.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Failed`.
    async fn rescan(&self, project: &ProjectId, tell: TellRescanned) -> Result<(), StoreError>;

    /// All projects that exist, in no particular order.
    ///
    /// # Errors
    /// `Failed`.
    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError>;

    /// How many projects are held in memory at the moment. Returns at once.
    fn loaded(&self) -> usize;

    /// Replaces a whole file: readers see the old bytes or the new, never a mix. Missing folders
    /// are created. Without `executable` a file stays as executable as it was, and a new one is not
    /// executable. Durable, as far as the store was configured to be, when it returns.
    ///
    /// Returns the change's version, greater than the version of every earlier change in the
    /// project. `in_turn` is called with what is known about the file now, once the change is kept,
    /// and before any later change of the file takes effect; it is dropped if nothing has changed.
    /// Once started, the change and `in_turn` are carried out completely even if the caller is
    /// dropped.
    ///
    /// Where several servers share a store, another may have changed the file since this change was
    /// `asked` for, or this one may have made a change that was asked for later. If this change has
    /// waited for over a second, it then counts as made just before the other: nothing of it is
    /// kept, `in_turn` is dropped, and that version is returned.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `PathConflict` if a folder, link or special file has
    /// that name or a file exists where a folder is needed; `OverQuota`, even if there is a
    /// conflict as well; `Unavailable`; `Failed`. Nothing has changed then, and the old content
    /// can still be read; only a store that was cut off for long may have changed something.
    async fn put_file(
        &self,
        file: &FileKey,
        asked: Instant,
        content: FileContent,
        executable: Option<bool>,
        quota: ProjectQuota,
        in_turn: PutInTurn,
    ) -> Result<Version, StoreError>;

    /// Deletes a file if it is still `wanted` when its turn comes, and the folders that this leaves
    /// empty, but not the project's own. For `in_turn`, and for changes by other servers, see
    /// [`put_file`](Self::put_file).
    ///
    /// # Errors
    /// `NotFound` if there is no such file, or it is not wanted; `Unavailable`; `Failed`.
    async fn delete_file(
        &self,
        file: &FileKey,
        asked: Instant,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError>;

    /// Opens the newest version of a file.
    ///
    /// # Errors
    /// `NotFound` if there is no such file; `Failed`.
    async fn open_file(&self, project: &ProjectId, path: &FilePath)
    -> Result<OpenFile, StoreError>;

    /// Opens the first of these files and as many of the next as, together with it, have at most
    /// about `bytes`, each as [`open_file`](Self::open_file) does. Their content may be held in
    /// memory; at most one of them, the first, is kept open. The result is in the order of `paths`,
    /// has at least one entry, and may be shorter than `paths`.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Failed`.
    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError>;

    /// What is known about a file without opening it.
    ///
    /// # Errors
    /// `NotFound` if there is no such file; `Unavailable` if there is no memory for the project;
    /// `Failed`.
    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError>;

    /// The next files below a folder in byte order of their full names, and what is known about
    /// them without opening them: at most `most`, and [`LISTED_NAME_BYTES`] of names. Empty at the
    /// end.
    ///
    /// Files that come and go between two calls may be seen or missed; none is seen twice.
    ///
    /// # Errors
    /// `NotFound` if there is no such project, or no such folder and `after` is not given;
    /// `Unavailable` if there is no memory for the project; `Failed`.
    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError>;

    /// Remembers the hash of a file's content, for as long as the store chooses and the file has
    /// that version. Returns at once.
    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash);

    /// Identifies the state of the project's files. It differs after every change, and whenever the
    /// store begins anew to keep track of the project.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Unavailable`; `Failed`.
    async fn revision(&self, project: &ProjectId) -> Result<Revision, StoreError>;

    /// What the project holds. If that is known, nothing is counted and no file is opened.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Unavailable`; `Failed`.
    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError>;
}
