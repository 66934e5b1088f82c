//! Why nothing more is read from a client, and what that closes with.

use std::io;

use super::breach::Breach;
use super::close::{Close, CloseCode};
use super::pace::Overdue;

/// Why nothing more comes from this client.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The client closed.
    #[error("the client closed")]
    Closed {
        /// With a close frame, and not just by hanging up.
        proper: bool,
    },
    /// The client broke the protocol or the limit of a message.
    #[error(transparent)]
    Breach(#[from] Breach),
    /// Not a byte came for the idle timeout, pings notwithstanding.
    #[error("nothing was heard for too long")]
    Silent,
    /// A message came at under 1 KiB/s for the message timeout.
    #[error("a message came too slowly")]
    Dribble,
    /// All clients together have sent too much that is not dealt with.
    #[error("the server holds too many unfinished messages; try again later")]
    Crowded,
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl From<Ended> for Close {
    /// What to answer. A client that closed properly gets the echo of its own code whatever is
    /// said here.
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Closed { proper: true } => Self::new(CloseCode::NORMAL, ""),
            Ended::Closed { proper: false } | Ended::Io(_) => Self::Drop,
            Ended::Breach(breach) => breach.into(),
            Ended::Silent => Self::new(CloseCode::GOING_AWAY, ended.to_string()),
            Ended::Dribble => Self::new(CloseCode::POLICY, ended.to_string()),
            Ended::Crowded => Self::new(CloseCode::TRY_AGAIN, ended.to_string()),
        }
    }
}

impl From<Overdue> for Ended {
    fn from(overdue: Overdue) -> Self {
        match overdue {
            Overdue::Silent => Self::Silent,
            Overdue::Dribble => Self::Dribble,
        }
    }
}
