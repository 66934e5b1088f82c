//! The ways in which a connection ends, and how much time each leaves for the rest of the work.

use std::time::Duration;

use crate::adapters::delivery::SendQueueClosed;
use crate::adapters::inbound::transport::{Close, CloseCode};
use crate::application::session::End;

/// How long a connection that is ending may take to finish what it has been asked.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may then take to send out the answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The same for a connection that is closed to free its memory, which it keeps until then.
const EVICTED_FLUSH_TIMEOUT: Duration = Duration::from_millis(250);

const TOO_SLOW: &str = "the client reads too slowly";
const MISSED: &str = "a change could not be read; connect again";
const SHORT_OF_MEMORY: &str = "the server is short of memory; try again later";
const BANNED: &str = "too many failed authentications";
const AWAY: &str = "the server cannot reach its projects; connect again";
const SHUTDOWN: &str = "the server shuts down";

pub(crate) struct Ending {
    pub(crate) close: Close,
    pub(crate) end: End,
    pub(crate) still_writing: bool,
    pub(crate) still_working: bool,
    /// How long answers of many pieces may go on.
    pub(crate) patience: Duration,
    /// How long the rest of what it has been asked may take after that.
    pub(crate) finish_timeout: Duration,
    /// How long it may then take to send out the answers.
    pub(crate) flush_timeout: Duration,
}

impl Ending {
    pub(crate) fn cut(close: Close) -> Self {
        Self {
            close,
            end: End::Cut,
            still_writing: true,
            still_working: true,
            patience: Duration::ZERO,
            finish_timeout: FINISH_TIMEOUT,
            flush_timeout: FLUSH_TIMEOUT,
        }
    }

    /// The connection has failed.
    pub(crate) fn failed() -> Self {
        Self::cut(Close::Drop).not_heard()
    }

    /// The same ending, but nothing can be written any more.
    pub(crate) fn not_heard(self) -> Self {
        Self {
            still_writing: false,
            ..self
        }
    }

    /// Whether the connection has failed.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.close, Close::Drop) && !self.still_writing
    }

    /// Memory is short, and this connection holds the most. What waits to be sent is dropped at
    /// once.
    pub(crate) fn evicted() -> Self {
        Self {
            still_writing: false,
            flush_timeout: EVICTED_FLUSH_TIMEOUT,
            ..Self::cut(Close::new(CloseCode::TRY_AGAIN, SHORT_OF_MEMORY))
        }
    }

    /// The client has failed to authenticate too often. Nothing else is carried out.
    pub(crate) fn banned() -> Self {
        Self {
            still_working: false,
            ..Self::cut(Close::new(CloseCode::POLICY, BANNED))
        }
    }

    /// The client has closed, so it wants no more files.
    pub(crate) fn closed(close: Close) -> Self {
        Self {
            end: End::Proper,
            ..Self::cut(close)
        }
    }

    /// The engine does not answer. What was asked of it may or may not have been done, so those
    /// requests get no answer.
    pub(crate) fn away() -> Self {
        Self {
            still_working: false,
            ..Self::cut(Close::new(CloseCode::TRY_AGAIN, AWAY))
        }
    }

    /// The server ends within `drain`, and each client must be told before that.
    pub(crate) fn shutdown(drain: Duration) -> Self {
        Self {
            patience: drain / 4,
            finish_timeout: drain / 4,
            flush_timeout: FLUSH_TIMEOUT.min(drain / 5),
            ..Self::cut(Close::new(CloseCode::GOING_AWAY, SHUTDOWN))
        }
    }
}

/// How to close a connection whose send queue has closed.
pub(crate) fn close_of(closed: SendQueueClosed) -> Close {
    let reason = match closed {
        SendQueueClosed::Missed => MISSED,
        SendQueueClosed::Overflow | SendQueueClosed::Gone => TOO_SLOW,
    };
    Close::new(CloseCode::TRY_AGAIN, reason)
}
