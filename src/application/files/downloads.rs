//! The downloads under way: each has its memory, and one whose client has stalled makes way for
//! another (protocol, section 8).

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::application::locks::lock;
use crate::application::memory::{Account, Holder, Reservation};
use crate::application::ports::StoreError;
use crate::domain::AuthError;
use crate::domain::ClientAddress;

/// How long a download may wait for memory before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often to look in that time whether another download has stalled.
const LOOK: Duration = Duration::from_millis(100);

/// A download whose client has taken nothing for this long may be cut off for another.
const STALLED: Duration = Duration::from_secs(5);

/// Downloads from one address may take one part in this many of what all downloads without a token
/// may take.
const ADDRESS_PART: usize = 4;

/// Why there is no download, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Reading needs a token that allows it.
    #[error(transparent)]
    Unauthorized(#[from] AuthError),
    /// There is no such project or file.
    #[error("there is no such project or file")]
    Missing,
    /// There is no memory for it.
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

/// The client of a plain connection, as the socket sees it.
pub trait DownloadClient: fmt::Debug + Send + Sync {
    /// For how long it has taken nothing of what waits for it; zero if nothing waits.
    fn stalled_for(&self) -> Duration;

    /// Its address, as connections per address are counted.
    fn address(&self) -> ClientAddress;
}

/// All downloads that are under way.
#[derive(Default)]
pub(crate) struct Downloads {
    state: Mutex<State>,
    /// Notified whenever one has ended.
    ended: Notify,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    last_number: u64,
}

struct Open {
    account: Arc<Account>,
    client: Arc<dyn DownloadClient>,
    bytes: usize,
    /// Whether it is being cut off.
    leaves: bool,
}

impl Downloads {
    /// Reserves `bytes` for a download. If downloads without a token already take as much as they
    /// may, the one that has stalled longest makes way.
    ///
    /// # Errors
    /// `Unavailable` if there is still no room after a second.
    pub async fn begin(
        self: &Arc<Self>,
        account: &Arc<Account>,
        client: &Arc<dyn DownloadClient>,
        bytes: usize,
    ) -> Result<Download, DownloadError> {
        let begun = timeout(PATIENCE, async {
            let number = self.enter(account, client, bytes).await;
            let mut download = Download {
                all: Arc::clone(self),
                number,
                held: account.reserve(0),
            };
            account.room(bytes).await;
            download.held.set(bytes);
            download
        });
        begun.await.map_err(|_| DownloadError::Unavailable)
    }

    /// Waits until one more download is allowed, adds it and returns its number.
    async fn enter(
        &self,
        account: &Arc<Account>,
        client: &Arc<dyn DownloadClient>,
        bytes: usize,
    ) -> u64 {
        loop {
            let mut ended = pin!(self.ended.notified());
            // From here on no end is missed.
            ended.as_mut().enable();
            {
                let open = Open {
                    account: Arc::clone(account),
                    client: Arc::clone(client),
                    bytes,
                    leaves: false,
                };
                let mut state = lock(&self.state);
                match state.short_of(&open) {
                    None => return state.add(open),
                    Some(short) => state.cut_off_stalled(short),
                }
            }
            let _ = timeout(LOOK, ended).await;
        }
    }
}

/// Which share has too little left for another download.
#[derive(Debug, Clone, Copy)]
enum Short {
    /// The share of downloads from this address.
    Address(ClientAddress),
    /// The share of all downloads without a token.
    All,
}

impl Short {
    /// Whether it would help if `open` ended.
    fn is_helped_by(self, open: &Open) -> bool {
        let has_no_token = open.account.holder() == Holder::Unauthenticated;
        has_no_token
            && match self {
                Self::Address(address) => open.client.address() == address,
                Self::All => true,
            }
    }
}

impl State {
    /// The share that has too little left for `wanted`. Downloads without a token may take half of
    /// what connections without a token may hold, and those from one address a part of that.
    fn short_of(&self, wanted: &Open) -> Option<Short> {
        if wanted.account.holder() != Holder::Unauthenticated {
            return None;
        }
        let taken = |short: Short| -> usize {
            let all = self.open.values();
            let counted = all.filter(|open| short.is_helped_by(open));
            counted.map(|open| open.bytes).sum()
        };
        let most = wanted.account.unauthenticated_part() / 2;
        let of_address = Short::Address(wanted.client.address());
        let taken_there = taken(of_address);
        if taken_there > 0 && taken_there + wanted.bytes > most / ADDRESS_PART {
            return Some(of_address);
        }
        (taken(Short::All) + wanted.bytes > most).then_some(Short::All)
    }

    fn add(&mut self, open: Open) -> u64 {
        self.last_number += 1;
        self.open.insert(self.last_number, open);
        self.last_number
    }

    /// Cuts off the download that has stalled longest, unless one is already being cut off, which
    /// may be enough.
    fn cut_off_stalled(&mut self, short: Short) {
        let all = self.open.values_mut();
        let helpful: Vec<_> = all.filter(|open| short.is_helped_by(open)).collect();
        if helpful.iter().any(|open| open.leaves) {
            return;
        }
        let stalled = helpful
            .into_iter()
            .map(|open| (open.client.stalled_for(), open))
            .filter(|(stalled_for, _)| *stalled_for >= STALLED);
        if let Some((_, longest)) = stalled.max_by_key(|(stalled_for, _)| *stalled_for) {
            longest.leaves = true;
            longest.account.evict();
        }
    }
}

/// One download; dropping this ends it.
pub struct Download {
    all: Arc<Downloads>,
    number: u64,
    held: Reservation,
}

impl Download {
    /// How much is reserved for it.
    pub fn bytes(&self) -> usize {
        self.held.bytes()
    }

    /// Sets how much is reserved for it.
    pub fn set(&mut self, bytes: usize) {
        if let Some(open) = lock(&self.all.state).open.get_mut(&self.number) {
            open.bytes = bytes;
        }
        self.held.set(bytes);
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        lock(&self.all.state).open.remove(&self.number);
        self.all.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
