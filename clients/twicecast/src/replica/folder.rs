//! Decides whether a folder may become or stay a mirror or a clone, and opens it as one.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, openat};
use rustix::io::Errno;

use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::fs::{dirfd, executable};
use crate::names::{FileName, SERVER_FOLDER, WORK_FOLDER, shown};
use crate::replica::kind;
use crate::replica::manifest::Manifest;
use crate::replica::record;
use crate::replica::record::{Earlier, Files, Header, Kind, Record};
use crate::replica::staging::Staging;
use crate::replica::state::CloneFiles;
use crate::replica::target::{refuse_hidden, resolved};
use crate::replica::tree::Tree;

const LOCK: &str = "lock";

/// A folder that we may write into for as long as this lives.
#[derive(Debug)]
pub struct MirrorFolder {
    /// Its content.
    pub tree: Tree,
    dir: PathBuf,
    /// Whether the folder was made for this.
    is_new: bool,
    /// Its lock keeps a second mirror out.
    _lock: OwnedFd,
}

/// What the user allows, as `twicecast mirror --help` says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permissions {
    /// `--force`.
    pub force: bool,
    /// `--delete`.
    pub delete: bool,
}

impl MirrorFolder {
    /// Opens a folder as a mirror or for a clone, and makes it if it is missing.
    ///
    /// # Errors
    ///
    /// A sentence that says why it is refused; then nothing in it has changed except its lock.
    pub fn open(
        dir: &Path,
        credentials: &Credentials,
        kind: Kind,
        allowed: Permissions,
    ) -> Result<Self, Failure> {
        let shown_dir = shown(&dir.to_string_lossy());
        let unusable = |error: io::Error| match error.kind() {
            // `create_dir_all` reports either error.
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Failure::usage(format!(
                "{shown_dir} is, or lies below, something else than a folder; choose another path."
            )),
            _ => Failure::usage(format!("The folder {shown_dir} cannot be used: {error}.")),
        };
        let absolute = std::path::absolute(dir).map_err(unusable)?;
        refuse_hidden(&absolute, &shown_dir)?;
        // The path that symbolic links lead to is checked before anything is made there, and again
        // afterwards.
        let target = resolved(&absolute).map_err(unusable)?;
        refuse_hidden(&target, &shown_dir)?;
        let is_new = !target.exists();
        std::fs::create_dir_all(&target).map_err(unusable)?;
        refuse_hidden(
            &std::fs::canonicalize(&target).map_err(unusable)?,
            &shown_dir,
        )?;
        let root = dirfd::open_root(&target).map_err(unusable)?;
        let entries = dirfd::entries(&root).map_err(unusable)?;
        if entries
            .iter()
            .any(|entry| entry.to_string_lossy().eq_ignore_ascii_case(SERVER_FOLDER))
        {
            return Err(Failure::usage(format!(
                "{shown_dir} is the base folder of a file-ws-server (it holds `.twicecast`); \
                 choose another folder."
            )));
        }
        let is_empty = entries.iter().all(|entry| entry == WORK_FOLDER);
        let is_copy = entries.iter().any(|entry| entry == WORK_FOLDER);
        kind::check_fillable(&target, entries.is_empty(), is_copy)?;
        let system = |error: Errno| unusable(error.into());
        let work = match dirfd::open_folder(&root, WORK_FOLDER) {
            Ok(work) => work,
            Err(Errno::NOENT) if is_empty || allowed.force => {
                match mkdirat(&root, WORK_FOLDER, Mode::from_raw_mode(0o700)) {
                    // Another mirror may start here at the same time; the lock decides.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(system(error)),
                }
                dirfd::open_folder(&root, WORK_FOLDER).map_err(system)?
            }
            Err(Errno::NOENT) => return Err(not_empty(&shown_dir, credentials, kind)),
            Err(error) => {
                return Err(Failure::usage(format!(
                    "{shown_dir}/{WORK_FOLDER} cannot be used ({}); remove it.",
                    io::Error::from(error)
                )));
            }
        };
        // The lock comes before the record is read, which grows while another mirror works.
        let lock = lock(&work).map_err(|error| match error {
            Errno::WOULDBLOCK => in_use(&shown_dir),
            error => system(error),
        })?;
        let earlier = record::read(&work).map_err(unusable)?;
        let files = earlier_files(
            earlier,
            &shown_dir,
            credentials,
            kind,
            is_empty,
            allowed.force,
        )?;
        let header = Header::new(
            kind,
            &credentials.url,
            &credentials.streamer,
            &credentials.project,
        );
        let record = Record {
            header,
            files,
            is_complete: false,
        };
        let manifest = Manifest::begin(&work, record).map_err(unusable)?;
        let staging = Staging::new(work).map_err(unusable)?;
        Ok(Self {
            tree: Tree::new(root, staging, manifest, allowed.force, allowed.delete),
            dir: target,
            is_new,
            _lock: lock,
        })
    }

