//! When a client sent what is read from it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Times that add up to less than this, in which the server does not read, do not matter. If the
/// client sends nothing for this long while the server reads, all that it sent before has come.
const PAUSE: Duration = Duration::from_secs(1);

/// Shorter times, in which the server does not read, are not noted. Between two of them at least
/// 64 KiB are read, so they add up to a second only over [`ON_THE_WAY_BYTES`].
const SHORT: Duration = Duration::from_millis(4);

/// How much may be on its way when the server reads again: in the buffers of both machines, and of
/// a proxy between them.
const ON_THE_WAY_BYTES: u64 = 16 << 20;

/// How soon that has come, in time in which the server reads.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// Stops within this much reading count as one, so that few are kept.
const TOGETHER_BYTES: u64 = ON_THE_WAY_BYTES / 4;
const TOGETHER: Duration = PAUSE;

/// Tells when messages were sent. What comes after the server has not read for a while may have
/// been sent at any time since; it counts as sent when the server stopped to read.
#[derive(Debug)]
pub(super) struct Sent {
    /// When something was last read, and the reading clock then.
    read_at: Instant,
    clock: Duration,
    /// How long the process had stood still by then.
    stalled: Duration,
    /// How many bytes have been read.
    bytes: u64,
    /// In which times the server did not read, if some of what came meanwhile may be on its way.
    stops: VecDeque<Stop>,
    /// From when the message in progress may be, if that is not certain.
    since: Option<Instant>,
}

#[derive(Debug)]
struct Stop {
    /// When the server stopped to read.
    since: Instant,
    /// For how long, in all.
    lasted: Duration,
    /// The reading clock at the first read after it, and how much had been read before.
    clock: Duration,
    bytes: u64,
}

impl Sent {
    /// Nothing has been read. `stalled` is how long the process has stood still so far.
    pub(super) fn new(stalled: Duration) -> Self {
        Self {
            read_at: Instant::now(),
            clock: Duration::ZERO,
            stalled,
            bytes: 0,
            stops: VecDeque::new(),
            since: None,
        }
    }

    /// So many bytes have been read. `clock` is the time in which the server has waited for them or
    /// for others, and `stalled` the time in which the process has stood still, both in all.
    /// `in_message` tells whether they go on with a message.
    pub(super) fn read(
        &mut self,
        bytes: usize,
        clock: Duration,
        stalled: Duration,
        in_message: bool,
    ) {
        let now = Instant::now();
        let waited = clock.saturating_sub(self.clock);
        let waited = waited.saturating_sub(stalled.saturating_sub(self.stalled));
        let stopped = (now - self.read_at).saturating_sub(waited);
        let has_paused = waited >= PAUSE;
        if has_paused {
            self.stops = VecDeque::new();
        }
        self.forget_old(clock);
        if stopped >= SHORT {
            // After a pause, nothing had come before the server stopped.
            let begun = now.checked_sub(stopped).filter(|_| has_paused);
            self.stop(begun.unwrap_or(self.read_at), stopped, clock);
        }
        let stopped: Duration = self.stops.iter().map(|stop| stop.lasted).sum();
        let oldest = self.stops.front().filter(|_| stopped >= PAUSE);
        let since = oldest.map(|stop| stop.since);
        self.since = self.since.filter(|_| in_message).or(since);
        self.bytes += bytes as u64;
        (self.read_at, self.clock, self.stalled) = (now, clock, stalled);
    }

    /// When the last message was sent, as far as can be told: too early rather than too late. The
    /// last of it has been read and nothing else since.
    pub(super) fn at(&self) -> Instant {
        self.since.unwrap_or(self.read_at)
    }

    fn stop(&mut self, since: Instant, lasted: Duration, clock: Duration) {
        match self.stops.back_mut() {
            Some(last)
                if clock.saturating_sub(last.clock) < TOGETHER
                    && self.bytes - last.bytes < TOGETHER_BYTES =>
            {
                last.lasted += lasted;
            }
            _ => self.stops.push_back(Stop {
                since,
                lasted,
                clock,
                bytes: self.bytes,
            }),
        }
    }

