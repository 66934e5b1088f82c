//! Which folders are projects: those with a marker in `.twicecast/projects`.

use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::projects::entries::Entries;
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{FOLDER, Folder, Kind, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::locks::lock;
use crate::application::ports::{ProjectState, StoreError};
use crate::domain::{ProjectId, ProjectName, UserName};

/// Knows which projects exist, for a [`ProjectStore`].
///
/// [`ProjectStore`]: crate::application::ports::ProjectStore
#[derive(Debug)]
pub(crate) struct Registry {
    layout: Arc<Layout>,
    entries: Arc<Entries>,
    /// Held while a project is created, so that two connections creating the same one do not take
    /// each other's folder for a foreign one.
    registering: Arc<Mutex<()>>,
}

impl Registry {
    pub fn new(layout: Arc<Layout>, entries: Arc<Entries>) -> Self {
        Self {
            layout,
            entries,
            registering: Arc::default(),
        }
    }

    pub async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        let (layout, project) = (Arc::clone(&self.layout), project.clone());
        let asked = project.clone();
        let common = self.entries.common();
        let found = common.run_quick(move |_| state(&layout, &asked)).await?;
        if found != ProjectState::Registered {
            // An operator has removed it: nothing that is known about it is true any more.
            self.entries.forget(&project);
        }
        Ok(found)
    }

    pub async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        let (layout, registering) = (Arc::clone(&self.layout), Arc::clone(&self.registering));
        let asked = project.clone();
        let made = move || {
            let _alone = lock(&registering);
            register(&layout, &asked)
        };
        if self.entries.common().run(made).await? {
            self.entries.forget(project);
        }
        Ok(())
    }

    pub async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        let (layout, registering) = (Arc::clone(&self.layout), Arc::clone(&self.registering));
        let asked = project.clone();
        let adopt = move || {
            let _alone = lock(&registering);
            if lying_there(&layout, &asked)? != Some(Kind::Folder) {
                return Err(StoreError::NotFound);
            }
            mark(&layout, &asked).map(drop)
        };
        self.entries.common().run(adopt).await?;
        self.entries.forget(project);
        Ok(())
    }

    pub async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        let layout = Arc::clone(&self.layout);
        self.entries.common().run(move || projects(&layout)).await
    }
}

fn state(layout: &Layout, project: &ProjectId) -> Result<ProjectState, StoreError> {
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

/// Returns whether this call created the project.
fn register(layout: &Layout, project: &ProjectId) -> Result<bool, StoreError> {
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

fn projects(layout: &Layout) -> Result<Vec<ProjectId>, StoreError> {
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