    /// Removes what was written of a copy that could not be completed, so that nothing of it is in
    /// the way of the next attempt. Files that were edited stay.
    pub fn discard(mut self) {
        let written: Vec<FileName> = self.tree.ours().cloned().collect();
        for name in written {
            let _ = self.tree.remove(&name);
        }
        self.discard_unused();
    }

    /// Removes the record if nothing was written, and the folder if it was made for the copy.
    pub fn discard_unused(self) {
        if self.tree.ours().next().is_some() {
            return;
        }
        // What cannot be removed may stay; the next start can handle it.
        let _ = std::fs::remove_dir_all(self.dir.join(WORK_FOLDER));
        if self.is_new {
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}

/// An existing clone, for the commands that work in one.
#[derive(Debug)]
pub struct CloneFolder {
    /// The folder.
    pub root: OwnedFd,
    /// The work folder in it.
    pub work: OwnedFd,
    /// The record of what it began with.
    pub record: Record,
    lock: File,
}

impl CloneFolder {
    /// The folder with its files, and how to read them.
    pub fn on_disk(&self) -> CloneFiles<'_> {
        CloneFiles {
            root: &self.root,
            bases: &self.record.files,
            // If this cannot be found out, bits are assumed to be kept, as usual.
            keeps_bits: executable::is_kept(&self.lock).unwrap_or(true),
        }
    }

    /// Opens a clone.
    ///
    /// # Errors
    ///
    /// A sentence that says how to get a clone.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let shown_dir = shown(&dir.to_string_lossy());
        let none = || {
            Failure::usage(format!(
                "{shown_dir} was not made by `twicecast clone`, so nobody knows what you started \
                 from; clone the project and edit that."
            ))
        };
        let root = dirfd::open_root(dir).map_err(|error| Failure::of_folder(dir, &error))?;
        let work = dirfd::open_folder(&root, WORK_FOLDER).map_err(|_| none())?;
        let lock = lock(&work).map_err(|error| match error {
            Errno::WOULDBLOCK => in_use(&shown_dir),
            _ => none(),
        })?;
        let Ok(Earlier::Found(record)) = record::read(&work) else {
            return Err(none());
        };
        let project = shown(&record.header.full_project());
        match (record.header.kind, record.is_complete) {
            (Kind::Clone, true) => Ok(Self {
                root,
                work,
                record,
                lock: File::from(lock),
            }),
            (Kind::Clone, false) => Err(Failure::usage(format!(
                "The clone in {shown_dir} was never finished; run `twicecast clone` again with \
                 the same folder."
            ))),
            (Kind::Mirror, _) => Err(Failure::usage(format!(
                "{shown_dir} is a mirror of {project}, which follows the project by itself; to \
                 change something, clone the project with `twicecast clone` and edit that."
            ))),
        }
    }
}

impl CloneFolder {
    /// Reads the record again after it has been changed.
    ///
    /// # Errors
    ///
    /// A sentence, if the record cannot be read.
    pub fn read_again(&mut self) -> Result<(), Failure> {
        match record::read(&self.work) {
            Ok(Earlier::Found(record)) => {
                self.record = record;
                Ok(())
            }
            _ => Err(Failure::usage("The clone's record cannot be read.")),
        }
    }
}

