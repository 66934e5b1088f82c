//! How long a client may be silent and how slowly it may send.
//!
//! Both are measured on a clock that runs only while the server is ready to read: a client that
//! the server itself holds back is neither silent nor slow.

use std::time::Duration;

use tokio::time::Instant;

use super::idle_timeout::IdleTimeout;

/// The slowest rate at which a message may come, in bytes per second.
const MIN_BYTES_PER_SECOND: u128 = 1024;

/// How many more reads an overdue message gets while there is something to read.
///
/// If the server was held up, bytes that the client sent in time may still be in the socket, and
/// must be counted first. The bound keeps a client from gaining time with other frames.
const LAST_READS: u8 = 64;

/// How a client has run out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overdue {
    /// No byte came for the idle timeout, although the client was pinged.
    #[error("nothing was heard for too long")]
    Silent,
    /// A message came at less than 1 KiB/s for the message timeout.
    #[error("a message came too slowly")]
    TooSlow,
}

/// The time limits of one client, and where it stands within them.
#[derive(Debug)]
pub(super) struct ReadTimeouts {
    ping: Duration,
    idle_timeout: IdleTimeout,
    message_timeout: Duration,
    /// The time spent reading before `reading_since`.
    spent: Duration,
    reading_since: Option<Instant>,
    heard: Duration,
    pinged: Duration,
    window: Option<Window>,
    message_bytes: usize,
}

/// One message timeout, in which a message must make progress.
#[derive(Debug, Clone, Copy)]
struct Window {
    started: Duration,
    bytes: usize,
    reads_left: u8,
}

impl Window {
    fn new(started: Duration, bytes: usize) -> Self {
        Self {
            started,
            bytes,
            reads_left: LAST_READS,
        }
    }
}

impl ReadTimeouts {
    pub(super) fn new(
        ping: Duration,
        idle_timeout: IdleTimeout,
        message_timeout: Duration,
    ) -> Self {
        Self {
            ping,
            idle_timeout,
            message_timeout,
            spent: Duration::ZERO,
            reading_since: None,
            heard: Duration::ZERO,
            pinged: Duration::ZERO,
            window: None,
            message_bytes: 0,
        }
    }

    /// Starts the clock: the server is ready to read.
    pub(super) fn start(&mut self) {
        self.reading_since.get_or_insert_with(Instant::now);
    }

    /// Stops the clock: the server does not read for now.
    pub(super) fn stop(&mut self) {
        if let Some(since) = self.reading_since.take() {
            self.spent += since.elapsed();
        }
    }

    /// Notes that bytes have come.
    pub(super) fn heard(&mut self) {
        self.heard = self.now();
    }

    /// Notes how many bytes have come of the message in progress, or `None` between messages.
    pub(super) fn message(&mut self, bytes: Option<usize>) {
        self.message_bytes = bytes.unwrap_or(0);
        self.window = bytes.map(|bytes| {
            self.window
                .unwrap_or_else(|| Window::new(self.now(), bytes))
        });
    }

    /// Checks the message in progress before another read.
    pub(super) fn check_read(&mut self) -> Result<(), Overdue> {
        match (self.check_message(), &mut self.window) {
            (Err(Overdue::TooSlow), Some(window)) if window.reads_left > 0 => {
                window.reads_left -= 1;
                Ok(())
            }
            (checked, _) => checked,
        }
    }

    /// Checks the message in progress, and begins a new window once it has passed one.
    fn check_message(&mut self) -> Result<(), Overdue> {
        let now = self.now();
        if let Some(window) = &mut self.window
            && now >= window.started.saturating_add(self.message_timeout)
        {
            let required = self.message_timeout.as_millis() * MIN_BYTES_PER_SECOND / 1000;
            if (self.message_bytes.saturating_sub(window.bytes) as u128) < required {
                return Err(Overdue::TooSlow);
            }
            *window = Window::new(now, self.message_bytes);
        }
        Ok(())
    }

    /// Checks everything when there is nothing to read, pings if a ping is due, and returns when to
    /// check again.
    pub(super) fn check(&mut self, ping: impl FnOnce()) -> Result<Duration, Overdue> {
        self.check_message()?;
        let now = self.now();
        let silent_at = self.heard.saturating_add(self.idle_timeout.get());
        if now >= silent_at {
            return Err(Overdue::Silent);
        }
        if now >= self.ping_at() {
            self.pinged = now;
            ping();
        }
        let mut next = silent_at.min(self.ping_at());
        if let Some(window) = self.window {
            next = next.min(window.started.saturating_add(self.message_timeout));
        }
        Ok(next.saturating_sub(now))
    }

