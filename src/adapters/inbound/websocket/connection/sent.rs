//! When a client sent what is read from it.

use std::time::Duration;

use tokio::time::Instant;

/// After a pause shorter than this, what is read counts as sent when it is read. While the client
/// sends nothing for this long, all that it sent before has come.
const PAUSE: Duration = Duration::from_secs(1);

/// How much may be on its way: in the buffers of both machines, and of a proxy between them.
const MOST_ON_THE_WAY: usize = 16 << 20;

/// Tells when messages were sent. What came while the server did not read may have been sent at any
/// time since; it counts as sent when the server stopped to read.
#[derive(Default)]
pub(super) struct Sent(Option<Backlog>);

/// What had been sent, or was on its way, when the server read again.
struct Backlog {
    /// When the server stopped to read.
    since: Instant,
    /// How much of it may still come.
    left: usize,
}

impl Sent {
    /// Nothing was read from `since` until now.
    pub fn not_read_since(&mut self, since: Instant) {
        if since.elapsed() >= PAUSE {
            let since = self.0.as_ref().map_or(since, |backlog| backlog.since);
            self.0 = Some(Backlog {
                since,
                left: MOST_ON_THE_WAY,
            });
        }
    }

    /// When the message of `bytes` was sent for which the server has waited since `since`.
    pub fn at(&mut self, since: Instant, bytes: usize) -> Instant {
        let now = Instant::now();
        self.0 = self.0.take().and_then(|backlog| {
            let left = backlog.left.checked_sub(bytes)?;
            (now - since < PAUSE).then_some(Backlog { left, ..backlog })
        });
        self.0.as_ref().map_or(now, |backlog| backlog.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some time later.
    async fn after(time: Duration) -> Instant {
        tokio::time::advance(time).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_while_nothing_was_read_counts_as_sent_when_the_server_stopped_to_read() {
        let mut sent = Sent::default();
        let stopped = Instant::now();
        let again = after(PAUSE).await;
        sent.not_read_since(stopped);
        assert_eq!(sent.at(again, 1), stopped);
        // A second pause in the same backlog.
        let again = after(PAUSE).await;
        sent.not_read_since(again - PAUSE);
        assert_eq!(sent.at(again, 1), stopped);
        let now = after(PAUSE).await;
        assert_eq!(sent.at(again, 1), now, "the client had sent nothing more");
        assert_eq!(sent.at(now, 1), now);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_all_that_can_have_been_on_its_way_was_sent_later() {
        let mut sent = Sent::default();
        let stopped = Instant::now();
        let now = after(PAUSE).await;
        sent.not_read_since(stopped);
        assert_eq!(sent.at(now, MOST_ON_THE_WAY), stopped);
        assert_eq!(sent.at(now, 1), now);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_pause_does_not_matter() {
        let mut sent = Sent::default();
        let stopped = Instant::now();
        let now = after(PAUSE / 2).await;
        sent.not_read_since(stopped);
        assert_eq!(sent.at(now, 1), now);
    }
}
