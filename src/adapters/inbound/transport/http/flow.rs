//! How long a plain connection may live: as long as its client takes what it has asked for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::inbound::transport::settings::TransportSettings;
use crate::application::locks::lock;

/// How many bytes a client must take to get one second more.
const BYTES_PER_SECOND: u32 = 1_024;

/// How much time can be saved up, as a multiple of what an answer begins with. The system takes
/// many bytes at once and then none for long, so a slow client needs some saved time. A client that
/// has stopped reading has no more than this left.
const SAVED: u32 = 4;

/// The time that a plain connection has left.
#[derive(Debug)]
pub(super) struct Flow {
    /// How long the head of a request may take to come, the first and every later one.
    head: Duration,
    /// The time that each answer begins with.
    answer: Duration,
    /// Whether taking bytes earns more time.
    earns: bool,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    deadline: Instant,
    doing: Doing,
    /// Since when something waits and the client takes nothing of it.
    stalled_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// The head of a request is awaited, or is coming.
    Waiting,
    Answering,
    /// The answer is complete, but not all of it is written.
    Writing,
}

impl Flow {
    pub fn new(settings: &TransportSettings) -> Arc<Self> {
        let state = State {
            deadline: Instant::now() + settings.handshake_timeout,
            doing: Doing::Waiting,
            stalled_since: None,
        };
        Arc::new(Self {
            head: settings.handshake_timeout,
            answer: settings.message_timeout,
            earns: settings.waits_for_slow_readers,
            state: Mutex::new(state),
        })
    }

    /// When the connection must end.
    pub fn deadline(&self) -> Instant {
        lock(&self.state).deadline
    }

    /// Begins an answer, which is complete when the result is dropped.
    pub fn answer(self: &Arc<Self>) -> Answering {
        *lock(&self.state) = State {
            deadline: Instant::now() + self.answer,
            doing: Doing::Answering,
            stalled_since: None,
        };
        Answering(Arc::clone(self))
    }

    /// Notes that the client has taken this many bytes.
    pub fn taken(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.stalled_since = None;
        if self.earns && state.doing != Doing::Waiting {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let earned = Duration::from_secs(1) * bytes / BYTES_PER_SECOND;
            let most = Instant::now() + self.answer * SAVED;
            state.deadline = (state.deadline + earned).min(most);
        }
    }

    /// For how long the client has taken nothing of what waits; zero if nothing waits.
    pub fn stalled_for(&self) -> Duration {
        let since = lock(&self.state).stalled_since;
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Notes that something waits that the client does not take now.
    pub fn stalls(&self) {
        lock(&self.state)
            .stalled_since
            .get_or_insert_with(Instant::now);
    }

    /// Notes that nothing waits to be written.
    pub fn flushed(&self) {
        let mut state = lock(&self.state);
        if state.doing == Doing::Writing {
            *state = State {
                deadline: Instant::now() + self.head,
                doing: Doing::Waiting,
                stalled_since: None,
            };
        }
    }
}

/// An answer is under way as long as this exists.
#[derive(Debug)]
pub(super) struct Answering(Arc<Flow>);

impl Drop for Answering {
    fn drop(&mut self) {
        lock(&self.0.state).doing = Doing::Writing;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// A flow with 10 s for a head and 30 s for an answer.
    fn flow(waits_for_slow_readers: bool) -> Arc<Flow> {
        Flow::new(&TransportSettings {
            waits_for_slow_readers,
            ..TransportSettings::default()
        })
    }

    fn left(flow: &Flow) -> f32 {
        (flow.deadline() - Instant::now()).as_secs_f32()
    }

    #[expect(
        clippy::float_cmp,
        reason = "the clock stands still: the sums are exact"
    )]
    #[tokio::test(start_paused = true)]
    async fn an_answer_lives_as_long_as_a_kibibyte_a_second_is_taken() {
        let flow = flow(true);
        assert_eq!(left(&flow), 10.0);
        // A head that comes byte by byte earns nothing, and neither does what is written before.
        flow.taken(1 << 20);
        assert_eq!(left(&flow), 10.0);
        let answering = flow.answer();
        assert_eq!(left(&flow), 30.0);
        flow.taken(512);
        assert_eq!(left(&flow), 30.5);
        flow.flushed();
        assert_eq!(left(&flow), 30.5);
        advance(Duration::from_secs(20)).await;
        flow.taken(2_048);
        assert_eq!(left(&flow), 12.5);
        flow.taken(1 << 20);
        assert_eq!(left(&flow), 120.0);
        drop(answering);
        // Complete, but not written: the client must go on taking it.
        advance(Duration::from_secs(100)).await;
        assert_eq!(left(&flow), 20.0);
        flow.taken(1_024);
        assert_eq!(left(&flow), 21.0);
        flow.flushed();
        assert_eq!(left(&flow), 10.0);
        advance(Duration::from_secs(5)).await;
        flow.flushed();
        assert_eq!(left(&flow), 5.0);
    }

    #[tokio::test(start_paused = true)]
    async fn where_slow_readers_are_not_waited_for_taking_earns_nothing() {
        let flow = flow(false);
        let _answering = flow.answer();
        advance(Duration::from_secs(20)).await;
        flow.taken(1 << 20);
        assert!((left(&flow) - 10.0).abs() < f32::EPSILON, "{}", left(&flow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_stalls_while_something_waits_that_it_does_not_take() {
        let flow = flow(true);
        let seconds = |flow: &Flow| flow.stalled_for().as_secs();
        let _answering = flow.answer();
        advance(Duration::from_secs(7)).await;
        assert_eq!(seconds(&flow), 0, "the server is slow, not the client");
        flow.stalls();
        advance(Duration::from_secs(3)).await;
        flow.stalls();
        advance(Duration::from_secs(3)).await;
        assert_eq!(seconds(&flow), 6);
        flow.taken(1);
        advance(Duration::from_secs(3)).await;
        assert_eq!(seconds(&flow), 0);
    }
}
