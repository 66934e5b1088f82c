//! Which nodes live, judged by what is heard of them: without IO, and without a clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::outbound::nats::message::NodeId;

/// A node that has not been heard for this long has ended.
const SILENCE: Duration = Duration::from_secs(5);

/// A node that has not heard itself for this long is cut off, and cannot judge others.
const CUT_OFF: Duration = Duration::from_secs(2);

/// The nodes that have been heard.
///
/// All times are measured up to when this node last heard itself, so that a node that is cut off
/// from the engine takes no other node for dead.
pub(crate) struct Living {
    own: NodeId,
    /// Since when this node has heard itself without a break, and when it last did.
    connected: Option<(Instant, Instant)>,
    others: BTreeMap<NodeId, Instant>,
}

impl Living {
    pub fn new(own: NodeId) -> Self {
        Self {
            own,
            connected: None,
            others: BTreeMap::new(),
        }
    }

    pub fn own(&self) -> NodeId {
        self.own
    }

    pub fn rename(&mut self, own: NodeId) {
        self.own = own;
    }

    /// Notes that a node has been heard.
    pub fn hear(&mut self, node: NodeId, now: Instant) {
        if node != self.own {
            self.others.insert(node, now);
            return;
        }
        let since = match self.connected {
            Some((since, last)) if now.saturating_duration_since(last) < CUT_OFF => since,
            Some(_) | None => now,
        };
        self.connected = Some((since, now));
        let others = &mut self.others;
        others.retain(|_, heard| !is_silent(since, now, Some(*heard)));
    }

    /// Whether this node has just heard itself. If not, what it knows may be old.
    pub fn is_connected(&self, now: Instant) -> bool {
        let last = self.connected.map(|(_, last)| last);
        last.is_some_and(|last| now.saturating_duration_since(last) < CUT_OFF)
    }

    /// Whether a node has not been heard for too long.
    pub fn is_silent(&self, node: NodeId) -> bool {
        let heard = self.others.get(&node).copied();
        let is = |(since, now)| is_silent(since, now, heard);
        node != self.own && self.connected.is_some_and(is)
    }

    /// All nodes that live, in the order of their names.
    pub fn all(&self) -> Vec<NodeId> {
        let mut all: Vec<_> = self.others.keys().copied().collect();
        all.push(self.own);
        all.sort_unstable();
        all
    }
}

fn is_silent(since: Instant, now: Instant, heard: Option<Instant>) -> bool {
    let last = heard.unwrap_or(since).max(since);
    now.saturating_duration_since(last) >= SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(start: Instant, number: u64) -> Instant {
        start + Duration::from_secs(number)
    }

    #[test]
    fn a_node_lives_until_nothing_has_been_heard_of_it_for_five_seconds() {
        let (own, other) = (NodeId::random(), NodeId::random());
        let (mut living, start) = (Living::new(own), Instant::now());
        assert_eq!(living.all(), [own]);
        living.hear(own, start);
        living.hear(other, second(start, 1));
        let mut both = vec![own, other];
        both.sort_unstable();
        for number in 1..6 {
            living.hear(own, second(start, number));
            assert_eq!(living.all(), both, "{number}");
            assert!(!living.is_silent(other), "{number}");
        }
        living.hear(own, second(start, 6));
        assert_eq!(living.all(), [own]);
        assert!(living.is_silent(other));
        assert!(!living.is_silent(own));
        living.hear(other, second(start, 7));
        assert_eq!(living.all(), both, "it was only cut off");
    }

    #[test]
    fn a_node_that_was_never_heard_is_silent_five_seconds_after_the_first_beat_of_the_own() {
        let (own, other) = (NodeId::random(), NodeId::random());
        let (mut living, start) = (Living::new(own), Instant::now());
        assert!(!living.is_silent(other));
        for number in 0..5 {
            living.hear(own, second(start, number));
            assert!(!living.is_silent(other), "{number}");
        }
        living.hear(own, second(start, 5));
        assert!(living.is_silent(other));
    }

    #[test]
    fn a_node_that_was_cut_off_holds_nobody_for_dead_until_it_has_listened_for_long_enough() {
        let (own, other) = (NodeId::random(), NodeId::random());
        let (mut living, start) = (Living::new(own), Instant::now());
        living.hear(own, start);
        living.hear(other, start);
        for number in 60..65 {
            living.hear(own, second(start, number));
            assert!(!living.is_silent(other), "{number}");
        }
        living.hear(own, second(start, 65));
        assert!(living.is_silent(other));
    }
}
