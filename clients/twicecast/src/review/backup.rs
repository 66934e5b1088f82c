//! Replaces files, and keeps the replaced ones outside the shared folder, so that no viewer sees
//! them. If possible the replaced file itself is moved there, so that a program that has it open
//! and writes to it much later loses nothing.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;

use crate::failure::Failure;
use crate::fs::atomic::{self, Replaced};
use crate::fs::sha256;
use crate::fs::user_dirs::{lies_in, own_folder};
use crate::names::{FileName, shown};
use crate::review::temporaries::Temporaries;
use crate::ui::output::Line;

/// The folder for replaced files.
const REPLACED: &str = "replaced";
/// The folder for proposed files that were put aside instead of being written.
const PROPOSED: &str = "proposed";

/// How many replaced files that cannot be moved are kept open, to see whether a program writes to
/// them.
const OPEN_MAX: usize = 200;

/// A folder for the files that one pull request replaces or puts aside.
#[derive(Debug)]
pub struct Backups {
    folder: PathBuf,
    has_replaced: bool,
    kept: Vec<Kept>,
    /// `Some` once something was replaced. It must be dropped after what it records.
    temporaries: Option<Temporaries>,
}

/// A file that was replaced.
#[derive(Debug)]
struct Kept {
    name: FileName,
    path: PathBuf,
    /// The SHA-256 of its content when it was replaced.
    hash: String,
    /// The file itself, if what is kept is a copy.
    original: Option<Replaced>,
}

impl Backups {
    /// For the pull request with that id, of a project in `dir`.
    ///
    /// # Errors
    ///
    /// A sentence, if the user has no folder for state, or only one inside the shared folder.
    pub fn of(id: &str, dir: &Path) -> Result<Self, Failure> {
        let own = own_folder("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
            Failure::usage(
                "There is no place to keep what is replaced: set HOME or XDG_STATE_HOME.",
            )
        })?;
        if lies_in(&own, dir) {
            return Err(Failure::usage(format!(
                "What is replaced would be kept in {}, which lies in the shared folder: set \
                 XDG_STATE_HOME to a folder elsewhere.",
                shown(&own.to_string_lossy())
            )));
        }
        Ok(Self::at(&own, id))
    }

    fn at(own: &Path, id: &str) -> Self {
        let plain = id.chars().filter(char::is_ascii_alphanumeric).take(8);
        let plain: String = plain.collect();
        let folder = format!("{plain}-{}", crate::ui::time::now());
        Self {
            folder: own.join("pulls").join(folder),
            has_replaced: false,
            kept: Vec::new(),
            temporaries: None,
        }
    }

    /// Replaces a file whose content was read as `ours`, or makes one if `ours` is `None`, and
    /// keeps the replaced file. `executable` is as for [`atomic::write`].
    ///
    /// # Errors
    ///
    /// If the file cannot be written or has changed; then it stays as it is.
    pub fn replace(
        &mut self,
        root: &OwnedFd,
        name: &FileName,
        ours: Option<&[u8]>,
        content: &[u8],
        executable: Option<bool>,
    ) -> io::Result<()> {
        // Nothing is replaced before it is kept.
        let path = ours.map(|ours| self.keep(name, ours)).transpose()?;
        let temporary = self.temporary(root, name)?;
        let replaced = atomic::write(root, name, ours, content, executable, &temporary)?;
        if let (Some(path), Some(ours), Some(replaced)) = (path, ours, replaced) {
            self.hold(name, path, ours, replaced);
        }
        Ok(())
    }

    /// Removes a file whose content was read as `ours`, and folders that become empty, and keeps
    /// the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be removed or has changed; then it stays as it is.
    pub fn remove(&mut self, root: &OwnedFd, name: &FileName, ours: &[u8]) -> io::Result<()> {
        let path = self.keep(name, ours)?;
        let temporary = self.temporary(root, name)?;
        let replaced = atomic::remove(root, name, ours, &temporary)?;
        self.hold(name, path, ours, replaced);
        atomic::prune(root, name);
        Ok(())
    }

    /// A temporary name next to a file.
    fn temporary(&mut self, root: &OwnedFd, name: &FileName) -> io::Result<String> {
        let temporaries = match &mut self.temporaries {
            Some(temporaries) => temporaries,
            none => none.insert(Temporaries::begin(&self.folder, root)?),
        };
        temporaries.beside(name)
    }

    /// Keeps a copy of a file that is about to be replaced.
    fn keep(&mut self, name: &FileName, content: &[u8]) -> io::Result<PathBuf> {
        let path = write(&self.folder.join(REPLACED), name, content)?;
        self.has_replaced = true;
        Ok(path)
    }

    /// Replaces the copy with the file itself, or keeps the file open.
    fn hold(&mut self, name: &FileName, path: PathBuf, ours: &[u8], mut file: Replaced) {
        let is_moved = file.move_over(&path).unwrap_or(false);
        let open = self.kept.iter().filter(|kept| kept.original.is_some());
        let has_room = open.count() < OPEN_MAX;
        self.kept.push(Kept {
            name: name.clone(),
            path,
            hash: sha256::of(ours),
            original: (!is_moved && has_room).then_some(file),
        });
    }

    /// At the end: says where the replaced files are kept. Returns whether a program has written to
    /// one of them, so that its changes are there and not in the folder.
    pub fn tell(&mut self, tell: &mut (dyn FnMut(Line) + Send)) -> bool {
        if let Some(folder) = self.replaced() {
            let folder = shown(&folder.to_string_lossy());
            tell(Line::Said(format!("what was replaced is kept in {folder}")));
        }
        let late = self.written_late();
        for (name, path) in &late {
            let path = shown(&path.to_string_lossy());
            tell(Line::Trouble(format!(
                "{name}: CONFLICT: a program wrote into it while it was replaced; what it wrote is \
                 in {path}"
            )));
        }
        !late.is_empty()
    }

    /// The files that a program has written to after they were replaced, and where the changes are.
    fn written_late(&mut self) -> Vec<(FileName, PathBuf)> {
        let mut late = Vec::new();
        for mut kept in self.kept.drain(..) {
            let now = match &mut kept.original {
                Some(original) => original.content(),
                None => fs::read(&kept.path),
            };
            let Ok(now) = now else { continue };
            if sha256::of(&now) == kept.hash {
                continue;
            }
            if kept.original.is_none() || fs::write(&kept.path, &now).is_ok() {
                late.push((kept.name, kept.path));
            }
        }
        late
    }

    /// Puts a proposed file aside, and returns its path.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn put_aside(&self, name: &FileName, content: &[u8]) -> io::Result<PathBuf> {
        write(&self.folder.join(PROPOSED), name, content)
    }

    /// The folder with the replaced files, if there are any.
    fn replaced(&self) -> Option<PathBuf> {
        self.has_replaced.then(|| self.folder.join(REPLACED))
    }
}