    fn ping_at(&self) -> Duration {
        self.heard.max(self.pinged).saturating_add(self.ping)
    }

    /// Whether the clock runs.
    pub(super) fn is_reading(&self) -> bool {
        self.reading_since.is_some()
    }

    /// Since when the server has been ready to read; now if it is not.
    pub(super) fn reading_since(&self) -> Instant {
        self.reading_since.unwrap_or_else(Instant::now)
    }

    fn now(&self) -> Duration {
        self.spent
            + self
                .reading_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn timeouts() -> ReadTimeouts {
        timeouts_of(&IdleTimeout::new(60 * SECOND, 600 * SECOND))
    }

    fn timeouts_of(idle_timeout: &IdleTimeout) -> ReadTimeouts {
        let mut timeouts = ReadTimeouts::new(20 * SECOND, idle_timeout.clone(), 30 * SECOND);
        timeouts.start();
        timeouts
    }

    fn check(timeouts: &mut ReadTimeouts) -> (Result<Duration, Overdue>, bool) {
        let mut pinged = false;
        let checked = timeouts.check(|| pinged = true);
        (checked, pinged)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_pinged_twice_and_then_overdue() {
        let mut timeouts = timeouts();
        assert_eq!(check(&mut timeouts), (Ok(20 * SECOND), false));
        for _ in 0..2 {
            advance(20 * SECOND).await;
            assert_eq!(check(&mut timeouts), (Ok(20 * SECOND), true));
        }
        advance(20 * SECOND).await;
        assert_eq!(check(&mut timeouts), (Err(Overdue::Silent), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_only_receives_may_be_silent_for_longer() {
        let idle_timeout = IdleTimeout::new(60 * SECOND, 600 * SECOND);
        let mut timeouts = timeouts_of(&idle_timeout);
        idle_timeout.set_receiver(true);
        for _ in 0..29 {
            advance(20 * SECOND).await;
            assert_eq!(check(&mut timeouts), (Ok(20 * SECOND), true));
        }
        idle_timeout.set_receiver(false);
        assert_eq!(check(&mut timeouts), (Err(Overdue::Silent), false));
        idle_timeout.set_receiver(true);
        advance(20 * SECOND).await;
        assert_eq!(check(&mut timeouts), (Err(Overdue::Silent), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_heard_is_not_pinged() {
        let mut timeouts = timeouts();
        for _ in 0..10 {
            advance(19 * SECOND).await;
            timeouts.heard();
            assert_eq!(check(&mut timeouts), (Ok(20 * SECOND), false));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_server_does_not_wait_does_not_count() {
        let mut timeouts = timeouts();
        timeouts.message(Some(1));
        advance(10 * SECOND).await;
        timeouts.stop();
        advance(1000 * SECOND).await;
        timeouts.start();
        assert_eq!(check(&mut timeouts), (Ok(10 * SECOND), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_makes_a_kilobyte_per_second_may_last() {
        let mut timeouts = timeouts();
        for second in 0..300 {
            timeouts.message(Some(second * 1024));
            timeouts.heard();
            assert!(check(&mut timeouts).0.is_ok(), "after {second} s");
            advance(SECOND).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_too_slowly_is_overdue_at_the_message_timeout() {
        let mut timeouts = timeouts();
        for second in 0..30 {
            timeouts.message(Some(second * 1000));
            timeouts.heard();
            assert!(check(&mut timeouts).0.is_ok(), "after {second} s");
            advance(SECOND).await;
        }
        assert_eq!(check(&mut timeouts).0, Err(Overdue::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_in_time_counts_also_when_the_server_reads_it_late() {
        let mut timeouts = timeouts();
        timeouts.message(Some(0));
        advance(100 * SECOND).await;
        for read in 0..4 {
            assert_eq!(timeouts.check_read(), Ok(()), "read {read}");
            timeouts.heard();
            timeouts.message(Some(read * 10 * 1024));
        }
        assert_eq!(check(&mut timeouts).0, Ok(20 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn reading_other_things_without_end_does_not_help_a_message() {
        let mut timeouts = timeouts();
        timeouts.message(Some(0));
        advance(30 * SECOND).await;
        let reads = (0..1000)
            .take_while(|_| timeouts.check_read().is_ok())
            .count();
        assert_eq!(reads, usize::from(LAST_READS));
    }

    #[tokio::test(start_paused = true)]
    async fn every_message_gets_its_own_time() {
        let mut timeouts = timeouts();
        for _ in 0..10 {
            timeouts.message(Some(5));
            timeouts.heard();
            advance(29 * SECOND).await;
            assert!(check(&mut timeouts).0.is_ok());
            timeouts.message(None);
        }
    }
}
