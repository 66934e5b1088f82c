//! What moderators do, as it is carried out and remembered (protocol, section 7).

use super::names::UserName;
use super::time::Timestamp;

/// The longest mute, and the longest ban that ends by itself: a year.
pub const MOST_SECONDS: u32 = 31_536_000;
/// The longest time between two messages in slow mode: an hour.
pub const SLOWEST: u32 = 3_600;

/// What a moderator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Forbids somebody to write, for this many seconds.
    Mute(UserName, u32),
    /// Lifts that.
    Unmute(UserName),
    /// Forbids somebody to be there, for this many seconds or until it is lifted.
    Ban(UserName, Option<u32>),
    /// Lifts that.
    Unban(UserName),
    /// Deletes the message of this number, which this user wrote, if that is known.
    Delete(u64, Option<UserName>),
    /// Lets everybody else write once in this many seconds; 0: as often as they like.
    Slow(u32),
    /// Says something that stands out.
    Announce,
}

impl Deed {
    /// Its name in the protocol.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Mute(..) => "mute",
            Self::Unmute(_) => "unmute",
            Self::Ban(..) => "ban",
            Self::Unban(_) => "unban",
            Self::Delete(..) => "delete",
            Self::Slow(_) => "slow",
            Self::Announce => "announce",
        }
    }

    /// Who it is about.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Self::Mute(user, _) | Self::Unmute(user) | Self::Ban(user, _) | Self::Unban(user) => {
                Some(user)
            }
            Self::Delete(_, author) => author.as_ref(),
            Self::Slow(_) | Self::Announce => None,
        }
    }

    /// For how long, or how often, in seconds.
    pub fn seconds(&self) -> Option<u32> {
        match self {
            Self::Mute(_, seconds) | Self::Slow(seconds) => Some(*seconds),
            Self::Ban(_, seconds) => *seconds,
            Self::Unmute(_) | Self::Unban(_) | Self::Delete(..) | Self::Announce => None,
        }
    }

    /// Which message it concerns.
    pub fn message(&self) -> Option<u64> {
        match self {
            Self::Delete(id, _) => Some(*id),
            _ => None,
        }
    }
}

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// When.
    pub date: Timestamp,
    /// Who.
    pub by: UserName,
    /// What.
    pub deed: Deed,
}

impl Action {
    /// When something that lasts for `seconds` from this action on is over.
    pub(super) fn end(&self, seconds: u32) -> Timestamp {
        end(self.date, seconds)
    }
}

/// When something that lasts for `seconds` from `date` on is over: a whole second, not too early.
pub(super) fn end(date: Timestamp, seconds: u32) -> Timestamp {
    let now = date.as_millis().div_ceil(1_000);
    Timestamp::from_secs(now.saturating_add(seconds.into()))
}
