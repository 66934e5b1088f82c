//! What a client sends, once it is whole.

use bytes::Bytes;

use crate::adapters::inbound::transport::frame::close_code::CloseCode;

/// A whole message from the client.
///
/// The payload shares the read buffer's allocation; copy a small one that is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message; it is valid UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// The client's close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerClose {
    /// Its code, if it had one.
    pub code: Option<CloseCode>,
}
