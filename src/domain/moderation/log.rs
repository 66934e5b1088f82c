//! The log of what moderators have done in a project, oldest first.

use std::collections::{HashMap, VecDeque};

use super::super::moderator_action::Action;

/// How many actions it remembers.
pub(super) const LOGGED: usize = 200;

/// Whether the log says that the message of this number was deleted.
pub(super) fn tells_deletion(log: &VecDeque<Action>, id: u64) -> bool {
    log.iter().any(|action| action.deed.message() == Some(id))
}

/// When there are too many actions, the moderator with the most loses the oldest, so nobody pushes
/// what others have done out of the log.
pub(super) fn shorten(log: &mut VecDeque<Action>) {
    while log.len() > LOGGED {
        let mut counts = HashMap::new();
        for action in &*log {
            *counts.entry(&action.by).or_insert(0_usize) += 1;
        }
        let most = counts.values().copied().max();
        let is_of_most = |action: &Action| counts.get(&action.by).copied() == most;
        let oldest = log.iter().position(is_of_most).unwrap_or(0);
        log.remove(oldest);
    }
}
