//! The server's own small private files, most of them one per project: read and written whole, one
//! at a time.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, Weak};

use rustix::io::Errno;
use tokio::sync::Mutex as Turn;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::sandbox::error::is_absent;
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::DiskWork;
use crate::application::locks::lock;
use crate::application::ports::StoreError;
use crate::domain::{ProjectId, UserName};

/// Does one thing at a time with such files of one streamer, or with those of the server. Keeps
/// none of their contents in memory.
pub(crate) struct Records {
    layout: Arc<Layout>,
    pool: BlockingPool,
    /// Each is held until a change has ended, even if its caller is gone. All files of a streamer
    /// share one, because they share a folder that is removed with the last of them.
    turns: Mutex<HashMap<Option<UserName>, Weak<Turn<()>>>>,
}

impl Records {
    pub fn new(layout: Arc<Layout>, work: DiskWork) -> Self {
        Self {
            pool: BlockingPool::shared(work, &layout.disk),
            layout,
            turns: Mutex::default(),
        }
    }

    /// Does `work` once all earlier work with the files of that streamer is done. `None` stands for
    /// the files that belong to no streamer.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        streamer: Option<&UserName>,
        work: impl FnOnce(&Layout) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn(streamer).lock_owned().await;
        let layout = Arc::clone(&self.layout);
        let work = move || {
            let done = work(&layout);
            drop(turn);
            done
        };
        self.pool.run(work).await
    }

    fn turn(&self, streamer: Option<&UserName>) -> Arc<Turn<()>> {
        let mut turns = lock(&self.turns);
        if let Some(turn) = turns.get(&streamer.cloned()).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(streamer.cloned(), Arc::downgrade(&turn));
        turn
    }
}

/// Opens a project's file below `home`; `None` if nothing has that name.
pub(crate) fn find(home: &Folder, project: &ProjectId) -> io::Result<Option<(File, Metadata)>> {
    match home.folder(project.streamer.as_str()) {
        Err(Errno::NOENT) => Ok(None),
        user => open(&user?, &project.name.file_name()),
    }
}

/// Opens such a file; `None` if nothing has that name. Anything that is not a regular file, or has
/// a second name, was put there by somebody else: this is an error, so that it is neither read nor
/// counted as absent.
pub(crate) fn open(folder: &Folder, name: &str) -> io::Result<Option<(File, Metadata)>> {
    match folder.sole_file(name) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) if folder.kind(name)?.is_none() => Ok(None),
        Err(Errno::NOENT) => Err(io::Error::other("it is no regular file of one name")),
        Err(error) => Err(error.into()),
    }
}

/// Whether anything below `home` has the project's name, even if it cannot be read.
pub(crate) fn is_there(home: &Folder, project: &ProjectId) -> io::Result<bool> {
    match home.folder(project.streamer.as_str()) {
        Err(Errno::NOENT) => Ok(false),
        user => Ok(user?.kind(&project.name.file_name())?.is_some()),
    }
}

/// The whole content of a file.
///
/// # Errors
/// The system's own, or the file has more than `most` bytes; then nothing of it is read.
pub(crate) fn whole((file, metadata): (File, Metadata), most: u64) -> io::Result<Vec<u8>> {
    if metadata.len() > most {
        let bytes = metadata.len();
        return Err(io::Error::other(format!(
            "it is too long: it has {bytes} bytes, and at most {most} are read"
        )));
    }
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content)?;
    Ok(content)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;
    use crate::adapters::outbound::filesystem::Durability;

    #[tokio::test]
    async fn what_hangs_for_one_streamer_holds_up_no_other() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let layout = Layout::open(place.path(), Durability::Rename, 1, Arc::default());
        let layout = Arc::new(layout.expect("opens"));
        let records = Arc::new(Records::new(layout, DiskWork::Moderation));
        let user = |name| UserName::parse(name).expect("a name");
        let (release, hang) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let hanging = tokio::spawn({
            let (records, ana) = (Arc::clone(&records), user("ana"));
            async move {
                let work = move |_: &Layout| {
                    let _ = begun.send(());
                    let _ = hang.recv();
                    Ok(())
                };
                records.in_turn(Some(&ana), work).await
            }
        });
        has_begun.await.expect("it begins");
        for other in [Some(&user("bob")), None] {
            let done = records.in_turn(other, |_| Ok(())).await;
            done.expect("is done beside it");
        }
        let ana = user("ana");
        let mut next = std::pin::pin!(records.in_turn(Some(&ana), |_| Ok(())));
        assert!(poll!(&mut next).is_pending(), "it has its turn");
        drop(release);
        hanging.await.expect("ends").expect("is released");
        next.await.expect("comes next");
        let carol = user("carol");
        let done = records.in_turn(Some(&carol), |_| Ok(())).await;
        done.expect("is done");
        assert_eq!(lock(&records.turns).len(), 1, "nothing is remembered");
    }
}