fn not_empty(shown_dir: &str, credentials: &Credentials, kind: Kind) -> Failure {
    let project = credentials.full_project();
    Failure::usage(match kind {
        Kind::Mirror => format!(
            "{shown_dir} is not empty and no mirror of {project}. Choose an empty or new folder, \
             or use --force to overwrite what the project has too."
        ),
        Kind::Clone => {
            format!("{shown_dir} is not empty; clone {project} into an empty or new folder.")
        }
    })
}

fn in_use(shown_dir: &str) -> Failure {
    Failure::usage(format!(
        "Another `twicecast mirror`, `clone`, `update` or `propose` is at work in {shown_dir}; \
         stop it first, or choose another folder."
    ))
}

/// The files that the record says were written, if the folder may continue as this kind of copy.
fn earlier_files(
    earlier: Earlier,
    shown_dir: &str,
    credentials: &Credentials,
    kind: Kind,
    is_empty: bool,
    force: bool,
) -> Result<Files, Failure> {
    let record = match earlier {
        Earlier::Found(record) => record,
        Earlier::Nothing if is_empty || force => return Ok(Files::new()),
        Earlier::Nothing => return Err(not_empty(shown_dir, credentials, kind)),
        Earlier::Unreadable if force => return Ok(Files::new()),
        Earlier::Unreadable => {
            return Err(Failure::usage(format!(
                "The record in {shown_dir}/{WORK_FOLDER} cannot be read. Choose another folder, \
                 or use `twicecast mirror --force` to begin anew."
            )));
        }
    };
    let project = shown(&record.header.full_project());
    let is_same = record.header.full_project() == credentials.full_project();
    match (record.header.kind, kind) {
        // Nothing has been proposed from this clone yet, and it continues where it stopped.
        (Kind::Clone, Kind::Clone) if is_same && !record.is_complete => Ok(record.files),
        (Kind::Clone, _) => Err(Failure::usage(format!(
            "{shown_dir} is a clone of {project}, and what was edited in it would be overwritten. \
             `twicecast update` brings it up to date; else choose another folder."
        ))),
        (Kind::Mirror, Kind::Clone) => Err(Failure::usage(format!(
            "{shown_dir} is a mirror of {project}, which follows the project by itself; clone \
             into another folder."
        ))),
        (Kind::Mirror, Kind::Mirror) if is_same => Ok(record.files),
        (Kind::Mirror, Kind::Mirror) if force || (record.files.is_empty() && is_empty) => {
            Ok(Files::new())
        }
        (Kind::Mirror, Kind::Mirror) => Err(Failure::usage(format!(
            "{shown_dir} is a mirror of {project}, not of {}. Choose another folder, or use \
             --force.",
            credentials.full_project()
        ))),
    }
}

