//! What a handler returns: how its connection ends.

use std::borrow::Cow;

use crate::adapters::inbound::transport::frame::close_code::CloseCode;
use crate::adapters::inbound::transport::frame::protocol_error::ProtocolError;

/// How the server ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// With a close frame. If the client has closed already, its own code is echoed instead.
    Frame {
        /// The code.
        code: CloseCode,
        /// The reason, for people; at most 123 bytes of it are sent.
        reason: Cow<'static, str>,
    },
    /// Without a close frame, because nobody would receive it.
    Drop,
}

impl Close {
    /// A close frame with this code and reason.
    pub fn new(code: CloseCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Frame {
            code,
            reason: reason.into(),
        }
    }
}

impl From<ProtocolError> for Close {
    fn from(error: ProtocolError) -> Self {
        Self::new(error.close_code(), error.to_string())
    }
}
