//! The downloads that are under way: each has its memory, and one that has stopped makes way for
//! another (protocol, section 8).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::application::locks::lock;
use crate::application::memory::{Account, Reservation};
use crate::application::ports::{Clock, StoreError};
use crate::domain::{AuthError, Uptime};

/// How long a download may wait for memory before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is tried in that time.
const TRIES: u32 = 20;

/// A download whose client has taken nothing for so long may be cut off for another.
const STALLED: Duration = Duration::from_secs(5);

/// Why there is no download, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Reading needs a token that allows it.
    #[error(transparent)]
    Unauthorized(#[from] AuthError),
    /// There is no such project or file.
    #[error("there is no such project or file")]
    Missing,
    /// There is no memory for the project.
    #[error("the server is busy")]
    Unavailable,
    /// It cannot be read; the cause has been logged.
    #[error("it cannot be read")]
    Failed,
}

impl From<StoreError> for DownloadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Missing,
            StoreError::Unavailable => Self::Unavailable,
            error => {
                tracing::error!(%error, "could not read for a download");
                Self::Failed
            }
        }
    }
}

/// All downloads that are under way.
#[derive(Default)]
pub(crate) struct Downloads(Mutex<State>);

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    last_number: u64,
}

struct Open {
    account: Arc<Account>,
    moved_at: Uptime,
}

impl Downloads {
    /// Reserves `bytes` for a download. If they are not there, the download that has stalled for
    /// longest is cut off.
    ///
    /// # Errors
    /// `Unavailable`, if there is no memory after a second either.
    pub async fn begin(
        self: &Arc<Self>,
        account: &Arc<Account>,
        clock: &Arc<dyn Clock>,
        bytes: usize,
    ) -> Result<Download, DownloadError> {
        for _ in 0..TRIES {
            if account.has_room_beside_others(bytes) {
                return Ok(self.add(account, clock, bytes));
            }
            self.cut_off_stalled(account, clock.uptime());
            tokio::time::sleep(PATIENCE / TRIES).await;
        }
        Err(DownloadError::Unavailable)
    }

    fn add(
        self: &Arc<Self>,
        account: &Arc<Account>,
        clock: &Arc<dyn Clock>,
        bytes: usize,
    ) -> Download {
        let mut state = lock(&self.0);
        state.last_number += 1;
        let number = state.last_number;
        let open = Open {
            account: Arc::clone(account),
            moved_at: clock.uptime(),
        };
        state.open.insert(number, open);
        Download {
            all: Arc::clone(self),
            number,
            clock: Arc::clone(clock),
            held: account.reserve(bytes),
        }
    }

    /// Cuts off the download that has stalled for longest, of those that share the part of the
    /// memory that `wanted` may have.
    fn cut_off_stalled(&self, wanted: &Account, now: Uptime) {
        let mut state = lock(&self.0);
        let stalled = state.open.iter().filter(|(_, open)| {
            open.account.holder() == wanted.holder() && now.since(open.moved_at) >= STALLED
        });
        let longest = stalled.min_by_key(|(_, open)| open.moved_at);
        let longest = longest.map(|(number, _)| *number);
        if let Some(open) = longest.and_then(|number| state.open.remove(&number)) {
            open.account.evict();
        }
    }
}

/// One download, which ends when this is dropped.
pub struct Download {
    all: Arc<Downloads>,
    number: u64,
    clock: Arc<dyn Clock>,
    held: Reservation,
}

impl Download {
    /// Notes that its client has taken what was sent before.
    pub fn moved(&self) {
        if let Some(open) = lock(&self.all.0).open.get_mut(&self.number) {
            open.moved_at = self.clock.uptime();
        }
    }

    /// What is reserved for it, which may grow.
    pub fn held(&mut self) -> &mut Reservation {
        &mut self.held
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        lock(&self.all.0).open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
