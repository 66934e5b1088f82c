//! What moderators have decided in a project (protocol, section 7): who may not write or be there,
//! and until when; how often the others may write; and who did what.

mod entries;
mod kept;
mod log;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::client_address::ClientAddress;
use super::moderator_action::{Action, Deed};
use super::names::UserName;
use super::time::Timestamp;
pub use entries::{Ban, Banned, MOST_MODERATED, Mute};
use entries::{people, with_more};
pub use kept::ImpossibleModeration;

/// Of the places for muted or banned people, one in this many is for the streamer alone.
const STREAMERS_ONE_IN: usize = 4;

/// About how many bytes of memory a mute, a ban or an action takes, besides the names in it.
const ENTRY_BYTES: usize = 192;
/// The same for an address, here and where it is looked up.
const ADDRESS_BYTES: usize = 96;

/// Somebody that moderators' decisions may concern.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Their name.
    pub user: &'a UserName,
    /// Where they come from; `None` if no mute or ban may concern that address, because others
    /// share it.
    pub address: Option<ClientAddress>,
}

impl Person<'_> {
    /// Only guests are known by their address, too: it is easy for them to take another name.
    pub fn guests_address(&self) -> Option<ClientAddress> {
        self.address.filter(|_| self.user.guest().is_some())
    }
}

/// How somebody stands with the moderators of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Until when they may not write.
    pub muted: Option<Timestamp>,
    /// They may neither write nor be there.
    pub banned: Option<Banned>,
}

impl Standing {
    /// What is left of it at the time `now`.
    fn at(self, now: Timestamp) -> Self {
        Self {
            muted: self.muted.filter(|until| now < *until),
            banned: self.banned.filter(|ban| !ban.is_over(now)),
        }
    }

    /// What both of them say together: of two ends the later one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            muted: self.muted.max(other.muted),
            banned: match (self.banned, other.banned) {
                (Some(one), Some(other)) => Some(one.or_later(other)),
                (one, other) => one.or(other),
            },
        }
    }

    /// The standing of somebody whose bans cannot be read.
    pub const KEPT_OUT: Self = Self {
        muted: None,
        banned: Some(Banned { until: None }),
    };
}

/// As many people are muted or banned as allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many people are muted or banned")]
pub struct TooManyModerated;

/// How many people may be muted or banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound(usize);

impl Bound {
    /// At most `most` for the streamer. The last quarter of these, and at least one, is not for
    /// other moderators: whatever they do, the streamer can mute and ban.
    pub fn new(most: usize, is_streamer: bool) -> Self {
        let reserved = most.div_ceil(STREAMERS_ONE_IN);
        Self(most.saturating_sub(if is_streamer { 0 } else { reserved }))
    }

    /// The number of people.
    pub fn get(self) -> usize {
        self.0
    }
}

/// What moderators have decided in a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moderation {
    muted: BTreeMap<UserName, Mute>,
    banned: BTreeMap<UserName, Ban>,
    slow_seconds: u32,
    log: VecDeque<Action>,
    /// How guests from an address stand: an index of `muted` and `banned`. A changed copy shares
    /// it, unless a mute or ban has changed.
    by_address: Arc<HashMap<ClientAddress, Standing>>,
}

impl Moderation {
    /// What a store has kept.
    ///
    /// # Errors
    /// Nobody could have decided that.
    pub fn restore(
        muted: BTreeMap<UserName, Mute>,
        banned: BTreeMap<UserName, Ban>,
        slow_seconds: u32,
        log: VecDeque<Action>,
    ) -> Result<Self, ImpossibleModeration> {
        kept::must_be_possible(&muted, &banned, slow_seconds, &log)?;
        let mut restored = Self {
            muted,
            banned,
            slow_seconds,
            log,
            by_address: Arc::default(),
        };
        restored.index_addresses();
        Ok(restored)
    }

    /// Those who may not write, by name; it may be over for some.
    pub fn muted(&self) -> &BTreeMap<UserName, Mute> {
        &self.muted
    }

    /// Those who may not be there, by name; it may be over for some.
    pub fn banned(&self) -> &BTreeMap<UserName, Ban> {
        &self.banned
    }

    /// How many seconds there are between two messages of one user; 0: no slow mode.
    pub fn slow_seconds(&self) -> u32 {
        self.slow_seconds
    }

    /// The same as a duration.
    pub fn slow(&self) -> Duration {
        Duration::from_secs(self.slow_seconds.into())
    }

    /// Who did what last, oldest first.
    pub fn log(&self) -> impl ExactSizeIterator<Item = &Action> {
        self.log.iter()
    }

    /// How `person` stands at the time `now`.
    pub fn standing(&self, person: Person<'_>, now: Timestamp) -> Standing {
        let by_name = Standing {
            muted: self.muted.get(person.user).map(|mute| mute.until),
            banned: self.banned.get(person.user).map(Ban::end),
        };
        let address = person.guests_address();
        let by_address = address.map(|address| self.of_guests_from(address, now));
        by_name.at(now).and(by_address.unwrap_or_default())
    }

