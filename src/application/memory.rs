//! One account of everything that clients make the server hold (`maxMemoryBytes`).
//!
//! Whatever a client can make grow beyond some kilobytes is reserved here first, by the [`Account`]
//! of its connection: partial messages, waiting requests, parts of uploads, changes in progress,
//! answers, and frames and names that wait for a slow reader. What belongs to no connection (chat
//! histories, projects in memory) is reserved from the [`MemoryBudget`] itself. When the memory is
//! used up the server stops reading from a connection, stages an upload or waits; if none of that
//! helps, [`MemoryBudget::relieve`] names the connection that holds most, which is then closed.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::locks::lock;

/// Reserved for the posts of streamers, in bytes: nobody else may use the last of the memory.
const STREAMER_BYTES: usize = 16 << 20;

/// The part of the memory that connections without a valid token may hold together.
const UNAUTHENTICATED_PART: usize = 4;

/// What one connection may always hold, in bytes: enough for any request but a post, and for its
/// answer. It counts, but nobody ever waits for it.
pub const FREE_BYTES: usize = 16 * 1_024;

/// How long a waiter gets no memory before the connection that holds most is closed.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a connection that is being closed may take to return its memory before the next one is
/// chosen.
const CLOSING: Duration = Duration::from_millis(20);

/// Whose memory it is; decides how much of the budget may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A connection that has shown no valid token.
    Unauthenticated,
    /// A connection with a valid token.
    Authenticated,
    /// A streamer's connection.
    Streamer,
}

/// Counts the bytes that clients make the server hold. One for the whole process.
pub struct MemoryBudget {
    max: usize,
    used: AtomicUsize,
    unauthenticated: AtomicUsize,
    accounts: Mutex<HashMap<u64, Weak<Account>>>,
    last_number: AtomicU64,
    /// How many wait for memory.
    waiting: AtomicUsize,
    /// Notified when memory has been returned while somebody waits.
    freed: Notify,
    /// Notified when somebody starts to wait.
    short: Notify,
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget")
            .field("max", &self.max)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

impl MemoryBudget {
    /// A budget of `max` bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            used: AtomicUsize::new(0),
            unauthenticated: AtomicUsize::new(0),
            accounts: Mutex::default(),
            last_number: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            short: Notify::new(),
        })
    }

    /// The account of a new connection, which holds nothing yet.
    pub fn open_account(self: &Arc<Self>) -> Arc<Account> {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let account = Arc::new(Account {
            budget: Arc::clone(self),
            number,
            balance: Mutex::new(Balance {
                held: 0,
                holder: Holder::Unauthenticated,
            }),
            queued: AtomicUsize::new(0),
            evicted: CancellationToken::new(),
        });
        lock(&self.accounts).insert(number, Arc::downgrade(&account));
        account
    }

    /// Reserves `bytes` that belong to no connection, without asking whether there is room.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Reservation {
        self.add(bytes);
        Reservation {
            budget: Arc::clone(self),
            account: None,
            bytes,
        }
    }

    /// Reserves `bytes` that belong to no connection, if there is room for them.
    pub fn try_reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        (self.used() + bytes <= self.limit(Holder::Authenticated)).then(|| self.reserve(bytes))
    }

    /// How many bytes are held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// How many bytes may be held, including the streamers' part.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Whether so much is held that only a streamer gets more.
    pub fn is_exhausted(&self) -> bool {
        #[cfg(test)]
        super::locks::interleaved::point();
        self.used() >= self.limit(Holder::Authenticated)
    }

    fn limit(&self, holder: Holder) -> usize {
        match holder {
            Holder::Streamer => self.max,
            Holder::Authenticated | Holder::Unauthenticated => {
                self.max - STREAMER_BYTES.min(self.max / 4)
            }
        }
    }

    fn has_room(&self, holder: Holder, bytes: usize) -> bool {
        let is_strangers_full = holder == Holder::Unauthenticated
            && self.unauthenticated.load(Ordering::Relaxed) + bytes
                > self.max / UNAUTHENTICATED_PART;
        !is_strangers_full && self.used() + bytes <= self.limit(holder)
    }

    fn add(&self, bytes: usize) {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limit(Holder::Authenticated);
        if before < limit && before + bytes >= limit {
            self.short.notify_one();
        }
    }

    fn give_back(&self, bytes: usize) {
        // Both in the single total order: either a waiter sees what is returned here, or it is seen
        // waiting.
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }

    /// Waits until `is_there` returns true; it is asked again whenever memory has been returned.
    async fn wait(&self, is_there: impl Fn() -> bool) {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        loop {
            if is_there() {
                return;
            }
            // Counted before the second check: from here on, returned memory is notified.
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(&self.waiting);
            let freed = self.freed.notified();
            if is_there() {
                return;
            }
            self.short.notify_one();
            freed.await;
        }
    }

    /// Closes the connection that holds most, again and again, as long as all memory is used or
    /// somebody waits for it and none comes free by itself. Runs as long as the server does.
    pub async fn relieve(&self) {
        loop {
            self.short.notified().await;
            loop {
                if self.is_exhausted() {
                    self.evict_largest();
                    sleep(CLOSING).await;
                } else if self.waiting.load(Ordering::Relaxed) > 0 {
                    let before = self.used();
                    sleep(PATIENCE).await;
                    if self.waiting.load(Ordering::Relaxed) > 0 && self.used() >= before {
                        self.evict_largest();
                    }
                } else {
                    break;
                }
            }
        }
    }

    /// Has the connection that holds most closed; a streamer's only if no other holds a significant
    /// amount. Returns whether there was one.
    pub fn evict_largest(&self) -> bool {
        // Collected first: dropping the last reference to an account takes the lock.
        let accounts: Vec<_> = lock(&self.accounts)
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        // If only those without a valid token are short, nobody else is closed for them.
        let are_all_short = !self.has_room(Holder::Authenticated, FREE_BYTES);
        let largest = accounts
            .iter()
            .filter(|account| are_all_short || account.holder() == Holder::Unauthenticated)
            .filter(|account| account.footprint() > FREE_BYTES && !account.is_evicted())
            .max_by_key(|account| (account.holder() != Holder::Streamer, account.footprint()));
        if let Some(account) = largest {
            account.evicted.cancel();
        }
        largest.is_some()
    }
}

