//! When a client sent what is read from it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// After a stop shorter than this, what is read counts as sent when it is read. If the client sends
/// nothing for this long, all that it sent before has come.
const PAUSE: Duration = Duration::from_secs(1);

/// How much may be on its way: in the buffers of both machines, and of a proxy between them.
const MOST_ON_THE_WAY: usize = 16 << 20;

/// How soon that has come once the server reads again.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// Tells when messages were sent. What came while the server did not read may have been sent at any
/// time since; it counts as sent when the server stopped to read.
#[derive(Default)]
pub(super) struct Sent {
    /// Since when the server does not read.
    stopped: Option<Instant>,
    /// What was on its way when the server read again, by stop; few, because each soon ends.
    backlogs: VecDeque<Backlog>,
}

struct Backlog {
    /// When the server stopped to read.
    since: Instant,
    /// How much of it may still come, and until when.
    left: usize,
    until: Instant,
}

impl Sent {
    /// The server does not read from now on.
    pub fn stop(&mut self) {
        self.stopped.get_or_insert_with(Instant::now);
    }

    /// The server reads again, if it has stopped.
    pub fn go_on(&mut self) {
        let Some(since) = self.stopped.take() else {
            return;
        };
        if since.elapsed() >= PAUSE {
            self.backlogs.push_back(Backlog {
                since,
                left: MOST_ON_THE_WAY,
                until: Instant::now() + ON_THE_WAY,
            });
        }
    }

    /// When the message of `bytes` was sent for which the server has waited since `since`.
    pub fn at(&mut self, since: Instant, bytes: usize) -> Instant {
        let now = Instant::now();
        let has_paused = now - since >= PAUSE;
        let is_left = |backlog: &Backlog| backlog.left > 0 && now < backlog.until && !has_paused;
        self.backlogs.retain(is_left);
        for backlog in &mut self.backlogs {
            backlog.left = backlog.left.saturating_sub(bytes);
        }
        self.backlogs.front().map_or(now, |backlog| backlog.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(time: Duration) -> Instant {
        tokio::time::advance(time).await;
        Instant::now()
    }

    /// The server stops for this long. Returns since when, and when it reads again.
    async fn stop(sent: &mut Sent, time: Duration) -> (Instant, Instant) {
        let stopped = Instant::now();
        sent.stop();
        let again = after(time).await;
        sent.go_on();
        (stopped, again)
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_while_nothing_was_read_counts_as_sent_when_the_server_stopped_to_read() {
        let mut sent = Sent::default();
        let (stopped, again) = stop(&mut sent, PAUSE).await;
        assert_eq!(sent.at(again, 1), stopped);
        let (_, again) = stop(&mut sent, PAUSE).await;
        assert_eq!(
            sent.at(again, 1),
            stopped,
            "it may still be what was sent then"
        );
        let now = after(PAUSE).await;
        assert_eq!(sent.at(again, 1), now, "the client had sent nothing more");
        assert_eq!(sent.at(now, 1), now);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_all_that_can_have_been_on_its_way_was_sent_later() {
        let mut sent = Sent::default();
        let (stopped, again) = stop(&mut sent, PAUSE).await;
        assert_eq!(sent.at(again, MOST_ON_THE_WAY), stopped);
        assert_eq!(sent.at(again, 1), again);
        let (stopped, again) = stop(&mut sent, PAUSE).await;
        assert_eq!(sent.at(again, 1), stopped, "another stop");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_that_never_pauses_sends_later_is_later() {
        let mut sent = Sent::default();
        let (stopped, mut now) = stop(&mut sent, PAUSE).await;
        let until = now + ON_THE_WAY;
        while now < until {
            assert_eq!(sent.at(now, 1), stopped);
            now = after(PAUSE / 3).await;
        }
        assert_eq!(sent.at(now, 1), now);
    }

    #[tokio::test(start_paused = true)]
    async fn stops_that_follow_each_other_make_nothing_older_than_what_may_be_on_its_way() {
        let mut sent = Sent::default();
        for _ in 0..10 {
            let (stopped, again) = stop(&mut sent, ON_THE_WAY).await;
            assert_eq!(sent.at(again, 1), stopped);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_stop_does_not_matter_but_one_that_is_begun_again_is_one() {
        let mut sent = Sent::default();
        let (_, again) = stop(&mut sent, PAUSE / 2).await;
        assert_eq!(sent.at(again, 1), again);
        let stopped = Instant::now();
        for _ in 0..2 {
            sent.stop();
            tokio::time::advance(PAUSE / 2).await;
        }
        sent.go_on();
        assert_eq!(sent.at(Instant::now(), 1), stopped);
    }
}
