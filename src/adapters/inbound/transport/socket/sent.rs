//! When a client sent what is read from it.

use std::time::Duration;

use tokio::time::Instant;

use super::stalls::Stall;

/// Times in which the server does not read matter once they add up to this.
const LATE: Duration = Duration::from_millis(250);

/// If the client sends nothing for this long while the server reads, all that it sent before has
/// come.
const PAUSE: Duration = Duration::from_secs(1);

/// After this, a ping that was not answered counts as answered if none ever was: the client answers
/// none, or what stands between it and the server passes none on.
const UNANSWERED: Duration = Duration::from_secs(60);

/// How the server waits for bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Since when it has been ready to read.
    pub since: Instant,
    /// When the process has stood still meanwhile.
    pub stall: Option<Stall>,
}

/// Tells when messages were sent, never later ones before earlier ones.
///
/// What comes after the server has not read for a while may have been sent at any time since. So it
/// counts as sent when the server stopped to read, until the client pauses or answers a ping: what
/// follows the pong was sent after the ping.
#[derive(Debug)]
pub(super) struct Sent {
    /// When something was last read, or when nothing was left to read.
    read_at: Instant,
    /// How long the server has not read, as far as that has not mattered yet.
    late: Duration,
    /// When the server stopped to read, if what is read now may be that old.
    behind: Option<Instant>,
    /// The same for what follows the pong that is awaited.
    behind_next: Option<Instant>,
    /// How many pings have been sent.
    pings: u32,
    /// When the last one was sent, unless it has been answered.
    awaited: Option<Instant>,
    /// Whether the client has ever answered one.
    has_answered: bool,
    /// As `behind`, for the beginning of the message in progress.
    message_behind: Option<Instant>,
    /// When the last message was sent.
    message_at: Instant,
}

