//! Turns a draft on disk into a pull request.

use std::io::Write as _;

use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{
    Folder, PRIVATE_FILE, PRIVATE_FOLDER,
};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::uploads::names::{RECORD, stored_name};
use crate::adapters::outbound::records::pull_request as record;
use crate::application::ports::StoreError;
use crate::domain::{ProjectId, PullRequest};

/// Completes a draft's folder, makes it durable, and moves it to the pull requests.
pub(crate) fn finish(layout: &Layout, finished: &PullRequest) -> Result<(), StoreError> {
    const WHAT: &str = "finish a pull request";
    let id = finished.id.to_string();
    if finished.files.is_empty() {
        // A draft that only proposes deletions has no folder yet.
        layout
            .drafts
            .make_folder(&id, PRIVATE_FOLDER)
            .during(WHAT)?;
    }
    let draft = layout.drafts.folder(&id).looking(WHAT)?;
    for path in &finished.files {
        let file = draft.file(&stored_name(path)).looking(WHAT)?;
        file.sync_all().during(WHAT)?;
    }
    let json = record::encode(finished).map_err(StoreError::failed)?;
    let (mut temporary, mut file) = layout.temporary(PRIVATE_FILE).during(WHAT)?;
    file.write_all(&json).during(WHAT)?;
    file.sync_all().during(WHAT)?;
    temporary.replace(&draft, RECORD).during(WHAT)?;
    draft.sync().during(WHAT)?;

    let home = home(layout, &finished.project).during(WHAT)?;
    layout.drafts.rename_new(&id, &home, &id).during(WHAT)?;
    if let Err(error) = home.sync() {
        if let Err(error) = home.rename_new(&id, &layout.drafts, &id) {
            tracing::warn!(%error, "a pull request failed and could not be undone");
        }
        return Err(error).during(WHAT);
    }
    Ok(())
}

/// The folder of a project's pull requests; created if missing.
fn home(layout: &Layout, project: &ProjectId) -> rustix::io::Result<Folder> {
    let streamer = layout.pulls.own_folder(project.streamer.as_str())?;
    streamer.own_folder(&project.name.file_name())
}
