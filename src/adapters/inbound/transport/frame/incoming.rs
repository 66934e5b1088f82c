//! What the decoder returns.

use bytes::Bytes;
use tungstenite::protocol::frame::coding::Control;

use super::close_code::CloseCode;
use super::protocol_error::ProtocolError;

/// What a client sent.
///
/// The payloads share the read buffer's allocation; copy a small one that is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message; it is valid UTF-8.
    Text(Bytes),
    /// A whole binary message.
    Binary(Bytes),
    /// A part of a message that is not its last, and how many bytes of payload it had. Its payload
    /// is kept for the message.
    Fragment(usize),
    /// A ping, to be answered with a pong of the same payload.
    Ping(Bytes),
    /// A pong with the payload of the ping that it answers.
    Pong(Bytes),
    /// The close frame with its code and reason, if it has them. What follows is ignored.
    Close(Option<(CloseCode, String)>),
}

/// A complete data message; a text must be UTF-8.
pub(super) fn message(
    text: bool,
    is_utf8: bool,
    payload: Bytes,
) -> Result<Incoming, ProtocolError> {
    match text {
        true if is_utf8 => Ok(Incoming::Text(payload)),
        true => Err(ProtocolError::TextNotUtf8),
        false => Ok(Incoming::Binary(payload)),
    }
}

/// A complete control frame.
pub(super) fn control_frame(control: Control, payload: Bytes) -> Result<Incoming, ProtocolError> {
    match control {
        Control::Ping => Ok(Incoming::Ping(payload)),
        Control::Pong => Ok(Incoming::Pong(payload)),
        Control::Close => match payload.split_first_chunk::<2>() {
            None => Ok(Incoming::Close(None)),
            Some((code, reason)) => {
                let code = u16::from_be_bytes(*code);
                let code = CloseCode::from_peer(code).ok_or(ProtocolError::CloseCode(code))?;
                let reason =
                    std::str::from_utf8(reason).map_err(|_| ProtocolError::ReasonNotUtf8)?;
                Ok(Incoming::Close(Some((code, reason.to_owned()))))
            }
        },
        Control::Reserved(_) => Err(ProtocolError::ReservedOpcode),
    }
}