fn lock(work: &OwnedFd) -> Result<OwnedFd, Errno> {
    let lock = openat(
        work,
        LOCK,
        OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::from_raw_mode(0o600),
    )?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::credentials::Purpose;
    use crate::credentials::flags::CommonArgs;

    fn credentials(project: &str) -> Credentials {
        let common = CommonArgs {
            url: "ws://127.0.0.1:1".into(),
            streamer: Some("ana".into()),
            project: Some(project.into()),
            ..CommonArgs::default()
        };
        Credentials::resolve(&common, Purpose::Read, None).unwrap()
    }

    fn open(dir: &Path) -> Result<MirrorFolder, Failure> {
        MirrorFolder::open(
            dir,
            &credentials("demo"),
            Kind::Mirror,
            Permissions::default(),
        )
    }

    #[test]
    fn nothing_is_made_in_git_whichever_way_a_path_leads_there() {
        let dir = tempfile::tempdir().unwrap();
        let git = dir.path().join("repo/.git");
        fs::create_dir_all(&git).unwrap();
        symlink(&git, dir.path().join("link")).unwrap();
        symlink(git.join("dangling"), dir.path().join("dangling")).unwrap();
        for path in [
            "repo/.git",
            "repo/.git/new",
            "repo/.git/new/deep",
            "link",
            "link/new",
            "link/new/deep",
            "missing/../link/new",
            "dangling",
            "dangling/new",
        ] {
            let failure = open(&dir.path().join(path)).unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{path}");
            assert_eq!(fs::read_dir(&git).unwrap().count(), 0, "{path}");
        }
        assert!(!dir.path().join("missing").exists());
    }

    #[test]
    fn the_record_is_not_read_while_another_mirror_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = open(dir.path()).unwrap();
        // The lock is checked before the record: whatever project that names, and readable or not.
        let second = |project| {
            MirrorFolder::open(
                dir.path(),
                &credentials(project),
                Kind::Mirror,
                Permissions::default(),
            )
            .unwrap_err()
            .to_string()
        };
        assert!(second("other").contains("Another `twicecast mirror`"));
        let log = dir.path().join(WORK_FOLDER).join("manifest.jsonl");
        let record = fs::read(&log).unwrap();
        fs::write(&log, "half a rec").unwrap();
        assert!(second("demo").contains("Another `twicecast mirror`"));
        fs::write(&log, record).unwrap();
        let name = crate::names::FileName::parse("/late").unwrap();
        first.tree.manifest().wrote(&name, "1", false).unwrap();
        drop(first);
        let third = open(dir.path()).unwrap();
        assert_eq!(third.tree.ours().collect::<Vec<_>>(), [&name]);
        drop(third);
        assert!(second("other").contains("mirror of ana/demo"));
    }

    #[test]
    fn a_folder_that_is_refused_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "").unwrap();
        assert!(
            open(dir.path())
                .unwrap_err()
                .to_string()
                .contains("--force")
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_missing_is_made_through_links_too() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
        open(&dir.path().join("link/a/b")).unwrap();
        assert!(dir.path().join("real/a/b").is_dir());
    }

    #[test]
    fn a_clone_begins_as_what_came_though_it_is_edited_before_the_clone_is_done() {
        use std::io::Write as _;
        let dir = tempfile::tempdir().unwrap();
        let name = FileName::parse("/a").unwrap();
        let permissions = Permissions::default();
        let clone = |project| {
            MirrorFolder::open(dir.path(), &credentials(project), Kind::Clone, permissions)
        };
        let mut folder = clone("demo").unwrap();
        let mut staged = folder.tree.staging().begin().unwrap();
        staged.file.write_all(b"came").unwrap();
        let sha256 = crate::fs::sha256::of(b"came");
        let incoming = crate::replica::tree::Incoming {
            staged,
            sha256: sha256.clone(),
            executable: false,
        };
        folder.tree.put(incoming, &name).unwrap();
        fs::write(dir.path().join("a"), "edited").unwrap();
        // Until the clone is complete nothing can be proposed from it, and `clone` continues with
        // it.
        drop(folder);
        let unfinished = CloneFolder::open(dir.path()).unwrap_err().to_string();
        assert!(unfinished.contains("clone` again"), "{unfinished}");
        assert!(clone("other").is_err());
        let mut folder = clone("demo").unwrap();
        folder.tree.manifest().complete().unwrap();
        drop(folder);
        let opened = CloneFolder::open(dir.path()).unwrap();
        assert_eq!(opened.record.files[&name].sha256, sha256);
        drop(opened);
        let again = clone("demo").unwrap_err().to_string();
        assert!(again.contains("twicecast update"), "{again}");
    }

    #[test]
    fn a_copy_that_did_not_come_to_be_leaves_only_what_was_edited() {
        let dir = tempfile::tempdir().unwrap();
        for (path, edited) in [("new/plain", false), ("new/edited", true)] {
            let path = dir.path().join(path);
            let permissions = Permissions::default();
            let mut folder =
                MirrorFolder::open(&path, &credentials("demo"), Kind::Clone, permissions).unwrap();
            let name = FileName::parse("/a").unwrap();
            let written = if edited { "came" } else { "here" };
            let sha256 = crate::fs::sha256::of(written.as_bytes());
            folder.tree.manifest().wrote(&name, &sha256, false).unwrap();
            fs::write(path.join("a"), "here").unwrap();
            folder.discard();
            assert_eq!(path.join("a").exists(), edited);
            assert!(!path.join(WORK_FOLDER).exists());
            assert_eq!(path.exists(), edited);
        }
    }
}