fn write(folder: &Path, name: &FileName, content: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(&name.as_str()[1..]);
    let cannot = |error: io::Error| {
        let path = shown(&path.to_string_lossy());
        io::Error::new(
            error.kind(),
            format!("it cannot be kept as {path}: {error}"),
        )
    };
    let mut folders = fs::DirBuilder::new();
    let mut options = fs::OpenOptions::new();
    let parent = path.parent().unwrap_or(folder);
    folders
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .and_then(|()| options.write(true).create_new(true).mode(0o600).open(&path))
        .and_then(|mut file| {
            io::Write::write_all(&mut file, content)?;
            file.sync_all()
        })
        .map_err(cannot)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::dirfd;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn shared(paths: &[&str], content: &[u8]) -> (tempfile::TempDir, OwnedFd) {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let root = dirfd::open_root(dir.path()).unwrap();
        (dir, root)
    }

    fn append(path: &Path) -> fs::File {
        fs::OpenOptions::new().append(true).open(path).unwrap()
    }

    #[test]
    fn a_program_that_has_a_replaced_file_open_and_writes_to_it_late_loses_nothing() {
        for has_second_name in [false, true] {
            let (dir, root) = shared(&["a", "folder/b", "quiet"], b"ours\n");
            let mut writers = ["a", "folder/b"].map(|path| append(&dir.path().join(path)));
            let elsewhere = tempfile::tempdir().unwrap();
            if has_second_name {
                // A file with a second name cannot be moved, so it is copied.
                fs::hard_link(dir.path().join("a"), elsewhere.path().join("a")).unwrap();
            }
            let state = tempfile::tempdir().unwrap();
            let mut backups = Backups::at(state.path(), "id");
            for replaced in ["/a", "/quiet"] {
                let replace =
                    backups.replace(&root, &name(replaced), Some(b"ours\n"), b"theirs\n", None);
                replace.unwrap();
            }
            let remove = backups.remove(&root, &name("/folder/b"), b"ours\n");
            remove.unwrap();
            for writer in &mut writers {
                io::Write::write_all(writer, b"late\n").unwrap();
            }
            let late = backups.written_late();
            let names: Vec<_> = late.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["/a", "/folder/b"]);
            for (name, path) in late {
                assert_eq!(fs::read(path).unwrap(), b"ours\nlate\n", "{name}");
            }
            assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"theirs\n");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
            if !has_second_name {
                // It is kept even after the command has ended.
                let kept = backups.replaced().unwrap().join("a");
                io::Write::write_all(&mut writers[0], b"later\n").unwrap();
                assert_eq!(fs::read(kept).unwrap(), b"ours\nlate\nlater\n");
            }
        }
    }

    #[test]
    fn what_a_program_wrote_between_the_look_and_the_replacing_stays() {
        let (dir, root) = shared(&["a"], b"ours\n");
        let state = tempfile::tempdir().unwrap();
        let mut backups = Backups::at(state.path(), "id");
        io::Write::write_all(&mut append(&dir.path().join("a")), b"new\n").unwrap();
        let replaced = backups.replace(&root, &name("/a"), Some(b"ours\n"), b"theirs\n", None);
        assert!(replaced.unwrap_err().to_string().contains("try again"));
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"ours\nnew\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_replaced_and_what_is_put_aside_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let mut backups = Backups::at(dir.path(), "7d3f/../x");
        assert_eq!(backups.replaced(), None);
        let aside = backups.put_aside(&name("/a"), b"theirs").unwrap();
        assert_eq!(backups.replaced(), None);
        let (_shared, root) = shared(&["proposed/a", "a.proposed"], b"ours");
        for replaced in ["/proposed/a", "/a.proposed"] {
            let replaced = name(replaced);
            let replace = backups.replace(&root, &replaced, Some(b"ours"), b"new", None);
            replace.unwrap();
        }
        assert_eq!(fs::read(aside).unwrap(), b"theirs");
        let kept = backups.replaced().unwrap();
        assert_eq!(fs::read(kept.join("proposed/a")).unwrap(), b"ours");
        assert!(kept.starts_with(dir.path().join("pulls")));
    }

    #[test]
    fn a_name_that_is_too_long_to_be_kept_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("/{}", vec!["a".repeat(255); 16].join("/"));
        let backups = Backups::at(dir.path(), "id");
        let error = backups.put_aside(&FileName::parse(&long).unwrap(), b"x");
        assert!(error.unwrap_err().to_string().contains("cannot be kept"));
    }
}
