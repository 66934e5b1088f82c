//! Which files have been changed by somebody who was asked later.
//!
//! A client that gets no answer goes to another node and writes there, or comes back on another
//! connection. What it asked this node before must not come on top of that: it counts as made just
//! before. This node may also be told late of a change that the other node made before this one was
//! asked: by milliseconds or, after a failure, by seconds. So the engine's time decides.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep};

use crate::adapters::outbound::nats::pending_changes::{Done, Pending};
use crate::adapters::outbound::nats::replica::Replica;
use crate::adapters::outbound::nats::replicas::{Node, place};
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::Clock as _;
use crate::domain::{FilePath, Timestamp, Version};

/// A change that has waited for less than this comes last, as it would on a single node: its client
/// has not given it up.
const WAITED: Duration = Duration::from_secs(1);

/// How long to wait before the engine is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// How many files are asked for at a time.
const AT_ONCE: usize = 16;

/// The changes that have overtaken others.
pub(crate) type Overtaken = HashMap<FilePath, Version>;

impl Node {
    /// Which of these changes, asked for at these times, others have overtaken. Waits for the
    /// engine as long as it takes.
    pub async fn overtaken(
        &self,
        replica: &Replica,
        changes: Vec<(FilePath, Instant)>,
    ) -> Overtaken {
        let waited = changes.into_iter().filter_map(|(path, asked)| {
            let at = waited_since(asked, SystemClock.now())?;
            let known = replica.with(|ready| ready.entry(&path)).ok().flatten();
            let is_older = known.is_some_and(|entry| entry.modified <= at);
            (replica.is_changed_since(at) && !is_older).then_some((path, asked, at))
        });
        let looks: Vec<_> = waited
            .map(|(path, asked, at)| async move {
                let newer = self.newer(replica, &path, asked, at).await?;
                Some((path, newer))
            })
            .collect();
        let looks = futures_util::stream::iter(looks).buffer_unordered(AT_ONCE);
        looks.filter_map(std::future::ready).collect().await
    }

    /// The last change of a file, if another node has made it since that time, or this node was
    /// asked for it later.
    async fn newer(
        &self,
        replica: &Replica,
        path: &FilePath,
        asked: Instant,
        at: Timestamp,
    ) -> Option<Version> {
        let subject = self.engine.subjects.file(&replica.project, path);
        let last = loop {
            match self.engine.last_soon(&subject).await {
                Ok(last) => {
                    let known = replica.with(|ready| ready.entry(path)).ok().flatten();
                    let known = known.map_or(0, |entry| entry.version.number());
                    let answered = last.as_ref().map_or(0, |last| last.sequence);
                    // A server that no longer leads may answer with less than is known here.
                    if answered >= known || !self.is_current(replica) {
                        break last?;
                    }
                }
                Err(error) => tracing::debug!(%error, "the engine does not say who changed a file"),
            }
            sleep(AGAIN).await;
        };
        let placed = place(&last).ok();
        let own = placed.filter(|placed| self.names.has_given(&placed.entry.change));
        let is_newer = match own {
            Some(own) => own.entry.asked > self.names.asked(asked),
            None => last.at > at,
        };
        is_newer.then(|| Version::new(last.sequence))
    }
}

/// When a change was asked for by the clock that says `now`, if it has waited for long enough to be
/// overtaken.
pub(crate) fn waited_since(asked: Instant, now: Timestamp) -> Option<Timestamp> {
    let waited = asked.elapsed();
    let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    let at = Timestamp::from_millis(now.as_millis().saturating_sub(millis));
    (waited >= WAITED).then_some(at)
}

/// Answers those that have been overtaken, and leaves the others.
pub(crate) fn answer_overtaken(changes: Vec<Pending>, overtaken: &Overtaken) -> Vec<Pending> {
    let mut others = Vec::new();
    for change in changes {
        match change.wish.path().and_then(|path| overtaken.get(path)) {
            Some(version) => {
                // The caller may be gone.
                let _ = change.done.send(Ok(Done::Overtaken(*version)));
            }
            None => others.push(change),
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_change_that_has_waited_for_a_second_can_be_overtaken() {
        let (asked, now) = (Instant::now(), Timestamp::from_secs(100));
        let step = Duration::from_millis(1);
        tokio::time::advance(WAITED.checked_sub(step).expect("is longer")).await;
        assert_eq!(waited_since(asked, now), None);
        tokio::time::advance(step).await;
        assert_eq!(waited_since(asked, now), Some(Timestamp::from_secs(99)));
    }
}
