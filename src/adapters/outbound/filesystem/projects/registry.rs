//! Which folders are projects: those with a marker in `.twicecast/projects`.

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{FOLDER, Folder, Kind, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::ports::{ProjectState, StoreError};
use crate::domain::{ProjectId, ProjectName, UserName};

/// What is known about `project`; see [`ProjectStore`].
///
/// [`ProjectStore`]: crate::application::ports::ProjectStore
pub(crate) fn state(layout: &Layout, project: &ProjectId) -> Result<ProjectState, StoreError> {
    let marked = layout.is_marked(project).during("look at a marker")?;
    let state = match lying_there(layout, project)? {
        None => ProjectState::Absent,
        Some(Kind::Folder) if marked => ProjectState::Registered,
        Some(_) => ProjectState::Foreign,
    };
    if state == ProjectState::Absent {
        layout.must_be_there()?;
    }
    Ok(state)
}

/// What exists where the project's folder is or would be.
fn lying_there(layout: &Layout, project: &ProjectId) -> Result<Option<Kind>, StoreError> {
    const WHAT: &str = "look at a project's folder";
    let user = project.streamer.as_str();
    match layout.base.kind(user).during(WHAT)? {
        Some(Kind::Folder) => {}
        other => return Ok(other.map(|_| Kind::Other)),
    }
    match layout.base.folder(user) {
        Ok(user) => user.kind(project.name.as_str()).during(WHAT),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error).during(WHAT),
    }
}

/// Creates the project, and returns whether this call did. Only one at a time: two that create the
/// same project would take each other's folder for a foreign one.
pub(crate) fn register(layout: &Layout, project: &ProjectId) -> Result<bool, StoreError> {
    match state(layout, project)? {
        ProjectState::Registered => return Ok(false),
        ProjectState::Foreign => return Err(StoreError::PathConflict),
        ProjectState::Absent => {}
    }
    // The marker first: a crash in between leaves a marker without a folder, which is not a project
    // and becomes one next time; a folder without a marker would wait for the operator.
    let newly_marked = mark(layout, project)?;
    let made = make_folder(layout, project);
    if made.is_err() && newly_marked {
        // Otherwise whatever is there would become a project.
        unmark(layout, project);
    }
    made.map(|()| true)
}

/// Makes a folder that the server did not create a project.
pub(crate) fn adopt(layout: &Layout, project: &ProjectId) -> Result<(), StoreError> {
    if lying_there(layout, project)? != Some(Kind::Folder) {
        return Err(StoreError::NotFound);
    }
    mark(layout, project).map(drop)
}

fn make_folder(layout: &Layout, project: &ProjectId) -> Result<(), StoreError> {
    const WHAT: &str = "make a project's folder";
    let user = project.streamer.as_str();
    layout.base.make_folder(user, FOLDER).during(WHAT)?;
    let folder = layout.base.folder(user).writing(WHAT)?;
    let made = folder.make_folder(project.name.as_str(), FOLDER);
    if !made.during(WHAT)? {
        return Err(StoreError::PathConflict);
    }
    let synced = folder.sync().and_then(|()| layout.base.sync());
    if synced.is_err() {
        // Otherwise it would be there, unmarked, for the operator to adopt.
        let _ = folder.remove_folder(project.name.as_str());
    }
    synced.during(WHAT)
}

/// Returns whether there was no marker yet. Durable.
fn mark(layout: &Layout, project: &ProjectId) -> Result<bool, StoreError> {
    const WHAT: &str = "mark a project";
    let user = layout.markers.own_folder(project.streamer.as_str());
    let user = user.during(WHAT)?;
    match user.create(project.name.as_str(), PRIVATE_FILE) {
        Ok(marker) => {
            let synced = marker.sync_all().and_then(|()| Ok(user.sync()?));
            if synced.is_err() {
                let _ = user.remove_file(project.name.as_str());
            }
            synced.during(WHAT)?;
            Ok(true)
        }
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error).during(WHAT),
    }
}

fn unmark(layout: &Layout, project: &ProjectId) {
    let user = layout.markers.folder(project.streamer.as_str());
    let removed = user.and_then(|user| user.remove_file(project.name.as_str()));
    if let Err(error) = removed {
        tracing::warn!(%error, "cannot take back the marker of a project");
    }
}

/// All projects that exist.
pub(crate) fn projects(layout: &Layout) -> Result<Vec<ProjectId>, StoreError> {
    const WHAT: &str = "list the projects";
    let mut found = Vec::new();
    for (streamer, user) in folders(&layout.markers, UserName::parse).during(WHAT)? {
        let Ok(folder) = layout.base.folder(streamer.as_str()) else {
            continue;
        };
        for (name, is_folder) in user.list().during(WHAT)? {
            let Ok(name) = ProjectName::parse(&name) else {
                continue;
            };
            if !is_folder && folder.kind(name.as_str()).during(WHAT)? == Some(Kind::Folder) {
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

/// The folders in `folder` with valid names.
pub(crate) fn folders<T, E>(
    folder: &Folder,
    parse: fn(&str) -> Result<T, E>,
) -> rustix::io::Result<Vec<(T, Folder)>> {
    let mut found = Vec::new();
    for (name, is_folder) in folder.list()? {
        if let (true, Ok(parsed)) = (is_folder, parse(&name)) {
            found.push((parsed, folder.folder(&name)?));
        }
    }
    Ok(found)
}