/// What one connection holds. Ends with its last reservation.
pub struct Account {
    budget: Arc<MemoryBudget>,
    number: u64,
    balance: Mutex<Balance>,
    /// The bytes that wait to be sent to it and are shared with others.
    queued: AtomicUsize,
    evicted: CancellationToken,
}

#[derive(Debug, Clone, Copy)]
struct Balance {
    held: usize,
    holder: Holder,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("held", &self.held())
            .field("holder", &self.holder())
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Reserves `bytes` without asking whether there is room. For what must be sent in any case; a
    /// caller that can wait asks [`has_room`](Self::has_room) first or waits for
    /// [`room`](Self::room).
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Reservation {
        self.add(bytes);
        Reservation {
            budget: Arc::clone(&self.budget),
            account: Some(Arc::clone(self)),
            bytes,
        }
    }

    /// Whether the connection may hold `bytes` more: either within what it may always hold, or
    /// because there is room in the budget.
    pub fn has_room(&self, bytes: usize) -> bool {
        #[cfg(test)]
        super::locks::interleaved::point();
        self.held() + bytes <= FREE_BYTES || self.budget.has_room(self.holder(), bytes)
    }

    /// Waits until the connection may hold `bytes` more.
    pub async fn room(&self, bytes: usize) {
        self.budget.wait(|| self.has_room(bytes)).await;
    }

    /// How many bytes the connection holds.
    pub fn held(&self) -> usize {
        lock(&self.balance).held
    }

    /// Whose account it is.
    pub fn holder(&self) -> Holder {
        lock(&self.balance).holder
    }

    /// Sets whose account it is from now on.
    pub fn set_holder(&self, holder: Holder) {
        let mut balance = lock(&self.balance);
        let unauthenticated = &self.budget.unauthenticated;
        if balance.holder == Holder::Unauthenticated {
            unauthenticated.fetch_sub(balance.held, Ordering::Relaxed);
        }
        balance.holder = holder;
        if holder == Holder::Unauthenticated {
            unauthenticated.fetch_add(balance.held, Ordering::Relaxed);
        }
    }

    /// Sets how many bytes wait to be sent to it. They are reserved elsewhere, once for all
    /// receivers; here they count only when the connection that holds most is chosen.
    pub fn set_queued(&self, bytes: usize) {
        self.queued.store(bytes, Ordering::Relaxed);
    }

    fn footprint(&self) -> usize {
        self.held() + self.queued.load(Ordering::Relaxed)
    }

    /// Whether the connection is to be closed because it holds most while memory is short.
    pub fn is_evicted(&self) -> bool {
        self.evicted.is_cancelled()
    }

    /// Waits until the connection is to be closed because it holds most while memory is short.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// The budget that the account belongs to.
    pub fn budget(&self) -> &Arc<MemoryBudget> {
        &self.budget
    }

    fn add(&self, bytes: usize) {
        let mut balance = lock(&self.balance);
        balance.held += bytes;
        if balance.holder == Holder::Unauthenticated {
            self.budget
                .unauthenticated
                .fetch_add(bytes, Ordering::Relaxed);
        }
        drop(balance);
        self.budget.add(bytes);
    }

    fn give_back(&self, bytes: usize) {
        let mut balance = lock(&self.balance);
        balance.held -= bytes;
        if balance.holder == Holder::Unauthenticated {
            self.budget
                .unauthenticated
                .fetch_sub(bytes, Ordering::Relaxed);
        }
        drop(balance);
        self.budget.give_back(bytes);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        lock(&self.budget.accounts).remove(&self.number);
    }
}

/// Reserved bytes; returned when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<MemoryBudget>,
    account: Option<Arc<Account>>,
    bytes: usize,
}

impl Reservation {
    /// How many bytes are reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes how many bytes are reserved.
    pub fn set(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if before == bytes {
            return;
        }
        match &self.account {
            Some(account) if bytes > before => account.add(bytes - before),
            Some(account) => account.give_back(before - bytes),
            None if bytes > before => self.budget.add(bytes - before),
            None => self.budget.give_back(before - bytes),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests;
