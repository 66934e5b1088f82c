//! Decides which folders are projects: those with a marker in `.twicecast/projects`. And which
//! users' folders are the server's own: those with a folder for markers there, even an empty one.

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::pool::blocking_threads::soon;
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{
    FOLDER, Folder, Kind, PRIVATE_FILE, PRIVATE_FOLDER,
};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::ports::{ProjectState, StoreError};
use crate::domain::{ProjectId, ProjectName, UserName};

/// What is known about `project`; see [`ProjectStore`].
///
/// [`ProjectStore`]: crate::application::ports::ProjectStore
pub(crate) fn state(layout: &Layout, project: &ProjectId) -> Result<ProjectState, StoreError> {
    let marked = layout.is_marked(project).during("look at a marker")?;
    let state = match lying_there(layout, project)? {
        Lying::Nothing => ProjectState::Absent,
        Lying::Folder if marked => ProjectState::Registered,
        Lying::Folder | Lying::Other => ProjectState::Foreign,
    };
    if state == ProjectState::Absent {
        layout.must_be_there()?;
    }
    Ok(state)
}

/// What exists where a project's folder is or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lying {
    Nothing,
    Folder,
    /// Something that is not a folder; or nothing, but the user's folder is foreign or not a
    /// folder.
    Other,
}

fn lying_there(layout: &Layout, project: &ProjectId) -> Result<Lying, StoreError> {
    const WHAT: &str = "look at a project's folder";
    let streamer = project.streamer.as_str();
    match layout.base.kind(streamer).during(WHAT)? {
        None => return Ok(Lying::Nothing),
        Some(Kind::Folder) => {}
        Some(_) => return Ok(Lying::Other),
    }
    let user = match layout.base.folder(streamer) {
        Err(Errno::NOENT) => return Ok(Lying::Nothing),
        user => user.during(WHAT)?,
    };
    match user.kind(&project.name.file_name()).during(WHAT)? {
        Some(Kind::Folder) => Ok(Lying::Folder),
        None if is_own(layout, &project.streamer, &user).during(WHAT)? => Ok(Lying::Nothing),
        Some(_) | None => Ok(Lying::Other),
    }
}

/// Whether a project may be made in this folder of a user: the server made it, an operator adopted
/// it, or nobody has put anything there.
fn is_own(layout: &Layout, streamer: &UserName, user: &Folder) -> rustix::io::Result<bool> {
    Ok(layout.markers.kind(streamer.as_str())? == Some(Kind::Folder) || user.is_empty()?)
}

/// Creates the project, and returns whether this call did. Calls must not overlap: two that create
/// the same project would take each other's folder for a foreign one.
pub(crate) fn register(layout: &Layout, project: &ProjectId) -> Result<bool, StoreError> {
    match state(layout, project)? {
        ProjectState::Registered => return Ok(false),
        ProjectState::Foreign => return Err(StoreError::PathConflict),
        ProjectState::Absent => {}
    }
    // The marker first: a crash in between leaves a marker without a folder, which is not a project
    // and becomes one next time; a folder without a marker would wait for the operator.
    let new = mark(layout, project)?;
    let made = make_folder(layout, project);
    if made.is_err() {
        // Otherwise whatever is there would become a project, or the user's folder.
        new.take_back(layout, project);
    }
    made.map(|()| true)
}

/// Turns a folder that the server did not create into a project, and the folder above it into its
/// streamer's.
pub(crate) fn adopt(layout: &Layout, project: &ProjectId) -> Result<(), StoreError> {
    if lying_there(layout, project)? != Lying::Folder {
        return Err(StoreError::NotFound);
    }
    mark(layout, project).map(drop)
}

/// Gives a user the folder of their name, which the server did not create, but makes nothing in it
/// a project.
pub(crate) fn adopt_user(layout: &Layout, user: &UserName) -> Result<(), StoreError> {
    const WHAT: &str = "adopt a user's folder";
    if layout.base.kind(user.as_str()).during(WHAT)? != Some(Kind::Folder) {
        return Err(StoreError::NotFound);
    }
    let markers = layout.markers.own_folder(user.as_str());
    markers.during(WHAT).map(drop)
}

