//! Requests that have been read and wait to be carried out.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::application::command::Command;
use crate::application::locks::lock;
use crate::application::memory::Reservation;

/// How many bytes may wait before the server stops reading from the connection. Its socket then
/// holds back a client that sends faster than its requests are carried out.
const MAX_BYTES: usize = 64 * 1_024;

/// What a request costs of the 128 units that a task may use before it yields to others. Without
/// this, thousands of waiting requests would be carried out in one go.
const REQUEST_COST: usize = 4;

/// A request that has been read. `C` is what its answers need to know about it.
pub struct Request<C> {
    /// What is asked for.
    pub command: Command,
    /// What its answers need to know about it.
    pub context: C,
    /// When it was made, as far as the server can tell. If that is not certain, this is too early
    /// rather than too late.
    pub asked: Instant,
    /// Holds the length of its message until it has been carried out.
    pub held: Reservation,
}

impl<C> Request<C> {
    /// Roughly how many bytes it takes: a short message gets longer once it is read.
    fn size(&self) -> usize {
        size_of::<Self>() + self.held.bytes()
    }
}

/// Waiting requests, in the order in which they arrived. One reader puts, one processor takes.
pub struct RequestQueue<C> {
    state: Mutex<State<C>>,
    /// Notified when a request has arrived or no more will.
    filled: Notify,
    /// Notified when something has been taken or carried out.
    emptied: Notify,
    /// Cancelled when long answers must end.
    hurry: CancellationToken,
}

impl<C> Default for RequestQueue<C> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                requests: VecDeque::new(),
                bytes: 0,
                busy: false,
                end: None,
            }),
            filled: Notify::new(),
            emptied: Notify::new(),
            hurry: CancellationToken::new(),
        }
    }
}

struct State<C> {
    requests: VecDeque<Request<C>>,
    bytes: usize,
    /// Whether the processor is carrying one out.
    busy: bool,
    end: Option<End>,
}

/// How the requests of a connection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client has closed properly: it has sent everything that it wanted to.
    Proper,
    /// Either side cut the connection.
    Cut,
}

impl<C> RequestQueue<C> {
    /// Whether another request may be read.
    pub fn has_room(&self) -> bool {
        lock(&self.state).bytes < MAX_BYTES
    }

    /// Waits until another request may be read. Cancel-safe.
    pub async fn room(&self) {
        self.wait_emptied(|state| state.bytes < MAX_BYTES).await;
    }

    /// Puts a request behind the others.
    pub fn put(&self, request: Request<C>) {
        let mut state = lock(&self.state);
        state.bytes += request.size();
        state.requests.push_back(request);
        self.filled.notify_one();
    }

    /// Waits until everything that was put has been carried out.
    pub async fn carried_out(&self) {
        self.wait_emptied(|state| state.requests.is_empty() && !state.busy)
            .await;
    }

    /// The next request. Asking for it means that the previous one has been carried out.
    ///
    /// # Errors
    /// How the requests have ended, once all have been taken and no more will come.
    pub async fn next(&self) -> Result<Request<C>, End> {
        for _ in 0..REQUEST_COST {
            tokio::task::consume_budget().await;
        }
        loop {
            {
                let mut state = lock(&self.state);
                state.busy = false;
                self.emptied.notify_one();
                if let Some(request) = state.requests.pop_front() {
                    state.busy = true;
                    state.bytes -= request.size();
                    if state.requests.is_empty() {
                        state.requests = VecDeque::new();
                    }
                    return Ok(request);
                }
                if let Some(end) = state.end {
                    return Err(end);
                }
            }
            self.filled.notified().await;
        }
    }

    /// How the requests end, once nothing more will come.
    pub fn end(&self) -> Option<End> {
        lock(&self.state).end
    }

    /// Marks the queue as ended: no more requests will come.
    pub fn close(&self, end: End) {
        lock(&self.state).end = Some(end);
        self.filled.notify_one();
    }

    /// Ends long answers: nobody waits for them.
    pub fn hurry(&self) {
        self.hurry.cancel();
    }

    /// Waits until long answers must end.
    pub async fn hurried(&self) {
        self.hurry.cancelled().await;
    }

    /// Does `work`, but gives up where it has to wait once long answers must end.
    pub async fn unless_hurried<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.hurried() => None,
        }
    }

    async fn wait_emptied(&self, ready: impl Fn(&State<C>) -> bool) {
        loop {
            if ready(&lock(&self.state)) {
                return;
            }
            self.emptied.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::application::memory::MemoryBudget;

    fn request(bytes: usize) -> Request<()> {
        Request {
            command: Command::LeaveRoom,
            context: (),
            asked: Instant::now(),
            held: MemoryBudget::new(MAX_BYTES).reserve(bytes),
        }
    }

    #[test]
    fn requests_come_out_in_order_and_the_end_after_them() {
        let requests = RequestQueue::<()>::default();
        for bytes in [1, 2] {
            requests.put(request(bytes));
        }
        requests.close(End::Proper);
        let next = || {
            requests
                .next()
                .now_or_never()
                .expect("at once")
                .map(|request| request.held.bytes())
        };
        assert_eq!((next(), next(), next()), (Ok(1), Ok(2), Err(End::Proper)));
    }

    #[test]
    fn a_full_queue_holds_its_reader_back_until_something_is_taken() {
        let requests = RequestQueue::<()>::default();
        let has_room = || {
            let has_room = requests.has_room();
            assert_eq!(requests.room().now_or_never().is_some(), has_room);
            has_room
        };
        assert!(has_room(), "for any one request");
        requests.put(request(MAX_BYTES));
        assert!(!has_room());
        requests
            .next()
            .now_or_never()
            .expect("at once")
            .expect("a request");
        assert!(has_room());
    }

    #[test]
    fn what_was_taken_is_carried_out_when_the_next_is_asked_for() {
        let requests = RequestQueue::<()>::default();
        assert!(requests.carried_out().now_or_never().is_some());
        requests.put(request(1));
        requests
            .next()
            .now_or_never()
            .expect("at once")
            .expect("a request");
        assert!(requests.carried_out().now_or_never().is_none());
        assert!(requests.next().now_or_never().is_none());
        assert!(requests.carried_out().now_or_never().is_some());
    }
}
