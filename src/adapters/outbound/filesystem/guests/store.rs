//! Guests on disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::records::{self, Records};
use crate::adapters::outbound::records::guests as record;
use crate::adapters::outbound::system::random_bytes;
use crate::application::DiskWork;
use crate::application::locks::lock;
use crate::application::ports::{GuestKey, GuestStore, StoreError, TakeNameError};
use crate::domain::{ClientAddress, GuestEntry, Guests, ProjectId, Timestamp, UserName};

const KEY: &str = "guest-key";

/// How many names are kept in memory, about 200 bytes each. A name that is asked for again and
/// again is then refused without a disk access.
const MOST_KNOWN: usize = 20_000;

/// Keeps a project's guests in `.twicecast/guests/<user>/<project>`. Nobody else changes these
/// files, so the guests that were used lately are kept in memory.
pub(crate) struct FilesystemGuests {
    records: Records,
    known: Arc<Known>,
}

/// The guests that were read or kept lately, by project.
#[derive(Default)]
struct Known(Mutex<HashMap<ProjectId, Guests>>);

impl Known {
    /// Takes a project's guests out, for the caller whose turn it is.
    fn take_out(&self, project: &ProjectId) -> Option<Guests> {
        lock(&self.0).remove(project)
    }

    fn put(&self, project: &ProjectId, guests: Guests) {
        let mut known = lock(&self.0);
        let all = known.values().map(|guests| guests.kept().len());
        if all.sum::<usize>() + guests.kept().len() > MOST_KNOWN {
            known.clear();
        }
        known.insert(project.clone(), guests);
    }
}

impl FilesystemGuests {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            records: Records::new(layout, DiskWork::Guests),
            known: Arc::default(),
        }
    }
}

#[async_trait]
impl GuestStore for FilesystemGuests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        let key = |layout: &Layout| match read_key(&layout.state)? {
            Some(key) => Ok(key),
            None => make_key(layout),
        };
        self.records.in_turn(None, key).await
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let asked = project.clone();
        let known = Arc::clone(&self.known);
        let take = move |layout: &Layout| {
            let mut guests = known
                .take_out(&asked)
                .map_or_else(|| read(layout, &asked), Ok)?;
            let taken = guests.take(entry);
            if taken.is_ok() {
                write(layout, &asked, &guests)?;
            }
            known.put(&asked, guests);
            Ok(taken)
        };
        Ok(self
            .records
            .in_turn(Some(&project.streamer), take)
            .await??)
    }

    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError> {
        let (asked, user) = (project.clone(), user.clone());
        let known = Arc::clone(&self.known);
        let find = move |layout: &Layout| {
            let guests = known
                .take_out(&asked)
                .map_or_else(|| read(layout, &asked), Ok)?;
            let address = guests.address_of(&user, now);
            known.put(&asked, guests);
            Ok(address)
        };
        self.records.in_turn(Some(&project.streamer), find).await
    }

    async fn is_kept(&self, project: &ProjectId) -> Result<bool, StoreError> {
        let asked = project.clone();
        let look = move |layout: &Layout| {
            records::is_there(&layout.guests, &asked).during("look for the names of guests")
        };
        self.records.in_turn(Some(&project.streamer), look).await
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        let asked = project.clone();
        let known = Arc::clone(&self.known);
        let free = move |layout: &Layout| {
            known.take_out(&asked);
            records::remove(&layout.guests, &asked).during("free the names of guests")
        };
        self.records.in_turn(Some(&project.streamer), free).await
    }
}

/// The key of `state`; `None` if there is none yet.
pub(crate) fn read_key(state: &Folder) -> Result<Option<GuestKey>, StoreError> {
    const WHAT: &str = "read .twicecast/guest-key";
    let Some(opened) = records::open(state, KEY).during(WHAT)? else {
        return Ok(None);
    };
    let key = records::whole(opened, 64).during(WHAT)?.try_into();
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
    let Some(opened) = records::find(&layout.guests, project).during(WHAT)? else {
        return Ok(Guests::default());
    };
    let json = records::whole(opened, record::MAX_RECORD_BYTES).during(WHAT)?;
    let decoded = record::decode(&json).map_err(std::io::Error::other);
    decoded.during(WHAT)
}

fn write(layout: &Layout, project: &ProjectId, guests: &Guests) -> Result<(), StoreError> {
    let json = record::encode(guests).map_err(StoreError::failed)?;
    let written = records::write(layout, &layout.guests, project, &json);
    written.during("keep the names of guests")
}
