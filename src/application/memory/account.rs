//! What one connection holds, and the reservations it consists of.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::balance::Balance;
use super::totals::{Holder, Totals};
#[cfg(test)]
use crate::application::locks::interleaved::point;
use crate::application::locks::lock;

/// What one connection may always hold, in bytes: enough for any request but a post, and for its
/// answer. It counts, but nobody ever waits for it.
pub const FREE_BYTES: usize = 16 * 1_024;

/// The same for a connection without a valid token: enough for most tokens, and so little that with
/// the defaults even `maxConnections` of them cannot use up the others' memory.
pub const FREE_UNAUTHENTICATED_BYTES: usize = 2 * 1_024;

fn free_bytes(holder: Holder) -> usize {
    match holder {
        Holder::Unauthenticated => FREE_UNAUTHENTICATED_BYTES,
        Holder::Authenticated | Holder::Streamer => FREE_BYTES,
    }
}

/// What belongs to no connection counts as if a connection with a token held it.
const NOBODY: Holder = Holder::Authenticated;

/// The accounts of all connections.
#[derive(Default)]
pub(super) struct Accounts {
    open: Mutex<HashMap<u64, Weak<Account>>>,
    last_number: AtomicU64,
}

impl Accounts {
    /// The account of a new connection, which holds nothing yet.
    pub fn open(self: &Arc<Self>, totals: &Arc<Totals>) -> Arc<Account> {
        let account = self.unlisted(totals, Holder::Unauthenticated);
        lock(&self.open).insert(account.number, Arc::downgrade(&account));
        account
    }

    /// An account that is not listed: no connection is closed for what it holds.
    pub fn unlisted(self: &Arc<Self>, totals: &Arc<Totals>, holder: Holder) -> Arc<Account> {
        Arc::new(Account {
            totals: Arc::clone(totals),
            accounts: Arc::clone(self),
            number: self.last_number.fetch_add(1, Ordering::Relaxed),
            balance: AtomicUsize::new(Balance(0).with_holder(holder).0),
            shared: AtomicUsize::new(0),
            changed: Notify::new(),
            evicted: CancellationToken::new(),
        })
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
    balance: AtomicUsize,
    /// The bytes that it shares with others.
    shared: AtomicUsize,
    /// Notified while somebody waits, when the connection holds little again or has another holder.
    changed: Notify,
    evicted: CancellationToken,
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
    /// caller that can wait asks [`has_room`](Self::has_room) first or calls
    /// [`reserve_room`](Self::reserve_room).
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
        let balance = self.balance();
        let holder = balance.holder();
        balance.held() + bytes <= free_bytes(holder) || self.totals.has_room(holder, bytes)
    }

    /// What all connections without a valid token may hold together.
    pub fn unauthenticated_part(&self) -> usize {
        self.totals.unauthenticated_part()
    }

    /// Whether connections like this one would still use at most half of what they may with `bytes`
    /// more. For memory that somebody could do without, and that others may need soon.
    pub fn has_plenty(&self, bytes: usize) -> bool {
        self.totals.has_plenty(self.holder(), bytes)
    }

    /// Waits until the connection may hold `bytes` more within what it may always hold, or there is
    /// any room in the budget. Any room is enough: otherwise everybody who waits for little would
    /// overtake somebody who waits for much.
    pub async fn room(&self, bytes: usize) {
        if !self.may_go_on(bytes) {
            // In a box, because it is large and rare.
            Box::pin(self.wait(bytes)).await;
        }
    }

    /// Waits for [`room`](Self::room) and reserves `bytes` at once, so that not everybody who waits
    /// for the same room takes it.
    pub async fn reserve_room(self: &Arc<Self>, bytes: usize) -> Reservation {
        self.room(bytes).await;
        self.reserve(bytes)
    }

    async fn wait(&self, bytes: usize) {
        // Counted before the next check: from here on, returned memory is notified.
        let waiting = self.totals.wait();
        loop {
            let changed = self.changed.notified();
            let freed = self.totals.freed(self.holder()).notified();
            if self.may_go_on(bytes) {
                break;
            }
            self.totals.short.notify_one();
            // If dropped when it has been notified, `freed` notifies the next.
            tokio::select! {
                biased;
                () = changed => {}
                () = freed => {}
            }
        }
        drop(waiting);
        self.totals.wake();
    }

    fn may_go_on(&self, bytes: usize) -> bool {
        let balance = self.balance();
        let holder = balance.holder();
        balance.held() + bytes <= free_bytes(holder) || self.totals.has_room(holder, 1)
    }

    /// How many bytes the connection holds.
    pub fn held(&self) -> usize {
        self.balance().held()
    }

    /// Whose account it is.
    pub fn holder(&self) -> Holder {
        self.balance().holder()
    }

    /// Sets whose account it is from now on.
    pub fn set_holder(&self, holder: Holder) {
        let changed = |balance| Some(Balance(balance).with_holder(holder).0);
        let order = Ordering::SeqCst;
        let (Ok(before) | Err(before)) = self.balance.fetch_update(order, order, changed);
        let before = Balance(before);
        let held = before.held().cast_signed();
        match (before.holder(), holder) {
            (before, now) if before == now => return,
            (Holder::Unauthenticated, _) => self.totals.move_unauthenticated(-held),
            (_, Holder::Unauthenticated) => self.totals.move_unauthenticated(held),
            _ => {}
        }
        if self.totals.wake() {
            self.changed.notify_waiters();
        }
    }

    /// Sets how many bytes it shares with others, which are reserved once for all of them. They
    /// count here only when the connection that holds most is chosen.
    pub fn set_shared(&self, bytes: usize) {
        self.shared.store(bytes, Ordering::Relaxed);
    }

    /// Has the connection closed.
    pub(crate) fn evict(&self) {
        self.evicted.cancel();
    }

    /// The most memory that would come free with the connection.
    pub(super) fn footprint(&self) -> usize {
        self.held() + self.shared.load(Ordering::Relaxed)
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

    fn balance(&self) -> Balance {
        #[cfg(test)]
        point();
        Balance(self.balance.load(Ordering::SeqCst))
    }

    fn add(&self, bytes: usize) {
        let more = bytes * Balance::BYTE;
        let before = self.balance.fetch_add(more, Ordering::Relaxed);
        self.totals.add(bytes, Balance(before).holder());
    }

    fn give_back(&self, bytes: usize) {
        let less = bytes * Balance::BYTE;
        let before = Balance(self.balance.fetch_sub(less, Ordering::SeqCst));
        let is_awaited = self.totals.give_back(bytes, before.holder());
        // Otherwise it keeps its place among those who wait for the budget.
        if is_awaited && before.held() - bytes <= free_bytes(before.holder()) {
            self.changed.notify_waiters();
        }
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
        totals.add(bytes, NOBODY);
        Self {
            owner: Owner::Totals(Arc::clone(totals)),
            bytes,
        }
    }

    /// Whether it belongs to no connection.
    pub fn is_shared(&self) -> bool {
        matches!(self.owner, Owner::Totals(_))
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
            Owner::Totals(totals) if bytes > before => totals.add(bytes - before, NOBODY),
            Owner::Totals(totals) => {
                totals.give_back(before - bytes, NOBODY);
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.set(0);
    }
}
