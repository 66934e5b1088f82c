//! Deleting a file and the folders that this empties.

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::projects::replace::split;
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, Kind};
use crate::adapters::outbound::filesystem::sandbox::layout::{Durability, Layout};
use crate::adapters::outbound::filesystem::sandbox::temporary::Temporary;
use crate::application::ports::StoreError;
use crate::domain::FilePath;

/// Deletes the file at `path` of the project whose folder is `root`.
pub(crate) fn delete(layout: &Layout, root: &Folder, path: &FilePath) -> Result<(), StoreError> {
    let (parents, name) = split(path);
    let folder = root.descend(parents.clone());
    let folder = folder.looking("open a folder")?;
    take_out(layout, &folder, name)?;
    remove_emptied(root, parents.collect());
    Ok(())
}

/// Removes a file from `folder`, durably, or leaves it there.
fn take_out(layout: &Layout, folder: &Folder, name: &str) -> Result<(), StoreError> {
    const WHAT: &str = "delete a file";
    let Some(Kind::File(_)) = folder.kind(name).looking(WHAT)? else {
        return Err(StoreError::NotFound);
    };
    // First move it out of sight, to where it can be examined and restored from.
    let hidden = layout.temporary_name();
    folder
        .rename(name, &layout.staging, &hidden)
        .looking(WHAT)?;
    let mut taken = Temporary::guard(&layout.staging, hidden);
    let (staging, hidden) = taken.place_in_staging();
    let kind = staging.kind(hidden).during(WHAT)?;
    let Some(Kind::File(_)) = kind else {
        bring_back(&mut taken, folder, name);
        return Err(StoreError::NotFound);
    };
    if layout.durability == Durability::Fsync
        && let Err(error) = folder.sync()
    {
        bring_back(&mut taken, folder, name);
        return Err(error).during(WHAT);
    }
    Ok(())
}

fn bring_back(taken: &mut Temporary, folder: &Folder, name: &str) {
    if let Err(error) = taken.place(folder, name) {
        tracing::warn!(%error, "a delete failed and could not be undone");
    }
}

/// Removes the folders that `segments` lead through, innermost first, as long as they are empty. If
/// the machine crashes first, an empty folder is left, which contains nothing and is shown nowhere.
fn remove_emptied(root: &Folder, mut segments: Vec<&str>) {
    while let Some(name) = segments.pop() {
        let removed = root
            .descend(segments.iter().copied())
            .and_then(|parent| parent.remove_folder(name));
        match removed {
            Ok(()) | Err(Errno::NOENT) => {}
            // Not empty, or not removable: then neither is its parent.
            Err(_) => return,
        }
    }
}