impl Sent {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            read_at: now,
            late: Duration::ZERO,
            behind: None,
            behind_next: None,
            pings: 0,
            awaited: None,
            has_answered: false,
            message_behind: None,
            message_at: now,
        }
    }

    /// The server has waited for bytes, and none came until now. Returns from when on it has only
    /// waited.
    pub(super) fn waited(&mut self, waiting: Waiting) -> Instant {
        let mut ready = waiting.since.max(self.read_at);
        if let Some(stall) = waiting.stall {
            if stall.begun >= ready + PAUSE {
                self.all_is_read(stall.begun);
            }
            ready = ready.max(stall.ended);
        }
        let now = Instant::now();
        if now < ready + PAUSE {
            return ready;
        }
        self.all_is_read(now);
        now
    }

    /// The server no longer waits for bytes: it has read some, or gives up. `in_message` tells
    /// whether a message had begun before.
    pub(super) fn read(&mut self, waiting: Waiting, in_message: bool) {
        let ready = self.waited(waiting);
        self.late += ready.saturating_duration_since(self.read_at);
        if self.late >= LATE {
            self.late = Duration::ZERO;
            let behind = match self.behind {
                Some(_) => &mut self.behind_next,
                None => &mut self.behind,
            };
            behind.get_or_insert(self.read_at);
        }
        self.read_at = Instant::now();
        self.go_on(in_message);
    }

    /// The payload of a ping that is to be sent now, if one is needed.
    pub(super) fn ping(&mut self) -> Option<[u8; 4]> {
        let is_over = |sent: Instant| !self.has_answered && sent.elapsed() >= UNANSWERED;
        if self.awaited.is_some_and(is_over) {
            self.answered();
        }
        if self.behind.is_none() || self.awaited.is_some() {
            return None;
        }
        self.awaited = Some(Instant::now());
        // What follows the pong was sent after the ping.
        self.behind_next = None;
        self.pings = self.pings.wrapping_add(1);
        Some(self.pings.to_be_bytes())
    }

    /// A pong with this payload has come, perhaps inside a message.
    pub(super) fn pong(&mut self, payload: &[u8], in_message: bool) {
        if self.awaited.is_some() && payload == self.pings.to_be_bytes() {
            self.has_answered = true;
            self.answered();
            self.go_on(in_message);
        }
    }

    fn answered(&mut self) {
        self.awaited = None;
        self.behind = self.behind_next.take();
    }

    /// A message is complete; the next one may have begun.
    pub(super) fn complete(&mut self) {
        self.message_at = self.message_behind.unwrap_or(self.read_at);
        self.message_behind = self.behind;
    }

    /// When the last complete message was sent, as far as can be told: too early rather than too
    /// late.
    pub(super) fn at(&self) -> Instant {
        self.message_at
    }

    /// What is read next goes on with a message, or begins one.
    fn go_on(&mut self, in_message: bool) {
        self.message_behind = self.message_behind.filter(|_| in_message).or(self.behind);
    }

    /// Everything that came until then has been read.
    fn all_is_read(&mut self, until: Instant) {
        self.read_at = until;
        self.late = Duration::ZERO;
        (self.behind, self.behind_next) = (None, None);
        self.awaited = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader, and since when it waits.
    struct Read {
        sent: Sent,
        ready: Instant,
        stall: Option<Stall>,
        last: Instant,
    }

    impl Read {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                sent: Sent::new(),
                ready: now,
                stall: None,
                last: now,
            }
        }

        /// The server does not read for this long, and then does.
        async fn stop(&mut self, time: Duration) {
            tokio::time::advance(time).await;
            self.ready = Instant::now();
        }

        /// The process stands still for this long, though the server waits.
        async fn stall(&mut self, time: Duration) {
            let begun = Instant::now();
            tokio::time::advance(time).await;
            let ended = Instant::now();
            self.stall = Some(Stall { begun, ended });
        }

        /// Reads a message. Returns how long ago it counts as sent, which is never before the one
        /// before it.
        fn message(&mut self) -> Duration {
            self.bytes(false);
            self.complete()
        }

        /// The server stops, and then pings its client.
        async fn ping_after_stop(&mut self) -> [u8; 4] {
            self.stop(PAUSE).await;
            assert_eq!(self.message(), PAUSE);
            self.sent.ping().expect("is needed")
        }

        fn waiting(&mut self) -> Waiting {
            let (since, stall) = (self.ready, self.stall.take());
            Waiting { since, stall }
        }

        fn bytes(&mut self, in_message: bool) {
            let waiting = self.waiting();
            self.sent.read(waiting, in_message);
        }

        fn complete(&mut self) -> Duration {
            self.sent.complete();
            assert!(self.sent.at() >= self.last, "the order of the messages");
            self.last = self.sent.at();
            Instant::now() - self.last
        }
    }

    async fn wait(time: Duration) {
        tokio::time::advance(time).await;
    }

    const NONE: Duration = Duration::ZERO;

    #[tokio::test(start_paused = true)]
    async fn what_came_while_nothing_was_read_counts_as_sent_when_the_server_stopped_to_read() {
        let mut read = Read::new();
        assert_eq!((read.message(), read.sent.ping()), (NONE, None));
        read.stop(LATE).await;
        assert_eq!(read.message(), LATE);
        wait(PAUSE / 2).await;
        assert_eq!(
            read.message(),
            LATE + PAUSE / 2,
            "it may still be from then"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_after_a_pause_is_new_also_if_the_server_had_stopped_before() {
        let mut read = Read::new();
        read.stop(PAUSE * 9).await;
        wait(PAUSE).await;
        assert_eq!(read.message(), NONE);
        read.stop(PAUSE * 9).await;
        assert_eq!(read.message(), PAUSE * 9);
        wait(PAUSE).await;
        assert_eq!(read.message(), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_after_a_pause_is_one() {
        let mut read = Read::new();
        wait(PAUSE * 60).await;
        let waiting = read.waiting();
        read.sent.waited(waiting);
        read.stop(PAUSE).await;
        assert_eq!(read.message(), PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_the_pong_was_sent_after_the_ping() {
        let mut read = Read::new();
        let ping = read.ping_after_stop().await;
        assert_eq!(read.sent.ping(), None, "is on its way");
        read.sent.pong(b"", false);
        read.sent.pong(&[9; 4], false);
        assert_eq!(read.message(), PAUSE, "another pong");
        read.sent.pong(&ping, false);
        assert_eq!((read.message(), read.sent.ping()), (NONE, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_that_is_never_answered_counts_as_answered_after_a_minute() {
        let mut read = Read::new();
        read.ping_after_stop().await;
        for _ in 0..119 {
            wait(PAUSE / 2).await;
            assert!(read.message() > PAUSE);
            assert_eq!(read.sent.ping(), None);
        }
        wait(PAUSE / 2).await;
        assert!(read.message() > PAUSE * 60);
        assert_eq!((read.sent.ping(), read.message()), (None, NONE));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_answered_a_ping_may_take_longer_for_the_next() {
        let mut read = Read::new();
        let ping = read.ping_after_stop().await;
        read.sent.pong(&ping, false);
        read.ping_after_stop().await;
        for _ in 0..240 {
            wait(PAUSE / 2).await;
            assert!(read.message() > PAUSE);
            assert_eq!(read.sent.ping(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_before_the_ping_does_not_matter_after_the_pong() {
        let mut read = Read::new();
        for _ in 0..3 {
            read.stop(PAUSE).await;
            read.message();
        }
        let ping = read.sent.ping().expect("is needed");
        read.sent.pong(&ping, false);
        assert_eq!(read.message(), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_after_the_ping_matters_after_the_pong_and_needs_a_ping_of_its_own() {
        let mut read = Read::new();
        let mut ping = None;
        for _ in 0..3 {
            read.stop(PAUSE).await;
            read.message();
            ping = ping.or(read.sent.ping());
        }
        assert_eq!(read.message(), PAUSE * 3);
        read.sent.pong(&ping.expect("is needed"), false);
        assert_eq!(read.message(), PAUSE * 2);
        let next = read.sent.ping().expect("is needed");
        read.sent.pong(&ping.expect("is needed"), false);
        assert_eq!(read.message(), PAUSE * 2, "the old pong");
        read.sent.pong(&next, false);
        assert_eq!(read.message(), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn short_stops_add_up_but_turn_no_order_round() {
        let mut read = Read::new();
        let short = LATE / 5;
        for _ in 0..4 {
            read.stop(short).await;
            assert_eq!(read.message(), NONE);
        }
        for count in 1..100 {
            read.stop(short).await;
            assert_eq!(
                read.message(),
                short * count,
                "when the one before was read"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_as_old_as_its_beginning_and_the_next_is_not() {
        let mut read = Read::new();
        read.stop(PAUSE).await;
        read.bytes(false);
        let ping = read.sent.ping().expect("is needed");
        read.sent.pong(&ping, true);
        wait(PAUSE).await;
        read.bytes(true);
        assert_eq!(read.complete(), PAUSE * 2);
        // Its beginning came with the end of the one before.
        wait(PAUSE / 2).await;
        read.bytes(true);
        assert_eq!(read.complete(), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_slowly_counts_as_sent_when_it_is_complete() {
        let mut read = Read::new();
        for in_message in [false, true, true] {
            wait(PAUSE * 10).await;
            read.bytes(in_message);
        }
        assert_eq!(read.complete(), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_counts_as_sent_when_it_was_read_even_if_it_is_decoded_later() {
        let mut read = Read::new();
        read.bytes(false);
        wait(PAUSE * 9).await;
        assert_eq!(read.complete(), PAUSE * 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stands_still_does_not_read_though_it_waits() {
        let mut read = Read::new();
        wait(PAUSE * 60).await;
        read.stall(PAUSE * 30).await;
        assert_eq!(read.message(), PAUSE * 30);
        wait(PAUSE * 60).await;
        read.stall(PAUSE * 30).await;
        wait(PAUSE).await;
        assert_eq!(read.message(), NONE, "it has waited since");
    }
}
