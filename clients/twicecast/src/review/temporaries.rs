//! Temporary files next to those that are replaced; they exist for a moment and are not shared.
//! Each is recorded before it is made, in a file that its process holds a lock on. So if the
//! process is killed, the next one finds what it has left, and nothing else.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, fstat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::fs::user_dirs::own_folder;
use crate::fs::{atomic, dirfd};
use crate::names::{FileName, OWN_PREFIX, shown};
use crate::ui::output::warn;

/// The file that records them, in the folder for what one process replaces.
const NOTES: &str = "temporaries";
/// The folder for those that were left behind.
const LEFT: &str = "left";

/// The temporary files of one process in one folder.
#[derive(Debug)]
pub struct Temporaries {
    notes: File,
    path: PathBuf,
}

/// One temporary file: its folder in the project, and its name.
#[derive(Serialize, Deserialize)]
struct Note {
    parent: String,
    leaf: String,
}

impl Note {
    /// Whether it can be one of ours, and is inside the project.
    fn is_ours(&self) -> bool {
        let mut above = self.parent.split('/');
        self.leaf.starts_with(OWN_PREFIX)
            && !self.leaf.contains('/')
            && above.all(|segment| segment != "..")
    }
}

impl Temporaries {
    /// Starts a record in `folder`, which is made if it is missing; the temporary files are in
    /// `root`.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn begin(folder: &Path, root: &OwnedFd) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join(NOTES);
        let mut options = OpenOptions::new();
        let options = options.append(true).create_new(true).mode(0o600);
        let mut notes = options.open(&path)?;
        notes.lock()?;
        writeln!(notes, "{}", serde_json::to_string(&inode(root)?)?)?;
        Ok(Self { notes, path })
    }

    /// A temporary name next to a file of the project.
    ///
    /// # Errors
    ///
    /// If the name cannot be recorded.
    pub fn beside(&mut self, name: &FileName) -> io::Result<String> {
        let leaf = atomic::own_name();
        let note = Note {
            parent: name.split().0.to_owned(),
            leaf: leaf.clone(),
        };
        let line = format!("{}\n", serde_json::to_string(&note)?);
        self.notes.write_all(line.as_bytes())?;
        Ok(leaf)
    }
}

impl Drop for Temporaries {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            // This only succeeds if nothing was kept in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Moves what killed processes have left in a project's folder out of it, and says where it is now,
/// because it may be somebody's own file.
pub fn sweep(root: &OwnedFd) {
    let Some(own) = own_folder("XDG_STATE_HOME", ".local/state") else {
        return;
    };
    for kept in sweep_in(&own.join("pulls"), root) {
        let kept = shown(&kept.to_string_lossy());
        warn(&format!(
            "what a killed `apply` or `update` has left in the folder is in {kept} now"
        ));
    }
}

/// The folders into which files were moved.
fn sweep_in(pulls: &Path, root: &OwnedFd) -> Vec<PathBuf> {
    let runs = fs::read_dir(pulls).into_iter().flatten().flatten();
    let swept = runs.filter_map(|run| {
        let left = run.path().join(LEFT);
        let count = sweep_run(&run.path().join(NOTES), &left, root).ok()?;
        (count > 0).then_some(left)
    });
    swept.collect()
}

fn sweep_run(notes: &Path, left: &Path, root: &OwnedFd) -> io::Result<usize> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let options = options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(notes)?;
    if file.try_lock().is_err() {
        // Its process is still running.
        return Ok(0);
    }
    let mut lines = BufReader::new(&file).lines();
    let of: (u64, u64) = serde_json::from_str(&lines.next().unwrap_or(Ok(String::new()))?)?;
    if of != inode(root)? {
        return Ok(0);
    }
    let (mut count, mut has_failed) = (0, false);
    for line in lines {
        let Ok(note) = serde_json::from_str::<Note>(&line?) else {
            continue;
        };
        if note.is_ours() {
            match take_out(root, &note, left) {
                Ok(is_there) => count += usize::from(is_there),
                Err(_) => has_failed = true,
            }
        }
    }
    if !has_failed {
        fs::remove_file(notes)?;
    }
    Ok(count)
}

/// Moves a temporary file out of the project. Returns whether it was there.
fn take_out(root: &OwnedFd, note: &Note, left: &Path) -> io::Result<bool> {
    let Ok(folder) = dirfd::open_below(root, &note.parent) else {
        return Ok(false);
    };
    let mut file = match dirfd::open_file(&folder, &note.leaf) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(left)?;
    let to = left.join(&note.leaf);
    match renameat(&folder, &note.leaf, CWD, &to) {
        Ok(()) => {}
        Err(Errno::XDEV) => {
            let mut options = OpenOptions::new();
            let mut copy = options.write(true).create_new(true).mode(0o600).open(&to)?;
            io::copy(&mut file, &mut copy)?;
            copy.sync_all()?;
            unlinkat(&folder, &note.leaf, AtFlags::empty())?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

fn inode(root: &OwnedFd) -> io::Result<(u64, u64)> {
    Ok(dirfd::inode(&fstat(root)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_process_noted_for_this_folder_is_taken_out_and_it_is_kept() {
        let (world, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = dirfd::open_root(dir.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        let elsewhere = dirfd::open_root(other.path()).unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let name = FileName::parse("/a/b").unwrap();
        let begin = |run: &str, root| Temporaries::begin(&world.path().join(run), root).unwrap();
        let make = |temporaries: &mut Temporaries| {
            let leaf = temporaries.beside(&name).unwrap();
            let path = dir.path().join("a").join(leaf);
            fs::write(&path, "mine").unwrap();
            path
        };
        let [mut dead, mut alive] = ["dead", "alive"].map(|run| begin(run, &root));
        let mut foreign = begin("foreign", &elsewhere);
        let paths = [&mut dead, &mut alive, &mut foreign].map(make);
        let lookalike = dir.path().join(format!("a/{OWN_PREFIX}0.tmp"));
        fs::write(&lookalike, "").unwrap();
        // As if their processes had been killed: only the locks are released.
        for dead in [dead, foreign] {
            dead.notes.unlock().unwrap();
            std::mem::forget(dead);
        }
        let kept = sweep_in(world.path(), &root);
        assert_eq!(kept, [world.path().join("dead").join(LEFT)]);
        let leaf = paths[0].file_name().unwrap();
        assert_eq!(fs::read(kept[0].join(leaf)).unwrap(), b"mine");
        assert_eq!(paths.map(|path| path.exists()), [false, true, true]);
        assert!(lookalike.exists());
        assert!(!world.path().join("dead").join(NOTES).exists());
        assert_eq!(sweep_in(world.path(), &root), Vec::<PathBuf>::new());
        drop(alive);
        assert!(!world.path().join("alive").join(NOTES).exists());
    }

    #[test]
    fn a_note_leads_neither_out_of_the_project_nor_to_somebodys_own_file() {
        let leaf = format!("{OWN_PREFIX}0.tmp");
        for (parent, leaf, is_ours) in [
            ("/a", leaf.as_str(), true),
            ("", &leaf, true),
            ("/..", &leaf, false),
            ("/a/../..", &leaf, false),
            ("/a", "mine", false),
            ("/a", &format!("{leaf}/../../x"), false),
        ] {
            let (parent, leaf) = (parent.to_owned(), leaf.to_owned());
            let note = Note { parent, leaf };
            assert_eq!(note.is_ours(), is_ours, "{}/{}", note.parent, note.leaf);
        }
    }
}
