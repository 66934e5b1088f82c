//! What this program uses a folder for: a mirror, a clone, or a shared folder. No command does to
//! one what is meant for another.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fs::user_dirs::own_folder;
use crate::fs::{dirfd, sha256};
use crate::names::{WORK_FOLDER, shown};
use crate::replica::record::{self, Earlier, Kind};

/// The use of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Copy(Kind),
    Shared,
}

/// A folder that this program has been used in. Everything but the path may be somebody else's
/// words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The folder's path.
    pub path: PathBuf,
    is: Use,
    /// The server's address; empty if it is not known, or the server was only temporary.
    pub url: String,
    /// The streamer.
    pub streamer: String,
    /// The project's name.
    pub project: String,
}

impl Marked {
    /// Whether it is or was shared from here.
    pub fn is_shared(&self) -> bool {
        self.is == Use::Shared
    }

    fn full_project(&self) -> String {
        shown(&format!("{}/{}", self.streamer, self.project))
    }
}

/// What this program uses a folder for, if anything.
pub fn of(dir: &Path) -> Option<Marked> {
    copy(dir).or_else(|| shared(dir))
}

/// Refuses to share a folder that is a mirror or a clone, or is inside one.
///
/// # Errors
///
/// A sentence that says what to do.
pub fn check_shareable(dir: &Path) -> Result<(), Failure> {
    for above in above(dir) {
        let Some(found) = copy(&above) else {
            continue;
        };
        let project = found.full_project();
        let path = shown(&found.path.to_string_lossy());
        return Err(Failure::usage(match found.is {
            Use::Copy(Kind::Clone) => format!(
                "{path} is a clone of {project}: what you change in it goes to the streamer with \
                 `twicecast propose`. Share another folder."
            ),
            _ => format!(
                "{path} is a mirror of {project}, which follows the project by itself. Share \
                 another folder, or first make it yours by removing {path}/{WORK_FOLDER}."
            ),
        }));
    }
    Ok(())
}

/// Refuses to take pull requests into a clone or a mirror: they belong into the shared folder.
///
/// # Errors
///
/// A sentence that says what to do.
pub fn check_reviewable(dir: &Path) -> Result<(), Failure> {
    let Some(found) = above(dir).iter().find_map(|dir| copy(dir)) else {
        return Ok(());
    };
    Err(Failure::usage(format!(
        "{} is a copy of {}, and pull requests go into the folder that is shared; give that with \
         --dir.",
        shown(&found.path.to_string_lossy()),
        found.full_project()
    )))
}

/// Remembers that a folder is shared, so that nothing is mirrored into it, and where, for the
/// streamer's other commands. `url` is empty if the server ends with the share. If this cannot be
/// saved, the share goes on.
pub fn mark_shared(dir: &Path, url: &str, project: &str) {
    let Some((mark, id)) = mark(dir) else { return };
    let shared = Shared {
        project: project.to_owned(),
        url: url.to_owned(),
        id,
    };
    let folder = mark.parent().unwrap_or(Path::new("/"));
    let mut options = fs::OpenOptions::new();
    let _ = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| {
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&mark)
        })
        .and_then(|file| Ok(serde_json::to_writer(file, &shared)?));
}

/// Refuses to write a copy into a shared folder that is not empty. A folder that is not empty and
/// is not a copy yet must not be inside a shared folder or a clone either.
///
/// # Errors
///
/// A sentence that says what to do.
pub fn check_fillable(dir: &Path, is_empty: bool, is_copy: bool) -> Result<(), Failure> {
    let mut all = above(dir).into_iter();
    let own = all.next().filter(|_| !is_empty);
    let own = own.and_then(|dir| shared(&dir));
    let around = all.filter(|_| !is_empty && !is_copy);
    let around = around.filter_map(|dir| {
        let is_edited = |copy: &Marked| copy.is == Use::Copy(Kind::Clone);
        shared(&dir).or_else(|| copy(&dir).filter(is_edited))
    });
    let Some(found) = own.into_iter().chain(around).next() else {
        return Ok(());
    };
    let way_out = match mark(&found.path).filter(|_| found.is_shared()) {
        Some((mark, _)) => format!(
            " If it is not shared any more, remove {}.",
            shown(&mark.to_string_lossy())
        ),
        None => String::new(),
    };
    let is = if found.is_shared() {
        "was shared as"
    } else {
        "is a clone of"
    };
    Err(Failure::usage(format!(
        "{} {is} {}, and what you have in it would be overwritten; choose a folder elsewhere.\
         {way_out}",
        shown(&found.path.to_string_lossy()),
        found.full_project()
    )))
}

/// A folder, with symbolic links resolved, and the folders that contain it, innermost first.
pub fn above(dir: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    real.ancestors().map(Path::to_owned).collect()
}

fn copy(dir: &Path) -> Option<Marked> {
    let root = dirfd::open_root(dir).ok()?;
    let work = dirfd::open_folder(&root, WORK_FOLDER).ok()?;
    let Ok(Earlier::Found(record)) = record::read(&work) else {
        return None;
    };
    Some(Marked {
        path: dir.to_owned(),
        is: Use::Copy(record.header.kind),
        url: record.header.url,
        streamer: record.header.streamer,
        project: record.header.project,
    })
}

#[derive(Serialize, Deserialize)]
struct Shared {
    /// The project's full name.
    project: String,
    #[serde(default)]
    url: String,
    /// Identifies the folder: one that was made again in the same place is another.
    id: (u64, u64),
}

fn shared(dir: &Path) -> Option<Marked> {
    let (mark, id) = mark(dir)?;
    let shared: Shared = serde_json::from_slice(&fs::read(mark).ok()?).ok()?;
    // A streamer's name contains no slash.
    let (streamer, project) = shared.project.split_once('/')?;
    (shared.id == id).then(|| Marked {
        path: dir.to_owned(),
        is: Use::Shared,
        streamer: streamer.to_owned(),
        project: project.to_owned(),
        url: shared.url,
    })
}

/// The file that remembers that a folder is shared, and the folder's identity.
fn mark(dir: &Path) -> Option<(PathBuf, (u64, u64))> {
    let dir = fs::canonicalize(dir).ok()?;
    let found = fs::metadata(&dir).ok()?;
    let name = sha256::of(dir.as_os_str().as_bytes());
    let state = own_folder("XDG_STATE_HOME", ".local/state")?;
    Some((state.join("shared").join(name), (found.dev(), found.ino())))
}