    /// How all guests from `address` stand.
    pub fn of_guests_from(&self, address: ClientAddress, now: Timestamp) -> Standing {
        let found = self.by_address.get(&address).copied();
        found.unwrap_or_default().at(now)
    }

    /// The names of those who are muted or banned.
    pub fn names(&self) -> impl Iterator<Item = &UserName> {
        self.muted.keys().chain(self.banned.keys())
    }

    /// Carries out an action, and adds it to the log. A mute or ban also concerns `addresses`, and
    /// those of an earlier mute or ban of the same user. Returns whether anything has changed; an
    /// action that changes nothing is not logged. Mutes and bans that are over are forgotten.
    ///
    /// # Errors
    /// Somebody new would be muted or banned, and then more people than `bound` allows; the action
    /// changes nothing.
    pub fn carry_out(
        &mut self,
        action: Action,
        addresses: impl IntoIterator<Item = ClientAddress>,
        bound: Bound,
    ) -> Result<bool, TooManyModerated> {
        self.forget_what_is_over(action.date);
        if let Deed::Mute(user, _) | Deed::Ban(user, _) = &action.deed {
            self.must_have_room(user, bound)?;
        }
        let (by, date) = (action.by.clone(), action.date);
        let changes = match &action.deed {
            Deed::Mute(user, seconds) => {
                let earlier = self.muted.remove(user).map(|mute| mute.addresses);
                let of_ban = self.banned.get(user).map(|ban| &ban.addresses);
                let mute = Mute {
                    until: action.end(*seconds),
                    by,
                    date,
                    addresses: with_more(earlier, addresses, of_ban),
                };
                self.muted.insert(user.clone(), mute);
                true
            }
            Deed::Unmute(user) => self.muted.remove(user).is_some(),
            Deed::Ban(user, seconds) => {
                let earlier = self.banned.remove(user).map(|ban| ban.addresses);
                let of_mute = self.muted.get(user).map(|mute| &mute.addresses);
                let ban = Ban {
                    until: seconds.map(|seconds| action.end(seconds)),
                    by,
                    date,
                    addresses: with_more(earlier, addresses, of_mute),
                };
                self.banned.insert(user.clone(), ban);
                true
            }
            Deed::Unban(user) => self.banned.remove(user).is_some(),
            Deed::Slow(seconds) => std::mem::replace(&mut self.slow_seconds, *seconds) != *seconds,
            // Without an author the message is no longer in the history: perhaps it has been
            // deleted.
            Deed::Delete(id, author) => author.is_some() || !log::tells_deletion(&self.log, *id),
            Deed::Announce => true,
        };
        if changes {
            if !matches!(
                action.deed,
                Deed::Delete(..) | Deed::Slow(_) | Deed::Announce
            ) {
                self.index_addresses();
            }
            self.log.push_back(action);
            log::shorten(&mut self.log);
        }
        Ok(changes)
    }

    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let mutes = self.muted.iter().map(|(user, mute)| (user, &mute.by));
        let bans = self.banned.iter().map(|(user, ban)| (user, &ban.by));
        let entries = mutes.chain(bans);
        let entries = entries.map(|(user, by)| user.as_str().len() + by.as_str().len());
        let actions = self.log.iter().map(|action| {
            let user = action.deed.user().map_or(0, |user| user.as_str().len());
            user + action.by.as_str().len()
        });
        let addresses = self.muted.values().map(|mute| mute.addresses.len());
        let addresses = addresses.chain(self.banned.values().map(|ban| ban.addresses.len()));
        let sizes = entries.chain(actions).map(|names| names + ENTRY_BYTES);
        sizes.sum::<usize>() + addresses.sum::<usize>() * ADDRESS_BYTES
    }

    fn must_have_room(&self, user: &UserName, bound: Bound) -> Result<(), TooManyModerated> {
        let is_one = self.muted.contains_key(user) || self.banned.contains_key(user);
        if !is_one && people(&self.muted, &self.banned) >= bound.get() {
            return Err(TooManyModerated);
        }
        Ok(())
    }

    /// Forgets the mutes and bans that are over.
    pub fn forget_what_is_over(&mut self, now: Timestamp) {
        let before = self.muted.len() + self.banned.len();
        self.muted.retain(|_, mute| now < mute.until);
        self.banned.retain(|_, ban| !ban.end().is_over(now));
        if self.muted.len() + self.banned.len() != before {
            self.index_addresses();
        }
    }

    fn index_addresses(&mut self) {
        let mutes = self.muted.values().map(|mute| {
            let standing = Standing {
                muted: Some(mute.until),
                banned: None,
            };
            (&mute.addresses, standing)
        });
        let bans = self.banned.values().map(|ban| {
            let standing = Standing {
                muted: None,
                banned: Some(ban.end()),
            };
            (&ban.addresses, standing)
        });
        let mut by_address: HashMap<ClientAddress, Standing> = HashMap::new();
        for (addresses, standing) in mutes.chain(bans) {
            for address in addresses {
                let found = by_address.entry(*address).or_default();
                *found = found.and(standing);
            }
        }
        self.by_address = Arc::new(by_address);
    }
}

#[cfg(test)]
mod tests;
