//! Why nothing more is read from a client, and the close that follows.

use std::io;

use super::close::Close;
use super::read_timeouts::Overdue;
use crate::adapters::inbound::transport::frame::close_code::CloseCode;
use crate::adapters::inbound::transport::frame::protocol_error::ProtocolError;

/// Why nothing more comes from a client.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The client closed.
    #[error("the client closed")]
    Closed {
        /// Whether it sent a close frame and did not just hang up.
        proper: bool,
    },
    /// The client broke the protocol or the limit of a message.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The client has run out of time.
    #[error(transparent)]
    Overdue(#[from] Overdue),
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

impl From<ReadError> for Close {
    /// How to close. A client that sent a close frame gets its own code back in any case.
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed { proper: true } => Self::new(CloseCode::NORMAL, ""),
            ReadError::Closed { proper: false } | ReadError::Io(_) => Self::Drop,
            ReadError::Protocol(error) => error.into(),
            ReadError::Overdue(Overdue::Silent) => {
                Self::new(CloseCode::GOING_AWAY, error.to_string())
            }
            ReadError::Overdue(Overdue::TooSlow) => Self::new(CloseCode::POLICY, error.to_string()),
        }
    }
}
