//! Pull requests being put together, on disk.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::adapters::outbound::filesystem::pool::blocking_pool::{BlockingPool, soon};
use crate::adapters::outbound::filesystem::pool::in_flight::InFlight;
use crate::adapters::outbound::filesystem::pull_requests::index::Index;
use crate::adapters::outbound::filesystem::pull_requests::record;
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::{
    Folder, PRIVATE_FILE, PRIVATE_FOLDER,
};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::uploads::content;
use crate::application::FileContent;
use crate::application::ports::{DraftStore, StoreError};
use crate::domain::{FilePath, ProjectId, PullRequest, PullRequestId};

/// The file that says what a pull request is. No name of a draft's file is like it.
pub(crate) const RECORD: &str = "pull-request.json";

/// Keeps drafts in `.twicecast/drafts/<id>`, flat, each file under the hash of its name. Nothing
/// there is synced before it is finished: a draft ends with its connection.
#[derive(Debug)]
pub struct FilesystemDrafts {
    layout: Arc<Layout>,
    lives: Arc<InFlight<PullRequestId>>,
    index: Arc<Index>,
    gate: BlockingPool,
}

impl FilesystemDrafts {
    pub(crate) fn new(layout: Arc<Layout>, index: Arc<Index>) -> Self {
        Self {
            layout,
            lives: Arc::default(),
            index,
            gate: BlockingPool::new(),
        }
    }
}

/// The name under which a pull request keeps the file at `path`.
pub(crate) fn stored_name(path: &FilePath) -> String {
    let mut name = String::with_capacity(64);
    for byte in Sha256::digest(path.as_str()) {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[async_trait]
impl DraftStore for FilesystemDrafts {
    async fn put_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "write a draft's file";
        let (layout, name) = (Arc::clone(&self.layout), stored_name(path));
        // Before anything waits, so that a discard from now on finds it.
        let life = self.lives.join(draft);
        let put = move || {
            life.share(|| {
                let (mut temporary, _) = content::write(&layout, &content, PRIVATE_FILE)?;
                let id = draft.to_string();
                layout
                    .drafts
                    .make_folder(&id, PRIVATE_FOLDER)
                    .during(WHAT)?;
                let folder = layout.drafts.folder(&id).during(WHAT)?;
                temporary.replace(&folder, &name).during(WHAT)
            })
        };
        self.gate.run(put).await
    }

    async fn remove_file(&self, draft: PullRequestId, path: &FilePath) -> Result<(), StoreError> {
        let (layout, name) = (Arc::clone(&self.layout), stored_name(path));
        let life = self.lives.join(draft);
        let remove = move || {
            life.share(|| {
                let folder = layout.drafts.folder(&draft.to_string());
                match folder.and_then(|folder| folder.remove_file(&name)) {
                    Ok(()) | Err(Errno::NOENT) => Ok(()),
                    Err(error) => Err(error).during("remove a draft's file"),
                }
            })
        };
        self.gate.run(remove).await
    }

    async fn finish(&self, finished: PullRequest) -> Result<(), StoreError> {
        let (layout, index) = (Arc::clone(&self.layout), Arc::clone(&self.index));
        let (life, lives) = (self.lives.join(finished.id), Arc::clone(&self.lives));
        let finish = move || {
            life.complete(|| {
                finish(&layout, &finished)?;
                index.insert(&finished);
                lives.take(&finished.id);
                Ok(())
            })
        };
        self.gate.run(finish).await
    }

    fn discard(&self, draft: PullRequestId) {
        let Some(life) = self.lives.take(&draft) else {
            return;
        };
        let layout = Arc::clone(&self.layout);
        soon(move || {
            life.end(|| match layout.drafts.remove_tree(&draft.to_string()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => tracing::warn!(%error, %draft, "cannot remove a draft"),
            });
        });
    }
}

/// Completes a draft's folder, makes it durable, and moves it among the pull requests.
fn finish(layout: &Layout, finished: &PullRequest) -> Result<(), StoreError> {
    const WHAT: &str = "finish a pull request";
    let id = finished.id.to_string();
    if finished.files.is_empty() {
        // One that only proposes deletions has nothing yet.
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

/// Where the pull requests of a project lie; made where missing.
fn home(layout: &Layout, project: &ProjectId) -> rustix::io::Result<Folder> {
    let streamer = layout.pulls.own_folder(project.streamer.as_str())?;
    streamer.own_folder(project.name.as_str())
}
