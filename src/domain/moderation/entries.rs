//! Who is muted or banned in a project.

use std::collections::{BTreeMap, BTreeSet};

use super::super::client_address::ClientAddress;
use super::super::names::UserName;
use super::super::time::Timestamp;

/// The most addresses that one mute or ban concerns.
pub(super) const MOST_ADDRESSES: usize = 64;

/// The most people who are muted or banned in a project: the largest value of `maxModerated`.
pub const MOST_MODERATED: usize = 10_000;

/// Somebody may not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// Until when.
    pub until: Timestamp,
    /// The moderator who decided this.
    pub by: UserName,
    /// When they did.
    pub date: Timestamp,
    /// The addresses from which no guest may write either.
    pub addresses: BTreeSet<ClientAddress>,
}

/// Somebody may not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Until when; `None`: until a moderator lifts it.
    pub until: Option<Timestamp>,
    /// The moderator who decided this.
    pub by: UserName,
    /// When they did.
    pub date: Timestamp,
    /// The addresses from which no guest may be there either.
    pub addresses: BTreeSet<ClientAddress>,
}

/// The end of a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banned {
    /// When it ends; `None`: when a moderator lifts it.
    pub until: Option<Timestamp>,
}

impl Banned {
    pub(super) fn is_over(self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Of the two, the one that ends later.
    pub(super) fn or_later(self, other: Self) -> Self {
        let until = self.until.zip(other.until);
        Self {
            until: until.map(|(one, other)| one.max(other)),
        }
    }
}

impl Ban {
    pub(super) fn end(&self) -> Banned {
        Banned { until: self.until }
    }
}

/// The addresses of a decision: those of the `earlier` one that it replaces, its own, and those of
/// a mute beside this ban, or the reverse.
pub(super) fn with_more(
    earlier: Option<BTreeSet<ClientAddress>>,
    own: impl IntoIterator<Item = ClientAddress>,
    beside: Option<&BTreeSet<ClientAddress>>,
) -> BTreeSet<ClientAddress> {
    let mut all = earlier.unwrap_or_default();
    let beside = beside.into_iter().flatten().copied();
    for address in own.into_iter().chain(beside) {
        if all.len() < MOST_ADDRESSES {
            all.insert(address);
        }
    }
    all
}

/// How many people are muted or banned.
pub(super) fn people(muted: &BTreeMap<UserName, Mute>, banned: &BTreeMap<UserName, Ban>) -> usize {
    let both = muted.keys().filter(|user| banned.contains_key(user));
    muted.len() + banned.len() - both.count()
}
