//! A viewer's edits while the viewer is still putting them together (protocol, section 6).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content_hash::ContentHash;
use super::file_path::FilePath;
use super::names::UserName;
use super::path_map::PathMap;
use super::project::ProjectId;
use super::pull_request::{PullRequest, PullRequestId};
use super::time::Timestamp;

/// The names in one pull request, and its bases as text, may take this many bytes together.
const MAX_NAMES_BYTES: usize = 256 * 1_024;

/// About how many bytes of memory an entry of a draft takes beside its name.
const ENTRY_BYTES: usize = 128;

/// The bounds of one pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullRequestLimits {
    /// `maxPullRequestFiles`: files and proposed deletions together.
    pub max_files: usize,
    /// `maxPullRequestBytes`: the content of all files together.
    pub max_bytes: u64,
    /// `maxProjectFolders`: the folders of all files together, since a store creates them.
    pub max_folders: u64,
}

/// Why a change cannot go into a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// One name more than `maxPullRequestFiles`.
    #[error("the pull request would name more than {0} files")]
    Files(usize),
    /// More folders than `maxProjectFolders`.
    #[error("the pull request would hold more than {0} folders")]
    Folders(u64),
    /// More content than `maxPullRequestBytes`.
    #[error("the pull request would hold more than {0} bytes")]
    Bytes(u64),
    /// More than 256 KiB of names and bases.
    #[error("the names and bases in the pull request would take more than {MAX_NAMES_BYTES} bytes")]
    Names,
    /// A file of the draft exists where a folder is needed, or the reverse.
    #[error("a file of the pull request stands where a folder is needed, or the reverse")]
    PathConflict,
}

impl DraftError {
    /// The limit that would be exceeded, with its value; `None` if the reason is not a limit.
    pub fn limit(&self) -> Option<(&'static str, u64)> {
        match *self {
            Self::Files(files) => Some(("maxPullRequestFiles", files as u64)),
            Self::Folders(folders) => Some(("maxProjectFolders", folders)),
            Self::Bytes(bytes) => Some(("maxPullRequestBytes", bytes)),
            Self::Names => Some(("names in one pull request", MAX_NAMES_BYTES as u64)),
            Self::PathConflict => None,
        }
    }
}

/// A file in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftFile {
    /// Its length in bytes.
    pub bytes: u64,
    /// The content that the author started from, if known.
    pub base: Option<ContentHash>,
    /// Whether the author wants it to be executable; `None`: as the project has it.
    pub executable: Option<bool>,
}

/// What a base adds to the total of names and bases.
fn base_bytes(base: Option<ContentHash>) -> usize {
    base.map_or(0, |_| ContentHash::CHARS)
}

/// A pull request that its author is still putting together.
#[derive(Debug, Default)]
pub struct Draft {
    title: Arc<str>,
    description: Arc<str>,
    files: PathMap<DraftFile>,
    /// How many folders have a file below them.
    folders: u64,
    /// The proposed deletions, each with the content that is to be deleted, if known.
    deleted: BTreeMap<FilePath, Option<ContentHash>>,
    bytes: u64,
    /// All names, and all bases.
    names_bytes: usize,
}

impl Draft {
    /// An empty draft.
    pub fn new(title: Arc<str>, description: Arc<str>) -> Self {
        Self {
            title,
            description,
            ..Self::default()
        }
    }

