//! The ways a client can break RFC 6455, and the close code for each.

use super::close_code::CloseCode;

/// How a client broke the protocol. The text is the reason in the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A client frame without a mask (section 5.1).
    #[error("a client frame must be masked")]
    Unmasked,
    /// A reserved bit is set and no extension was negotiated (section 5.2).
    #[error("a reserved bit is set but no extension was negotiated")]
    ReservedBit,
    /// An opcode that RFC 6455 reserves (section 5.2).
    #[error("reserved opcode")]
    ReservedOpcode,
    /// A length in more bytes than it needs, or with its highest bit set (section 5.2).
    #[error("the payload length is not in its shortest form")]
    LengthForm,
    /// A control frame over 125 bytes (section 5.5).
    #[error("a control frame carries at most 125 bytes")]
    LongControl,
    /// A control frame in fragments (section 5.5).
    #[error("a control frame must not be fragmented")]
    FragmentedControl,
    /// A continuation frame without a message to continue (section 5.4).
    #[error("a continuation without a message to continue")]
    StrayContinuation,
    /// A new data message inside an unfinished one (section 5.4).
    #[error("a new message inside an unfinished one")]
    InterruptedMessage,
    /// A close frame with a payload of one byte (section 5.5.1).
    #[error("a close frame's payload is empty or starts with a code of two bytes")]
    ShortClose,
    /// A close code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// A close reason that is not UTF-8 (section 5.5.1).
    #[error("the close reason is not UTF-8")]
    ReasonNotUtf8,
    /// A text message that is not UTF-8 (section 8.1).
    #[error("a text message is not UTF-8")]
    TextNotUtf8,
    /// A message over the limit.
    #[error("a message takes at most {max} bytes")]
    TooBig {
        /// The limit that applied.
        max: usize,
    },
}

impl ProtocolError {
    /// The code to close with.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Unmasked
            | Self::ReservedBit
            | Self::ReservedOpcode
            | Self::LengthForm
            | Self::LongControl
            | Self::FragmentedControl
            | Self::StrayContinuation
            | Self::InterruptedMessage
            | Self::ShortClose
            | Self::CloseCode(_) => CloseCode::PROTOCOL,
            Self::ReasonNotUtf8 | Self::TextNotUtf8 => CloseCode::NOT_UTF8,
            Self::TooBig { .. } => CloseCode::TOO_BIG,
        }
    }
}
