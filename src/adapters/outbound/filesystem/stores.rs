//! All stores on one base folder.

use std::path::Path;
use std::sync::Arc;

use super::guests::store::FilesystemGuests;
use super::moderation::store::FilesystemModeration;
use super::pool::in_flight::InFlight;
use super::projects::store::FilesystemProjects;
use super::pull_requests::load;
use super::pull_requests::store::FilesystemPullRequests;
use super::sandbox::error::{During, OpenError};
use super::sandbox::layout::{Durability, Layout};
use super::uploads::store::FilesystemUploads;
use crate::application::ports::{EngineState, StoreResources, Stores};

/// Opens the stores on `base`, which is created if it is missing. `durability` is what an
/// acknowledged change survives. The lock is held until the last of the stores is gone. Blocks.
///
/// # Errors
/// Why `base` cannot be used; for example, another server uses it.
pub fn open_stores(
    base: &Path,
    durability: Durability,
    resources: StoreResources,
) -> Result<Stores, OpenError> {
    let layout = Arc::new(Layout::open(
        base,
        durability,
        resources.open_files,
        resources.disk,
    )?);
    let open = load::open_pull_requests(&layout.pulls).or_refused("read .twicecast/pulls")?;
    let drafts = Arc::new(InFlight::default());
    let projects = FilesystemProjects::new(Arc::clone(&layout), Arc::clone(&resources.memory));
    let pull_requests = FilesystemPullRequests::new(Arc::clone(&layout), Arc::clone(&drafts), open);
    let guests = FilesystemGuests::new(Arc::clone(&layout));
    let moderation = FilesystemModeration::new(Arc::clone(&layout), resources.memory);
    Ok(Stores {
        projects: Arc::new(projects),
        pull_requests: Arc::new(pull_requests),
        uploads: Arc::new(FilesystemUploads::new(layout, drafts)),
        guests: Arc::new(guests),
        moderation: Arc::new(moderation),
        engine: EngineState::always_ready(),
        rooms: None,
        presence: None,
        apply_relay: None,
    })
}

/// `None` if the stores could not be opened because a server holds them.
///
/// # Errors
/// Any other reason why they could not be opened.
pub fn unless_locked(opened: Result<Stores, OpenError>) -> Result<Option<Stores>, OpenError> {
    match opened {
        Err(OpenError::Locked) => Ok(None),
        opened => opened.map(Some),
    }
}
