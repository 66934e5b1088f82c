use async_trait::async_trait;

use crate::application::file_content::FileContent;
use crate::application::ports::file_source::OpenFile;
use crate::application::ports::store_error::StoreError;
use crate::domain::{FilePath, ProjectId, ProjectQuota, Usage, Version};

/// Keeps the files of projects.
///
/// Callers see to it that changes of one file do not overlap (`put_file`, `delete_file`); changes
/// of different files, and reading, may overlap freely. Links, special files and names that break
/// the rules of [`FilePath`] are as good as absent, except that nothing is written over them.
/// A project that is not registered has no files.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ProjectStore: Send + Sync {
    /// Replaces a file whole: readers see the old bytes or the new, never a mix. Folders on the
    /// way are made. Durable, as far as the store was set up to be, when it returns.
    ///
    /// Returns the change's version, greater than that of every earlier change in the project.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `PathConflict` where a folder, link or special file
    /// has that name or a file stands where a folder is needed; `OverQuota`, also where something
    /// is in the way besides; `Failed`. Nothing has changed then, and the old content can still be
    /// read.
    async fn put_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        content: FileContent,
        quota: ProjectQuota,
    ) -> Result<Version, StoreError>;

    /// Deletes a file, and the folders that this leaves empty, but not the project's own.
    ///
    /// # Errors
    /// `NotFound` where there is no such file; `Failed`.
    async fn delete_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<Version, StoreError>;

    /// Opens the newest version of a file.
    ///
    /// # Errors
    /// `NotFound` where there is no such file; `Failed`.
    async fn open_file(&self, project: &ProjectId, path: &FilePath)
    -> Result<OpenFile, StoreError>;

    /// Opens the first of these files, at least one, each as [`open_file`](Self::open_file) does;
    /// as many more as together with it have at most `bytes`, about: their content may be held in
    /// memory. What is returned is in the order of `paths` and may be shorter.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `Failed`.
    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError>;

    /// Starts to walk the files of a folder (`None`: the project's own) in byte order of their
    /// full names, with or without those of its sub-folders.
    ///
    /// # Errors
    /// `NotFound` where there is no such folder; `Failed`.
    async fn walk(
        &self,
        project: &ProjectId,
        folder: Option<FilePath>,
        recursively: bool,
    ) -> Result<Box<dyn FileWalk>, StoreError>;

    /// What the project holds.
    ///
    /// # Errors
    /// `NotFound` where there is no such project; `Failed`.
    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError>;
}

/// A walk through the files of a folder, in byte order of their full names. Files that come and go
/// meanwhile may be met or missed; none is met twice.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait FileWalk: Send {
    /// The next files, at most `most`; empty at the end.
    ///
    /// # Errors
    /// `Failed` where a folder cannot be read.
    async fn next(&mut self, most: usize) -> Result<Vec<FilePath>, StoreError>;
}
