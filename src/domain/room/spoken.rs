//! When somebody has last spoken in slow mode.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::domain::client_address::ClientAddress;
use crate::domain::names::UserName;
use crate::domain::time::Uptime;

/// About how many bytes of memory it takes to know when somebody has last spoken in slow mode,
/// besides their name.
pub(super) const SPOKEN_BYTES: usize = 128;

/// Somebody whose messages count together towards how often they may come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Speaker {
    User(UserName),
    GuestsFrom(ClientAddress),
}

impl Speaker {
    /// About how many bytes of memory it takes to know when they have last spoken.
    fn memory_bytes(&self) -> usize {
        SPOKEN_BYTES
            + match self {
                Self::User(name) => name.as_str().len(),
                Self::GuestsFrom(_) => 0,
            }
    }
}

/// When each speaker last spoke in slow mode.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub(super) last: HashMap<Speaker, Uptime>,
    /// The same, oldest first.
    pub(super) in_order: VecDeque<(Uptime, Speaker)>,
    pub(super) bytes: usize,
}

impl Spoken {
    /// # Errors
    /// How long until all of them may speak.
    pub(super) fn may_speak(
        &mut self,
        speakers: &[Speaker],
        slow: Duration,
        now: Uptime,
    ) -> Result<(), Duration> {
        if slow.is_zero() {
            return Ok(());
        }
        while let Some((at, oldest)) = self.in_order.front()
            && now.since(*at) >= slow
        {
            self.bytes -= oldest.memory_bytes();
            if self.last.get(oldest) == Some(at) {
                self.last.remove(oldest);
            }
            self.in_order.pop_front();
        }
        let latest = speakers.iter().filter_map(|speaker| self.last.get(speaker));
        match latest.max() {
            Some(at) => Err(slow.saturating_sub(now.since(*at))),
            None => Ok(()),
        }
    }

    pub(super) fn note(&mut self, speakers: Vec<Speaker>, now: Uptime) {
        for speaker in speakers {
            self.bytes += speaker.memory_bytes();
            self.last.insert(speaker.clone(), now);
            self.in_order.push_back((now, speaker));
        }
    }
}
