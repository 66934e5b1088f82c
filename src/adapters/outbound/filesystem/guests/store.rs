//! Guests on disk.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::records::{self, Records};
use crate::adapters::outbound::records::guests as record;
use crate::adapters::outbound::system::random_bytes;
use crate::application::DiskWork;
use crate::application::ports::{GuestKey, GuestStore, StoreError, TakeNameError};
use crate::domain::{ClientAddress, GuestEntry, Guests, ProjectId, Timestamp, UserName};

const KEY: &str = "guest-key";

/// The longest record that is read: more than the largest `maxGuests` names can take.
const MAX_RECORD_BYTES: u64 = 4 * 1_024 * 1_024;

/// Keeps a project's guests in `.twicecast/guests/<user>/<project>`, and nothing in memory: guests
/// come rarely.
pub(crate) struct FilesystemGuests(Records);

impl FilesystemGuests {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self(Records::new(layout, DiskWork::Guests))
    }
}

#[async_trait]
impl GuestStore for FilesystemGuests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        let key = |layout: &Layout| match read_key(&layout.state)? {
            Some(key) => Ok(key),
            None => make_key(layout),
        };
        self.0.in_turn(None, key).await
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let asked = project.clone();
        let take = move |layout: &Layout| {
            let mut guests = read(layout, &asked)?;
            let taken = guests.take(entry);
            if taken.is_ok() {
                write(layout, &asked, &guests)?;
            }
            Ok(taken)
        };
        Ok(self.0.in_turn(Some(&project.streamer), take).await??)
    }

    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError> {
        let (asked, user) = (project.clone(), user.clone());
        let find = move |layout: &Layout| Ok(read(layout, &asked)?.address_of(&user, now));
        self.0.in_turn(Some(&project.streamer), find).await
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        let asked = project.clone();
        let free = move |layout: &Layout| {
            records::remove(&layout.guests, &asked).during("free the names of guests")
        };
        self.0.in_turn(Some(&project.streamer), free).await
    }
}

/// The key of `state`; `None` if there is none yet.
pub(crate) fn read_key(state: &Folder) -> Result<Option<GuestKey>, StoreError> {
    const WHAT: &str = "read .twicecast/guest-key";
    let Some((file, _)) = records::open(state, KEY).during(WHAT)? else {
        return Ok(None);
    };
    let key = records::whole(file, 64).during(WHAT)?.try_into();
    let key = key.map_err(|_| std::io::Error::other("it does not have 32 bytes"));
    Ok(Some(GuestKey(key.during(WHAT)?)))
}

fn make_key(layout: &Layout) -> Result<GuestKey, StoreError> {
    const WHAT: &str = "make .twicecast/guest-key";
    let key = GuestKey(random_bytes().during(WHAT)?);
    records::put(layout, &layout.state, KEY, &key.0).during(WHAT)?;
    Ok(key)
}

fn read(layout: &Layout, project: &ProjectId) -> Result<Guests, StoreError> {
    const WHAT: &str = "read the names of guests";
    let Some((file, _)) = records::find(&layout.guests, project).during(WHAT)? else {
        return Ok(Guests::default());
    };
    let json = records::whole(file, MAX_RECORD_BYTES).during(WHAT)?;
    let decoded = record::decode(&json).map_err(std::io::Error::other);
    decoded.during(WHAT)
}

fn write(layout: &Layout, project: &ProjectId, guests: &Guests) -> Result<(), StoreError> {
    let json = record::encode(guests).map_err(StoreError::failed)?;
    let written = records::write(layout, &layout.guests, project, &json);
    written.during("keep the names of guests")
}
