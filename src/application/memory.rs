//! One account of everything that clients make the server hold (`maxMemoryBytes`).
//!
//! Whatever a client can make grow beyond some kilobytes is reserved here first, by the [`Account`]
//! of its connection: partial messages, waiting requests, parts of uploads, changes in progress,
//! answers and what is read for them, watches, and frames and names that wait for a slow reader.
//! What belongs to no connection (chat rooms, projects in memory, frames that many receive) is
//! reserved from the [`MemoryBudget`] itself, or by an account for which no connection is closed.
//! When the memory is used up the server stops reading from a connection, stages an upload or
//! waits; if none of that helps, [`MemoryBudget::relieve`] names the connection that holds most,
//! which is then closed.

mod account;
mod balance;
mod totals;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;

use crate::application::counting::Count;
use crate::application::locks::lock;

use account::Accounts;
use account::FREE_UNAUTHENTICATED_BYTES;
pub use account::{Account, FREE_BYTES, Reservation};
pub use totals::Holder;
use totals::Totals;

/// How long a waiter gets no memory before the connection that holds most is closed.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a connection that is being closed may take to return its memory before the next one is
/// chosen.
const CLOSING: Duration = Duration::from_millis(20);

/// Counts the bytes that clients make the server hold. One for the whole process.
pub struct MemoryBudget {
    totals: Arc<Totals>,
    accounts: Arc<Accounts>,
    reclaims: Mutex<Vec<Arc<Reclaim>>>,
    evicted: Count,
}

/// How many bytes are held, and who holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// By connections without a valid token.
    pub unauthenticated: usize,
    /// By other connections, except streamers'.
    pub authenticated: usize,
    /// By streamers' connections.
    pub streamers: usize,
    /// By no connection: chat rooms, projects in use, frames that many receive.
    pub shared: usize,
}

/// Frees some memory that is not strictly needed, such as a project that nobody uses. Returns
/// whether there was any.
pub type Reclaim = dyn Fn() -> bool + Send + Sync;

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget")
            .field("max", &self.max())
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

impl MemoryBudget {
    /// A budget of `max` bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            totals: Arc::new(Totals::new(max)),
            accounts: Arc::default(),
            reclaims: Mutex::default(),
            evicted: Count::default(),
        })
    }

    /// The account of a new connection, which holds nothing yet.
    pub fn open_account(&self) -> Arc<Account> {
        self.accounts.open(&self.totals)
    }

    /// An account of something that connections share. It counts as one of a connection with a
    /// token, but no connection is closed for it.
    pub fn shared_account(&self) -> Arc<Account> {
        self.accounts.unlisted(&self.totals, Holder::Authenticated)
    }

    /// Reserves `bytes` that belong to no connection, without asking whether there is room.
    pub fn reserve(&self, bytes: usize) -> Reservation {
        Reservation::shared(&self.totals, bytes)
    }

    /// Registers `reclaim`. When memory is short, the registered ones are called in order until one
    /// frees something; a connection is closed only if none does.
    pub fn add_reclaim(&self, reclaim: impl Fn() -> bool + Send + Sync + 'static) {
        lock(&self.reclaims).push(Arc::new(reclaim));
    }

    /// How many bytes are held now.
    pub fn used(&self) -> usize {
        self.totals.used()
    }

    /// How many bytes may be held, including the streamers' part.
    pub fn max(&self) -> usize {
        self.totals.max
    }

    /// How many bytes are held now, and who holds them. Looks at every connection, so it takes long
    /// where there are many.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        for account in self.accounts.all() {
            let bytes = account.held();
            match account.holder() {
                Holder::Unauthenticated => held.unauthenticated += bytes,
                Holder::Authenticated => held.authenticated += bytes,
                Holder::Streamer => held.streamers += bytes,
            }
        }
        let connections = held.unauthenticated + held.authenticated + held.streamers;
        // The numbers are not from one moment, so the difference may be negative.
        held.shared = self.used().saturating_sub(connections);
        held
    }

    /// How many bytes connections without a valid token may hold together.
    pub fn unauthenticated_max(&self) -> usize {
        self.totals.unauthenticated_part()
    }

    /// How many connections have been closed for their memory.
    pub fn evicted(&self) -> u64 {
        self.evicted.get()
    }

    /// Whether so much is held that only a streamer gets more.
    pub fn is_exhausted(&self) -> bool {
        self.totals.is_exhausted()
    }

    /// Makes room for as long as all memory is used, or somebody waits for memory and none comes
    /// free by itself: first it reclaims memory, then it closes the connection that holds most.
    /// Runs as long as the server does.
    pub async fn relieve(&self) {
        loop {
            self.totals.short.notified().await;
            loop {
                if self.is_exhausted() {
                    self.make_room();
                    sleep(CLOSING).await;
                } else if self.totals.is_awaited() {
                    let before = self.used();
                    sleep(PATIENCE).await;
                    if self.totals.is_awaited() && self.used() >= before {
                        self.make_room();
                    }
                } else {
                    break;
                }
            }
        }
    }

    fn make_room(&self) {
        let is_reclaimed = self.are_all_short() && self.reclaim();
        if !is_reclaimed {
            self.evict_largest();
        }
    }

    fn reclaim(&self) -> bool {
        let reclaims = lock(&self.reclaims).clone();
        reclaims.iter().any(|reclaim| reclaim())
    }

    /// Whether connections with a valid token are short of memory, too.
    fn are_all_short(&self) -> bool {
        !self.totals.has_room(Holder::Authenticated, FREE_BYTES)
    }

    /// Closes the connection that holds most; a streamer's only if no other holds a significant
    /// amount. Returns whether there was one.
    pub fn evict_largest(&self) -> bool {
        let accounts = self.accounts.all();
        // If only connections without a valid token are short, no other connection is closed for
        // them.
        let are_all_short = self.are_all_short();
        let largest = accounts
            .iter()
            .filter(|account| are_all_short || account.holder() == Holder::Unauthenticated)
            .filter(|account| account.footprint() > FREE_UNAUTHENTICATED_BYTES)
            .filter(|account| !account.is_evicted())
            .max_by_key(|account| (account.holder() != Holder::Streamer, account.footprint()));
        if let Some(account) = largest {
            self.evicted.one();
            account.evict();
        }
        largest.is_some()
    }
}

#[cfg(test)]
mod tests;
