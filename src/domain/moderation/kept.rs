//! Which moderation may come back from a store: only what moderators could have decided.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::client_address::ClientAddress;
use super::super::moderator_action::{Action, Deed, MOST_SECONDS, SLOWEST, end};
use super::super::names::UserName;
use super::super::time::Timestamp;
use super::entries::{Ban, MOST_ADDRESSES, MOST_MODERATED, Mute, people};
use super::log::LOGGED;

/// The end of the year 9999: nobody could show a later date.
const LATEST: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// What no moderator could have decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpossibleModeration {
    /// More people than may be.
    #[error("more than {MOST_MODERATED} people are muted or banned in it")]
    People,
    /// It lasts longer than it may.
    #[error("a mute or a ban in it lasts longer than {MOST_SECONDS} s")]
    End,
    /// More addresses than may be.
    #[error("a mute or a ban in it concerns more than {MOST_ADDRESSES} addresses")]
    Addresses,
    /// A date after the end of the year 9999.
    #[error("a date in it is none")]
    Date,
    /// Longer than it may be.
    #[error("its slow mode is longer than {SLOWEST} s")]
    Slow,
    /// More actions than are remembered, or one that is none.
    #[error("it has more than {LOGGED} actions, or one that nobody could ask for")]
    Log,
}

/// # Errors
/// Nobody could have decided that.
pub(super) fn must_be_possible(
    muted: &BTreeMap<UserName, Mute>,
    banned: &BTreeMap<UserName, Ban>,
    slow_seconds: u32,
    log: &VecDeque<Action>,
) -> Result<(), ImpossibleModeration> {
    let is_too_long = |date: Timestamp, until: Timestamp| until > end(date, MOST_SECONDS);
    let is_long_mute = |mute: &Mute| is_too_long(mute.date, mute.until);
    let is_long_ban = |ban: &Ban| ban.until.is_some_and(|until| is_too_long(ban.date, until));
    let dates = muted.values().map(|mute| mute.date);
    let mut dates = dates.chain(banned.values().map(|ban| ban.date));
    if dates.any(|date| date > LATEST) || log.iter().any(|action| action.date > LATEST) {
        return Err(ImpossibleModeration::Date);
    }
    if people(muted, banned) > MOST_MODERATED {
        return Err(ImpossibleModeration::People);
    }
    if muted.values().any(is_long_mute) || banned.values().any(is_long_ban) {
        return Err(ImpossibleModeration::End);
    }
    let are_too_many = |addresses: &BTreeSet<ClientAddress>| addresses.len() > MOST_ADDRESSES;
    let is_wide_mute = |mute: &Mute| are_too_many(&mute.addresses);
    let is_wide_ban = |ban: &Ban| are_too_many(&ban.addresses);
    if muted.values().any(is_wide_mute) || banned.values().any(is_wide_ban) {
        return Err(ImpossibleModeration::Addresses);
    }
    if slow_seconds > SLOWEST {
        return Err(ImpossibleModeration::Slow);
    }
    let is_possible = |action: &Action| match &action.deed {
        Deed::Mute(_, seconds) | Deed::Ban(_, Some(seconds)) => {
            (1..=MOST_SECONDS).contains(seconds)
        }
        Deed::Slow(seconds) => *seconds <= SLOWEST,
        _ => true,
    };
    if log.len() > LOGGED || !log.iter().all(is_possible) {
        return Err(ImpossibleModeration::Log);
    }
    Ok(())
}