/// Removes a project: its folder with all that is in it, and its marker.
pub(crate) fn remove(layout: &Layout, project: &ProjectId) -> Result<(), StoreError> {
    const WHAT: &str = "remove a project";
    if state(layout, project)? != ProjectState::Registered {
        return Err(StoreError::NotFound);
    }
    let user = layout.base.folder(project.streamer.as_str());
    let user = user.looking(WHAT)?;
    // The move removes the project at once, however large it is: the rest is only cleanup.
    let (name, hidden) = (project.name.file_name(), layout.temporary_name());
    let moved = user.rename(&name, &layout.staging, &hidden);
    moved.looking(WHAT)?;
    if let Err(error) = user.sync() {
        if let Err(error) = layout.staging.rename_new(&hidden, &user, &name) {
            tracing::warn!(%error, "the removal of a project failed and could not be undone");
        }
        return Err(error).during(WHAT);
    }
    // A marker that stays behind marks no project.
    let marks = NewMarks {
        user: false,
        project: true,
    };
    marks.take_back(layout, project);
    let staging = layout.staging.clone();
    soon(move || {
        if let Err(error) = staging.remove_tree(&hidden) {
            tracing::warn!(%error, "cannot clean up after the removal of a project");
        }
    });
    Ok(())
}

fn make_folder(layout: &Layout, project: &ProjectId) -> Result<(), StoreError> {
    const WHAT: &str = "make a project's folder";
    let user = project.streamer.as_str();
    layout.base.make_folder(user, FOLDER).during(WHAT)?;
    let folder = layout.base.folder(user).writing(WHAT)?;
    let made = folder.make_folder(&project.name.file_name(), FOLDER);
    if !made.during(WHAT)? {
        return Err(StoreError::PathConflict);
    }
    let synced = folder.sync().and_then(|()| layout.base.sync());
    if synced.is_err() {
        // Otherwise it would be there, unmarked, for the operator to adopt.
        let _ = folder.remove_folder(&project.name.file_name());
    }
    synced.during(WHAT)
}

/// What marking a project has made.
struct NewMarks {
    user: bool,
    project: bool,
}

/// Marks a project, durably, and returns what that has made.
fn mark(layout: &Layout, project: &ProjectId) -> Result<NewMarks, StoreError> {
    const WHAT: &str = "mark a project";
    let streamer = project.streamer.as_str();
    let made = layout.markers.make_folder(streamer, PRIVATE_FOLDER);
    let mut new = NewMarks {
        user: made.during(WHAT)?,
        project: false,
    };
    let marked = layout.markers.sync().and_then(|()| {
        let user = layout.markers.folder(streamer)?;
        match user.create(&project.name.file_name(), PRIVATE_FILE) {
            Ok(marker) => {
                new.project = true;
                rustix::fs::fsync(marker)?;
                user.sync()
            }
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error),
        }
    });
    if let Err(error) = marked {
        new.take_back(layout, project);
        return Err(error).during(WHAT);
    }
    Ok(new)
}

impl NewMarks {
    fn take_back(self, layout: &Layout, project: &ProjectId) {
        let streamer = project.streamer.as_str();
        let taken = (|| {
            if self.project {
                let user = layout.markers.folder(streamer)?;
                user.remove_file(&project.name.file_name())?;
            }
            if self.user {
                layout.markers.remove_folder(streamer)?;
            }
            Ok::<_, Errno>(())
        })();
        if let Err(error) = taken {
            tracing::warn!(%error, "cannot take back the marker of a project");
        }
    }
}

/// All projects that exist.
pub(crate) fn projects(layout: &Layout) -> Result<Vec<ProjectId>, StoreError> {
    const WHAT: &str = "list the projects";
    let mut found = Vec::new();
    for (streamer, user) in layout
        .markers
        .folders(|name| UserName::parse(name).ok())
        .during(WHAT)?
    {
        let Ok(folder) = layout.base.folder(streamer.as_str()) else {
            continue;
        };
        for (name, is_folder) in user.list().during(WHAT)? {
            let Some(name) = ProjectName::from_file_name(&name) else {
                continue;
            };
            if !is_folder && folder.kind(&name.file_name()).during(WHAT)? == Some(Kind::Folder) {
                found.push(ProjectId {
                    streamer: streamer.clone(),
                    name,
                });
            }
        }
    }
    if found.is_empty() {
        layout.must_be_there()?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::adapters::outbound::contract_tests::world::project;
    use crate::adapters::outbound::filesystem::Durability;

    #[test]
    fn a_registration_that_fails_leaves_the_marks_that_were_there() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let layout =
            Layout::open(place.path(), Durability::Fsync, 1, Arc::default()).expect("opens");
        let (first, second) = (project("ana", "first"), project("ana", "second"));
        let new = mark(&layout, &first).expect("marks");
        new.take_back(&layout, &first);
        assert_eq!(layout.markers.list(), Ok(Vec::new()), "nor the user's");

        mark(&layout, &first).expect("marks");
        let new = mark(&layout, &first).expect("marks again");
        new.take_back(&layout, &first);
        let new = mark(&layout, &second).expect("marks");
        new.take_back(&layout, &second);
        assert_eq!(layout.is_marked(&first), Ok(true));
        assert_eq!(layout.is_marked(&second), Ok(false));
    }
}
