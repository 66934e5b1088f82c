//! What one connection holds, and the reservations it consists of.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio_util::sync::CancellationToken;

use super::totals::{Holder, Totals};
use crate::application::locks::lock;

/// What one connection may always hold, in bytes: enough for any request but a post, and for its
/// answer. It counts, but nobody ever waits for it.
pub const FREE_BYTES: usize = 16 * 1_024;

/// The accounts of all connections.
#[derive(Default)]
pub(super) struct Accounts {
    open: Mutex<HashMap<u64, Weak<Account>>>,
    last_number: AtomicU64,
}

impl Accounts {
    /// The account of a new connection, which holds nothing yet.
    pub fn open(self: &Arc<Self>, totals: &Arc<Totals>) -> Arc<Account> {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let account = Arc::new(Account {
            totals: Arc::clone(totals),
            accounts: Arc::clone(self),
            number,
            balance: Mutex::new(Balance {
                held: 0,
                holder: Holder::Unauthenticated,
            }),
            queued: AtomicUsize::new(0),
            evicted: CancellationToken::new(),
        });
        lock(&self.open).insert(number, Arc::downgrade(&account));
        account
    }

    pub fn all(&self) -> Vec<Arc<Account>> {
        // Collected, because dropping the last reference to an account takes the lock.
        let open = lock(&self.open);
        open.values().filter_map(Weak::upgrade).collect()
    }
}

/// What one connection holds. Ends with its last reservation.
pub struct Account {
    totals: Arc<Totals>,
    accounts: Arc<Accounts>,
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
            owner: Owner::Account(Arc::clone(self)),
            bytes,
        }
    }

    /// Whether the connection may hold `bytes` more: either within what it may always hold, or
    /// because there is room in the budget.
    pub fn has_room(&self, bytes: usize) -> bool {
        #[cfg(test)]
        crate::application::locks::interleaved::point();
        self.held() + bytes <= FREE_BYTES || self.totals.has_room(self.holder(), bytes)
    }

    /// Waits until the connection may hold `bytes` more.
    pub async fn room(&self, bytes: usize) {
        self.totals.wait(|| self.has_room(bytes)).await;
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
        let unauthenticated = &self.totals.unauthenticated;
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

    /// Has the connection closed.
    pub(super) fn evict(&self) {
        self.evicted.cancel();
    }

    pub(super) fn footprint(&self) -> usize {
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

    /// Whether all together hold so much that only a streamer gets more.
    pub fn is_exhausted(&self) -> bool {
        self.totals.is_exhausted()
    }

    fn add(&self, bytes: usize) {
        let mut balance = lock(&self.balance);
        balance.held += bytes;
        if balance.holder == Holder::Unauthenticated {
            self.totals
                .unauthenticated
                .fetch_add(bytes, Ordering::Relaxed);
        }
        drop(balance);
        self.totals.add(bytes);
    }

    fn give_back(&self, bytes: usize) {
        let mut balance = lock(&self.balance);
        balance.held -= bytes;
        if balance.holder == Holder::Unauthenticated {
            self.totals
                .unauthenticated
                .fetch_sub(bytes, Ordering::Relaxed);
        }
        drop(balance);
        self.totals.give_back(bytes);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        lock(&self.accounts.open).remove(&self.number);
    }
}

/// Reserved bytes; returned when dropped.
#[derive(Debug)]
pub struct Reservation {
    owner: Owner,
    bytes: usize,
}

/// What the bytes are counted in.
#[derive(Debug)]
enum Owner {
    Account(Arc<Account>),
    /// They belong to no connection.
    Totals(Arc<Totals>),
}

impl Reservation {
    /// Reserves `bytes` that belong to no connection.
    pub(super) fn shared(totals: &Arc<Totals>, bytes: usize) -> Self {
        totals.add(bytes);
        Self {
            owner: Owner::Totals(Arc::clone(totals)),
            bytes,
        }
    }

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
        match &self.owner {
            Owner::Account(account) if bytes > before => account.add(bytes - before),
            Owner::Account(account) => account.give_back(before - bytes),
            Owner::Totals(totals) if bytes > before => totals.add(bytes - before),
            Owner::Totals(totals) => totals.give_back(before - bytes),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.set(0);
    }
}
