//! Guests on disk.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::io::Errno;
use tokio::sync::Mutex;

use crate::adapters::outbound::filesystem::guests::record;
use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::sandbox::error::{During, is_absent};
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::system::random_bytes;
use crate::application::ports::{GuestKey, GuestStore, StoreError, TakeNameError};
use crate::domain::{GuestEntry, Guests, ProjectId};

const KEY: &str = "guest-key";

/// The longest record that is read: more than the largest `maxGuests` names can take.
const MAX_RECORD_BYTES: u64 = 4 * 1_024 * 1_024;

/// Keeps a project's guests in `.twicecast/guests/<user>/<project>`, and nothing in memory: guests
/// come rarely.
pub(crate) struct FilesystemGuests {
    layout: Arc<Layout>,
    pool: BlockingPool,
    /// One change at a time, to its end and not merely until its caller is gone.
    turn: Arc<Mutex<()>>,
}

impl FilesystemGuests {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            layout,
            pool: BlockingPool::new(),
            turn: Arc::default(),
        }
    }

    async fn in_turn<T: Send + 'static>(
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

#[async_trait]
impl GuestStore for FilesystemGuests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        self.in_turn(|layout| match read_key(layout)? {
            Some(key) => Ok(key),
            None => make_key(layout),
        })
        .await
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let project = project.clone();
        let take = move |layout: &Layout| {
            let mut guests = read(layout, &project)?;
            let taken = guests.take(entry);
            if taken.is_ok() {
                write(layout, &project, &guests)?;
            }
            Ok(taken)
        };
        Ok(self.in_turn(take).await??)
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        const WHAT: &str = "free the names of guests";
        let project = project.clone();
        let free = move |layout: &Layout| {
            let freed = (|| {
                let streamer = project.streamer.as_str();
                let user = layout.guests.folder(streamer)?;
                user.remove_file(&project.name.file_name())?;
                user.sync()?;
                if user.is_empty()? {
                    layout.guests.remove_folder(streamer)?;
                }
                Ok(())
            })();
            match freed {
                Err(error) if is_absent(error) => Ok(()),
                freed => freed.during(WHAT),
            }
        };
        self.in_turn(free).await
    }
}

fn read_key(layout: &Layout) -> Result<Option<GuestKey>, StoreError> {
    const WHAT: &str = "read .twicecast/guest-key";
    let file = match layout.state.file(KEY) {
        Err(Errno::NOENT) => return Ok(None),
        file => file.during(WHAT)?,
    };
    let mut key = Vec::new();
    file.take(64).read_to_end(&mut key).during(WHAT)?;
    let key = key.try_into();
    let key = key.map_err(|_| std::io::Error::other("it does not have 32 bytes"));
    Ok(Some(GuestKey(key.during(WHAT)?)))
}

fn make_key(layout: &Layout) -> Result<GuestKey, StoreError> {
    const WHAT: &str = "make .twicecast/guest-key";
    let key = GuestKey(random_bytes().during(WHAT)?);
    put(layout, &layout.state, KEY, &key.0).during(WHAT)?;
    Ok(key)
}

fn read(layout: &Layout, project: &ProjectId) -> Result<Guests, StoreError> {
    const WHAT: &str = "read the names of guests";
    let user = layout.guests.folder(project.streamer.as_str());
    let file = match user.and_then(|user| user.file(&project.name.file_name())) {
        Err(Errno::NOENT) => return Ok(Guests::default()),
        file => file.during(WHAT)?,
    };
    let mut json = Vec::new();
    let read = file.take(MAX_RECORD_BYTES).read_to_end(&mut json);
    read.during(WHAT)?;
    let decoded = record::decode(&json).map_err(std::io::Error::other);
    decoded.during(WHAT)
}

fn write(layout: &Layout, project: &ProjectId, guests: &Guests) -> Result<(), StoreError> {
    const WHAT: &str = "keep the names of guests";
    let json = record::encode(guests).map_err(StoreError::failed)?;
    let user = layout.guests.own_folder(project.streamer.as_str());
    let name = project.name.file_name();
    put(layout, &user.during(WHAT)?, &name, &json).during(WHAT)
}

/// Puts a file in its place, whole or not at all. Durable.
fn put(layout: &Layout, folder: &Folder, name: &str, content: &[u8]) -> std::io::Result<()> {
    let (mut temporary, mut file) = layout.temporary(PRIVATE_FILE)?;
    file.write_all(content)?;
    file.sync_all()?;
    temporary.replace(folder, name)?;
    Ok(folder.sync()?)
}
