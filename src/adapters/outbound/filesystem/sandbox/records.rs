//! Small private files of the server's own, most of them one for each project: read and written as
//! a whole, one after the other.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use rustix::io::Errno;
use tokio::sync::Mutex;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::sandbox::error::is_absent;
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::DiskWork;
use crate::application::ports::StoreError;
use crate::domain::ProjectId;

/// Does one thing at a time with such files. Nothing of them is kept in memory.
pub(crate) struct Records {
    layout: Arc<Layout>,
    pool: BlockingPool,
    /// Held until a change has ended, and not merely until its caller is gone.
    turn: Arc<Mutex<()>>,
}

impl Records {
    pub fn new(layout: Arc<Layout>, work: DiskWork) -> Self {
        Self {
            pool: BlockingPool::new(work, &layout.disk),
            layout,
            turn: Arc::default(),
        }
    }

    /// Does `work` when everything before it is done.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let layout = Arc::clone(&self.layout);
        let work = move || {
            let done = work(&layout);
            drop(turn);
            done
        };
        self.pool.run(work).await
    }
}

/// The content of a project's file below `home`; `None` if there is nothing of that name.
pub(crate) fn read(home: &Folder, project: &ProjectId, most: u64) -> io::Result<Option<Vec<u8>>> {
    let user = match home.folder(project.streamer.as_str()) {
        Err(Errno::NOENT) => return Ok(None),
        user => user?,
    };
    let name = project.name.file_name();
    let file = match user.file(&name) {
        // What is no regular file counts as absent, which it is not.
        Err(Errno::NOENT) if user.kind(&name)?.is_none() => return Ok(None),
        file => file?,
    };
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// Writes a project's file below `home`, whole or not at all. Durable.
pub(crate) fn write(
    layout: &Layout,
    home: &Folder,
    project: &ProjectId,
    content: &[u8],
) -> io::Result<()> {
    let user = home.own_folder(project.streamer.as_str())?;
    put(layout, &user, &project.name.file_name(), content)
}

/// Removes a project's file below `home`, if there is one. Durable.
pub(crate) fn remove(home: &Folder, project: &ProjectId) -> io::Result<()> {
    let streamer = project.streamer.as_str();
    let removed = (|| {
        let user = home.folder(streamer)?;
        user.remove_file(&project.name.file_name())?;
        user.sync()?;
        if user.is_empty()? {
            home.remove_folder(streamer)?;
        }
        Ok(())
    })();
    match removed {
        Err(error) if is_absent(error) => Ok(()),
        removed => Ok(removed?),
    }
}

/// Puts a file in its place, whole or not at all. Durable.
pub(crate) fn put(layout: &Layout, folder: &Folder, name: &str, content: &[u8]) -> io::Result<()> {
    let (mut temporary, mut file) = layout.temporary(PRIVATE_FILE)?;
    file.write_all(content)?;
    file.sync_all()?;
    temporary.replace(folder, name)?;
    Ok(folder.sync()?)
}