    /// Forgets the stops of which all has come.
    fn forget_old(&mut self, clock: Duration) {
        while self.stops.front().is_some_and(|stop| {
            clock.saturating_sub(stop.clock) >= TOGETHER + ON_THE_WAY
                || self.bytes - stop.bytes >= TOGETHER_BYTES + ON_THE_WAY_BYTES
        }) {
            self.stops.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// A reader with its clocks.
    struct Read {
        sent: Sent,
        clock: Duration,
        stalled: Duration,
    }

    impl Read {
        fn new() -> Self {
            Self {
                sent: Sent::new(Duration::ZERO),
                clock: Duration::ZERO,
                stalled: Duration::ZERO,
            }
        }

        /// Waits for the client.
        async fn wait(&mut self, time: Duration) {
            tokio::time::advance(time).await;
            self.clock += time;
        }

        /// Reads a message that has come. Returns how long ago it counts as sent.
        fn read(&mut self, bytes: usize) -> Duration {
            self.read_part(bytes, false)
        }

        fn read_part(&mut self, bytes: usize, in_message: bool) -> Duration {
            let Self {
                sent,
                clock,
                stalled,
            } = self;
            sent.read(bytes, *clock, *stalled, in_message);
            Instant::now() - sent.at()
        }
    }

    /// The server does not read for this long.
    async fn stop(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_while_nothing_was_read_counts_as_sent_when_the_server_stopped_to_read() {
        let mut read = Read::new();
        stop(PAUSE).await;
        assert_eq!(read.read(1), PAUSE);
        stop(PAUSE).await;
        assert_eq!(read.read(1), PAUSE * 2, "it may still be from then");
        read.wait(PAUSE).await;
        assert_eq!(read.read(1), Duration::ZERO, "nothing was on its way");
        stop(PAUSE).await;
        assert_eq!(read.read(1), PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_the_server_stopped_is_not_newer_because_it_is_handled_later() {
        let mut read = Read::new();
        read.wait(PAUSE).await;
        read.read(2);
        stop(PAUSE * 9).await;
        assert_eq!(Instant::now() - read.sent.at(), PAUSE * 9);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_all_that_can_have_been_on_its_way_was_sent_later() {
        let mut read = Read::new();
        stop(PAUSE).await;
        for _ in 0..20 {
            assert_eq!(read.read(MIB), PAUSE);
        }
        assert_eq!(read.read(1), Duration::ZERO);
        stop(PAUSE).await;
        assert_eq!(read.read(1), PAUSE, "another stop");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_that_never_pauses_sends_later_is_later() {
        let mut read = Read::new();
        stop(PAUSE).await;
        read.read(1);
        let step = PAUSE / 2;
        for count in 1..12 {
            read.wait(step).await;
            assert_eq!(read.read(1), PAUSE + step * count);
        }
        read.wait(step).await;
        assert_eq!(read.read(1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn short_stops_add_up() {
        let mut read = Read::new();
        let short = PAUSE / 10;
        for _ in 0..9 {
            stop(short).await;
            assert_eq!(read.read(1), Duration::ZERO);
        }
        for count in 10..1_000 {
            stop(short).await;
            assert_eq!(read.read(1), short * count, "nothing says that it is newer");
        }
        read.wait(PAUSE).await;
        stop(short).await;
        assert_eq!(read.read(1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn stops_that_follow_each_other_make_nothing_older_than_what_may_be_on_its_way() {
        let mut read = Read::new();
        for _ in 0..1_000 {
            stop(PAUSE).await;
            assert!(read.read(MIB) <= PAUSE * 21);
            assert!(read.sent.stops.len() <= 6);
        }
        let mut read = Read::new();
        for _ in 0..1_000 {
            stop(PAUSE).await;
            read.read(1);
            read.wait(PAUSE / 2).await;
            assert!(read.read(1) <= PAUSE * 21);
            assert!(read.sent.stops.len() <= 7);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_as_old_as_its_beginning_if_that_lay_unread() {
        let mut read = Read::new();
        stop(PAUSE).await;
        assert_eq!(read.read_part(1, false), PAUSE);
        read.wait(PAUSE).await;
        assert_eq!(read.read_part(1, true), PAUSE * 2, "the client had paused");
        assert_eq!(read.read_part(1, false), Duration::ZERO, "the next one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_slowly_counts_as_sent_when_it_is_complete() {
        let mut read = Read::new();
        for is_begun in [false, true, true] {
            read.wait(PAUSE * 10).await;
            assert_eq!(read.read_part(1, is_begun), Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stands_still_does_not_read_though_it_waits() {
        let mut read = Read::new();
        read.wait(PAUSE * 60).await;
        read.wait(PAUSE * 30).await;
        read.stalled += PAUSE * 30;
        assert_eq!(read.read(1), PAUSE * 30);
        read.wait(PAUSE).await;
        assert_eq!(read.read(1), Duration::ZERO);
    }
}
