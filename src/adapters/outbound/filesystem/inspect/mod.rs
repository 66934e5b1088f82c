//! Looks at a base folder without opening the stores, for an operator's doctor. Changes nothing,
//! except that it writes a small file and removes it again.

mod medium;
mod own;
mod projects;
mod records;
mod trial;

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::sandbox::folder::Folder;
use crate::application::inspection::{Inspection, PlaceState};

const STATE: &str = ".twicecast";

/// Looks at the base folder. Blocks.
pub fn inspect(base: &Path) -> Inspection {
    match std::fs::metadata(base) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Inspection::Missing(may_be_made(base));
        }
        Err(error) => return Inspection::Unusable(error.to_string()),
        Ok(found) if !found.is_dir() => {
            return Inspection::Unusable("it is not a folder".to_owned());
        }
        Ok(_) => {}
    }
    match look(base) {
        Ok(state) => Inspection::There(Box::new(state)),
        Err(error) => Inspection::Unusable(error.to_string()),
    }
}

fn look(path: &Path) -> std::io::Result<PlaceState> {
    let base = Folder::open(path)?;
    let about = std::fs::metadata(path)?;
    // Everybody may write here and, without the sticky bit, remove the files of others.
    let is_open_to_all = about.mode() & 0o1002 == 0o002;
    let state = match base.folder(STATE) {
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(format!(".twicecast cannot be opened: {error}")),
        Ok(state) => Ok(Some(state)),
    };
    let own = state.as_ref().map_err(Clone::clone).and_then(|state| {
        let state = state.as_ref().map(|state| own::look(&base, state));
        state.transpose()
    });
    let state = state.ok().flatten();
    let found = projects::look(&base, state.as_ref(), about.dev());
    Ok(PlaceState {
        owner: about.uid(),
        user: rustix::process::geteuid().as_raw(),
        is_open_to_all,
        free: medium::free(&base),
        medium: medium::of(&base),
        trial: trial::run(&base, state.as_ref()),
        own,
        elsewhere: found.elsewhere,
        foreign: found.foreign,
        newest: found.newest,
    })
}

/// Whether the folder could be made, judged by its nearest existing ancestor.
fn may_be_made(base: &Path) -> Result<(), String> {
    let absolute = std::path::absolute(base).map_err(|error| error.to_string())?;
    let nearest = absolute.ancestors().skip(1).find(|above| above.exists());
    let nearest = nearest.map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let refused = |why: &str| format!("{} {why}", nearest.display());
    if !nearest.is_dir() {
        return Err(refused("is not a folder"));
    }
    rustix::fs::access(&nearest, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| refused(&format!("does not let one be made: {error}")))
}

#[cfg(test)]
mod tests;