    /// Whether the draft is empty.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.deleted.is_empty()
    }

    /// About how many bytes of memory the draft takes.
    pub fn memory_bytes(&self) -> usize {
        let entries = self.files.len() + self.deleted.len();
        self.title.len() + self.description.len() + self.names_bytes + entries * ENTRY_BYTES
    }

    /// Whether `file` may be written at `path`; changes nothing.
    ///
    /// # Errors
    /// Why it may not; limits are checked before path conflicts.
    pub fn check_write(
        &self,
        path: &FilePath,
        file: &DraftFile,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        let old = self.files.get(path);
        self.check_name(path, file.base, limits)?;
        let new_folders = self.files.missing_folders(path);
        if new_folders > 0 && self.folders + new_folders > limits.max_folders {
            return Err(DraftError::Folders(limits.max_folders));
        }
        let others = self.bytes.saturating_sub(old.map_or(0, |old| old.bytes));
        if others.saturating_add(file.bytes) > limits.max_bytes {
            return Err(DraftError::Bytes(limits.max_bytes));
        }
        if self.files.has_conflict(path) {
            return Err(DraftError::PathConflict);
        }
        Ok(())
    }

    /// Records that `file` was written at `path`, which [`Draft::check_write`] allowed. It replaces
    /// what was there before, including its base.
    pub fn note_written(&mut self, path: FilePath, file: DraftFile) {
        self.forget(&path);
        self.names_bytes += path.as_str().len() + base_bytes(file.base);
        self.bytes += file.bytes;
        self.folders += self.files.missing_folders(&path);
        self.files.insert(path, file);
    }

    /// The draft's own files at `path` or below it.
    pub fn files_at(&self, path: &FilePath) -> Vec<FilePath> {
        let itself = self.files.get(path).map(|_| path);
        let below = self.files.below(Some(path), None, true);
        let below = below.map(|(path, _)| path);
        itself.into_iter().chain(below).cloned().collect()
    }

    /// Removes everything that the draft holds for `path`.
    pub fn forget(&mut self, path: &FilePath) {
        if let Some(base) = self.base_of(path) {
            self.names_bytes -= path.as_str().len() + base_bytes(base);
        }
        self.deleted.remove(path);
        if let Some(file) = self.files.remove(path) {
            self.bytes -= file.bytes;
            self.folders -= self.files.missing_folders(path);
        }
    }

    /// Proposes the deletion of a file of the project, whose content the author knows as `base`.
    /// It replaces what the draft holds for that name.
    ///
    /// # Errors
    /// The limit that would be exceeded.
    pub fn propose_deletion(
        &mut self,
        path: FilePath,
        base: Option<ContentHash>,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        self.check_name(&path, base, limits)?;
        self.forget(&path);
        self.names_bytes += path.as_str().len() + base_bytes(base);
        self.deleted.insert(path, base);
        Ok(())
    }

    /// Proposes the deletion of `paths`, files of the project: all of them or none. What the draft
    /// holds already stays as it is.
    ///
    /// # Errors
    /// The limit that would be exceeded.
    pub fn propose_deletions(
        &mut self,
        paths: Vec<FilePath>,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        let is_new = |path: &FilePath| self.base_of(path).is_none();
        let new: Vec<_> = paths.into_iter().filter(is_new).collect();
        let bytes = new.iter().map(|path| path.as_str().len()).sum();
        self.check_names(new.len(), bytes, 0, limits)?;
        self.names_bytes += bytes;
        self.deleted
            .extend(new.into_iter().map(|path| (path, None)));
        Ok(())
    }

    /// The pull request that this draft becomes.
    pub fn finish(
        &self,
        id: PullRequestId,
        project: ProjectId,
        owner: UserName,
        date: Timestamp,
    ) -> PullRequest {
        let files = self.files.iter();
        let executable = files
            .clone()
            .filter_map(|(path, file)| Some((path.clone(), file.executable?)));
        let bases = files.filter_map(|(path, file)| Some((path.clone(), file.base?)));
        let deleted = self.deleted.iter();
        let deleted_bases = deleted.filter_map(|(path, base)| Some((path.clone(), (*base)?)));
        PullRequest {
            id,
            project,
            owner,
            title: Arc::clone(&self.title),
            description: Arc::clone(&self.description),
            date,
            files: self.files.keys().cloned().collect(),
            deleted: self.deleted.keys().cloned().collect(),
            bases: bases.collect(),
            executable: executable.collect(),
            deleted_bases: deleted_bases.collect(),
        }
    }

    /// The base that the draft holds for a name; `None` if it does not hold the name.
    #[expect(clippy::option_option, reason = "a name that is held may have no base")]
    fn base_of(&self, path: &FilePath) -> Option<Option<ContentHash>> {
        let written = self.files.get(path).map(|file| file.base);
        written.or_else(|| self.deleted.get(path).copied())
    }

    /// Whether the name fits with this base, in place of what the draft holds for it.
    fn check_name(
        &self,
        path: &FilePath,
        base: Option<ContentHash>,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        let (names, more, less) = match self.base_of(path) {
            Some(old) => (0, base_bytes(base), base_bytes(old)),
            None => (1, path.as_str().len() + base_bytes(base), 0),
        };
        self.check_names(names, more, less, limits)
    }

    /// Whether `more` names fit, with `more_bytes` of names and bases added and `less_bytes`
    /// removed.
    fn check_names(
        &self,
        more: usize,
        more_bytes: usize,
        less_bytes: usize,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        if self.files.len() + self.deleted.len() + more > limits.max_files {
            return Err(DraftError::Files(limits.max_files));
        }
        if self.names_bytes + more_bytes - less_bytes > MAX_NAMES_BYTES {
            return Err(DraftError::Names);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PullRequestLimits = PullRequestLimits {
        max_files: 3,
        max_bytes: 10,
        max_folders: 3,
    };

    fn path(name: &str) -> FilePath {
        FilePath::parse(name).expect("valid")
    }

    fn draft() -> Draft {
        Draft::new("title".into(), "".into())
    }

    fn sized(bytes: u64) -> DraftFile {
        DraftFile {
            bytes,
            base: None,
            executable: None,
        }
    }

    fn hash(digit: &str) -> ContentHash {
        ContentHash::parse(&digit.repeat(64)).expect("valid")
    }

    fn write(draft: &mut Draft, name: &str, bytes: u64) -> Result<(), DraftError> {
        put(draft, &path(name), sized(bytes), &LIMITS)
    }

    fn write_from(draft: &mut Draft, name: &str, base: Option<&str>) {
        let base = base.map(hash);
        put(
            draft,
            &path(name),
            DraftFile {
                bytes: 1,
                base,
                executable: None,
            },
            &LIMITS,
        )
        .expect("within bounds");
    }

    fn put(
        draft: &mut Draft,
        path: &FilePath,
        file: DraftFile,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        draft.check_write(path, &file, limits)?;
        draft.note_written(path.clone(), file);
        Ok(())
    }

    fn finished(draft: &Draft) -> PullRequest {
        draft.finish(
            PullRequestId::from_u128(1),
            ProjectId {
                streamer: UserName::parse("ana").expect("valid"),
                name: crate::domain::ProjectName::parse("demo").expect("valid"),
            },
            UserName::parse("bob").expect("valid"),
            Timestamp::from_secs(1),
        )
    }

    /// The bases that the finished pull request would have.
    fn bases(draft: &Draft) -> Vec<(FilePath, ContentHash)> {
        finished(draft).bases.into_iter().collect()
    }

    #[test]
    fn bytes_are_bounded_and_a_replaced_file_counts_once() {
        let mut draft = draft();
        assert_eq!(write(&mut draft, "a", 10), Ok(()));
        assert_eq!(write(&mut draft, "a", 10), Ok(()));
        assert_eq!(write(&mut draft, "b", 1), Err(DraftError::Bytes(10)));
        draft.forget(&path("a"));
        assert_eq!(write(&mut draft, "b", 10), Ok(()));
    }

    #[test]
    fn names_are_bounded_in_number_and_in_bytes() {
        let mut draft = draft();
        for name in ["a", "b", "c"] {
            assert_eq!(write(&mut draft, name, 0), Ok(()));
        }
        assert_eq!(write(&mut draft, "d", 0), Err(DraftError::Files(3)));
        assert_eq!(
            draft.propose_deletion(path("d"), None, &LIMITS),
            Err(DraftError::Files(3))
        );
        assert_eq!(write(&mut draft, "c", 1), Ok(()), "no new name");

        let many = PullRequestLimits {
            max_files: 10_000,
            max_folders: 10_000,
            ..LIMITS
        };
        let long = |n: usize| path(&format!("{}/{n:05}", vec!["s".repeat(200); 20].join("/")));
        let mut draft = Draft::new("t".into(), "".into());
        let fit = MAX_NAMES_BYTES / long(0).as_str().len();
        assert_eq!(
            draft.propose_deletions((0..fit).map(long).collect(), &many),
            Ok(())
        );
        assert_eq!(
            draft.propose_deletions(vec![long(fit)], &many),
            Err(DraftError::Names)
        );
        assert_eq!(
            draft.check_write(&long(fit), &sized(0), &many),
            Err(DraftError::Names)
        );
        draft.forget(&long(0));
        assert_eq!(draft.check_write(&long(fit), &sized(0), &many), Ok(()));
    }

    #[test]
    fn the_folders_of_its_files_are_bounded() {
        let mut draft = draft();
        assert_eq!(
            write(&mut draft, "d/e/f/g/a", 0),
            Err(DraftError::Folders(3))
        );
        assert_eq!(write(&mut draft, "d/e/f/a", 0), Ok(()));
        assert_eq!(write(&mut draft, "d/e/f/a", 1), Ok(()), "no new folder");
        assert_eq!(write(&mut draft, "d/e/f/b", 0), Ok(()), "no new folder");
        assert_eq!(write(&mut draft, "x/a", 0), Err(DraftError::Folders(3)));
        draft.forget(&path("d/e/f/b"));
        assert_eq!(write(&mut draft, "x/a", 0), Err(DraftError::Folders(3)));
        draft.forget(&path("d/e/f/a"));
        assert_eq!(write(&mut draft, "x/y/z/a", 0), Ok(()));
        let deep = path("a/proposed/deletion/makes/no/folder");
        assert_eq!(draft.propose_deletion(deep, None, &LIMITS), Ok(()));
    }

    #[test]
    fn a_file_and_a_folder_do_not_share_a_place() {
        let mut draft = draft();
        assert_eq!(write(&mut draft, "a/b", 1), Ok(()));
        assert_eq!(write(&mut draft, "a", 1), Err(DraftError::PathConflict));
        assert_eq!(write(&mut draft, "a/b/c", 1), Err(DraftError::PathConflict));
        assert_eq!(write(&mut draft, "a/c", 1), Ok(()));
    }

    #[test]
    fn a_later_write_withdraws_a_proposed_deletion() {
        let mut draft = draft();
        draft
            .propose_deletions(vec![path("a"), path("b")], &LIMITS)
            .expect("within bounds");
        assert_eq!(write(&mut draft, "a", 1), Ok(()));
        let made = finished(&draft);
        assert_eq!(
            (made.files, made.deleted),
            (vec![path("a")], vec![path("b")])
        );
    }

    #[test]
    fn a_base_counts_with_its_text_against_the_bound_of_names() {
        let many = PullRequestLimits {
            max_files: 10_000,
            max_folders: 10_000,
            ..LIMITS
        };
        // 4,032 bytes and a base are 4,096 together, of which 64 fit exactly.
        let deep = vec!["s".repeat(200); 20].join("/");
        let long = |number: usize| path(&format!("/{number:011}/{deep}"));
        let file = |base: Option<&str>| DraftFile {
            executable: None,
            bytes: 0,
            base: base.map(hash),
        };
        let mut draft = draft();
        for number in 0..64 {
            let written = put(&mut draft, &long(number), file(Some("a")), &many);
            assert_eq!(written, Ok(()), "{number}");
        }
        let full = Err(DraftError::Names);
        assert_eq!(put(&mut draft, &path("a"), file(None), &many), full);
        let delete = |draft: &mut Draft, name: FilePath, base: Option<&str>| {
            draft.propose_deletion(name, base.map(hash), &many)
        };
        assert_eq!(delete(&mut draft, path("a"), None), full);
        let again = put(&mut draft, &long(0), file(Some("b")), &many);
        assert_eq!(again, Ok(()), "one base for another");
        assert_eq!(put(&mut draft, &long(0), file(None), &many), Ok(()));
        assert_eq!(put(&mut draft, &path("a"), file(None), &many), Ok(()));
        assert_eq!(
            put(&mut draft, &long(0), file(Some("a")), &many),
            full,
            "its room was taken by another name"
        );
        draft.forget(&long(1));
        assert_eq!(put(&mut draft, &long(0), file(Some("a")), &many), Ok(()));

        // A base counts for a proposed deletion as for a file.
        draft.forget(&path("a"));
        assert_eq!(delete(&mut draft, long(1), Some("a")), Ok(()));
        assert_eq!(delete(&mut draft, path("a"), None), full);
        let again = delete(&mut draft, long(1), Some("b"));
        assert_eq!(again, Ok(()), "one base for another");
        assert_eq!(delete(&mut draft, long(1), None), Ok(()));
        assert_eq!(delete(&mut draft, path("a"), None), Ok(()));
        assert_eq!(delete(&mut draft, long(1), Some("a")), full);
        draft.forget(&path("a"));
        assert_eq!(delete(&mut draft, long(1), Some("a")), Ok(()));
        let instead = put(&mut draft, &long(1), file(Some("b")), &many);
        assert_eq!(instead, Ok(()), "the file's base for the deletion's");
        for number in 0..64 {
            draft.forget(&long(number));
        }
        draft.forget(&path("a"));
        assert_eq!((draft.names_bytes, draft.bytes), (0, 0));
    }

    #[test]
    fn the_base_of_a_file_is_that_of_its_latest_write() {
        let mut draft = draft();
        write_from(&mut draft, "b", Some("b"));
        write_from(&mut draft, "a", Some("a"));
        write_from(&mut draft, "new", None);
        let of = |name, digit| (path(name), hash(digit));
        assert_eq!(bases(&draft), [of("a", "a"), of("b", "b")]);
        write_from(&mut draft, "a", Some("c"));
        write_from(&mut draft, "b", None);
        assert_eq!(bases(&draft), [of("a", "c")]);
        draft.forget(&path("a"));
        assert_eq!(bases(&draft), []);
        write_from(&mut draft, "a", None);
        assert_eq!(bases(&draft), [], "what was taken out leaves nothing");
    }

    #[test]
    fn the_base_of_a_proposed_deletion_is_that_of_the_latest_one() {
        let mut draft = draft();
        let delete = |draft: &mut Draft, name: &str, base: Option<&str>| {
            let proposed = draft.propose_deletion(path(name), base.map(hash), &LIMITS);
            proposed.expect("within bounds");
        };
        let deleted_bases = |draft: &Draft| -> Vec<_> {
            let bases = finished(draft).deleted_bases.into_iter();
            bases.map(|(path, base)| (path.to_string(), base)).collect()
        };
        let of = |name: &str, digit| (format!("/{name}"), hash(digit));
        write_from(&mut draft, "a", Some("a"));
        draft.forget(&path("a"));
        delete(&mut draft, "a", None);
        assert_eq!(
            deleted_bases(&draft),
            [],
            "what the file was made from is gone"
        );
        delete(&mut draft, "a", Some("b"));
        delete(&mut draft, "d/b", Some("c"));
        assert_eq!(deleted_bases(&draft), [of("a", "b"), of("d/b", "c")]);
        delete(&mut draft, "a", Some("d"));
        draft
            .propose_deletions(vec![path("d/b"), path("d/c")], &LIMITS)
            .expect("within bounds");
        assert_eq!(deleted_bases(&draft), [of("a", "d"), of("d/b", "c")]);
        delete(&mut draft, "a", None);
        assert_eq!(deleted_bases(&draft), [of("d/b", "c")]);
        write_from(&mut draft, "d/b", None);
        assert_eq!(deleted_bases(&draft), [], "a post withdraws it");
        assert_eq!(bases(&draft), []);
    }

    #[test]
    fn the_files_of_a_folder_are_found_by_segment() {
        let mut draft = draft();
        for name in ["d/a", "d/b", "da"] {
            assert_eq!(write(&mut draft, name, 1), Ok(()));
        }
        assert_eq!(draft.files_at(&path("d")), [path("d/a"), path("d/b")]);
        assert_eq!(draft.files_at(&path("da")), [path("da")]);
        assert!(draft.files_at(&path("x")).is_empty());
    }
}
