//! Requests that have been read and wait to be carried out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::memory::Reservation;
use crate::application::{Command, locks};

/// How much may wait: then the connection is read no further, so that whoever sends faster than
/// his requests are carried out is held back by his own socket.
const MAX_BYTES: usize = 64 * 1_024;

/// What a request costs of the turn of 128 units that a task has before others get theirs: else
/// thousands that have waited would be carried out in one go.
const REQUEST_COST: usize = 4;

/// A request that has been read.
pub(crate) struct Request {
    pub command: Command,
    pub context: Context,
    /// The length of its message in bytes.
    pub bytes: usize,
    /// Its message, reserved until it has been carried out.
    pub(crate) _held: Option<Reservation>,
}

impl Request {
    /// What it takes up, about: a short message is longer once it is read.
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

/// Requests that wait, in the order in which they came. One reader puts, one processor takes.
#[derive(Default)]
pub(crate) struct RequestQueue {
    state: Mutex<State>,
    /// Told when something has come or nothing more will.
    filled: Notify,
    /// Told when something has been taken or carried out.
    emptied: Notify,
    /// Cancelled when long answers are to end.
    hurry: CancellationToken,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Request>,
    bytes: usize,
    /// Whether the processor carries one out.
    busy: bool,
    end: Option<End>,
}

/// How the requests of a connection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has closed properly: it has sent all that it wanted to.
    Proper,
    /// The connection was cut, by whomever.
    Cut,
}

impl RequestQueue {
    /// Puts a request behind the others, once there is room.
    pub(crate) async fn put(&self, request: Request) {
        self.wait_emptied(|state| state.bytes < MAX_BYTES).await;
        let mut state = self.lock();
        state.bytes += request.size();
        state.requests.push_back(request);
        self.filled.notify_one();
    }

    /// Waits until all that was put has been carried out.
    pub(crate) async fn carried_out(&self) {
        self.wait_emptied(|state| state.requests.is_empty() && !state.busy)
            .await;
    }

    /// The next request, or the end once all has been taken and nothing more will come. By asking
    /// for it the processor says that it has carried out the one before.
    ///
    /// # Errors
    /// How the requests have ended.
    pub(crate) async fn next(&self) -> Result<Request, End> {
        for _ in 0..REQUEST_COST {
            tokio::task::consume_budget().await;
        }
        loop {
            {
                let mut state = self.lock();
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
    pub(crate) fn end(&self) -> Option<End> {
        self.lock().end
    }

    /// Nothing more will come.
    pub(crate) fn close(&self, end: End) {
        self.lock().end = Some(end);
        self.filled.notify_one();
    }

    /// Long answers are to end: nobody waits for them.
    pub(crate) fn hurry(&self) {
        self.hurry.cancel();
    }

    /// Waits until long answers are to end.
    pub(crate) async fn hurried(&self) {
        self.hurry.cancelled().await;
    }

    async fn wait_emptied(&self, ready: impl Fn(&State) -> bool) {
        loop {
            if ready(&self.lock()) {
                return;
            }
            self.emptied.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        locks::lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn request(bytes: usize) -> Request {
        Request {
            command: Command::LeaveRoom,
            context: Context::default(),
            bytes,
            _held: None,
        }
    }

    #[test]
    fn requests_come_out_in_order_and_the_end_after_them() {
        let requests = RequestQueue::default();
        for bytes in [1, 2] {
            requests
                .put(request(bytes))
                .now_or_never()
                .expect("there is room");
        }
        requests.close(End::Proper);
        let next = || {
            requests
                .next()
                .now_or_never()
                .expect("at once")
                .map(|request| request.bytes)
        };
        assert_eq!((next(), next(), next()), (Ok(1), Ok(2), Err(End::Proper)));
    }

    #[test]
    fn a_full_inbox_holds_its_reader_back_until_something_is_taken() {
        let requests = RequestQueue::default();
        requests
            .put(request(MAX_BYTES))
            .now_or_never()
            .expect("any one request fits");
        assert!(requests.put(request(1)).now_or_never().is_none());
        requests
            .next()
            .now_or_never()
            .expect("at once")
            .expect("a request");
        requests
            .put(request(1))
            .now_or_never()
            .expect("there is room");
    }

    #[test]
    fn what_was_taken_is_carried_out_when_the_next_is_asked_for() {
        let requests = RequestQueue::default();
        assert!(requests.carried_out().now_or_never().is_some());
        requests
            .put(request(1))
            .now_or_never()
            .expect("there is room");
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
