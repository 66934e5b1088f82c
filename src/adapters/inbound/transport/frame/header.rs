//! The header of a client frame, and every error that the header alone shows.
//!
//! tungstenite parses the format. The rules are checked here, because each has its own error.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::protocol_error::ProtocolError;
use super::server_frame::MAX_CONTROL_PAYLOAD;

/// A header that breaks no rule.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) mask: [u8; 4],
    /// The length of the payload.
    pub(super) length: usize,
    /// The length of the header itself.
    pub(super) bytes: usize,
}

/// Which part of a message a frame holds.
#[derive(Debug)]
pub(super) enum Kind {
    /// The first part if `text` is there, which says whether the message is a text; otherwise a
    /// later one.
    Data { text: Option<bool>, last: bool },
    /// No part: a control frame.
    Control(Control),
}

/// Reads the header at the start of `bytes`; `None` if it is not complete.
///
/// `so_far` is the number of bytes of the message in progress, if there is one.
pub(super) fn parse(
    bytes: &[u8],
    so_far: Option<usize>,
    max_message_bytes: usize,
) -> Result<Option<Header>, ProtocolError> {
    let mut cursor = Cursor::new(bytes);
    // Parsing from memory fails only if the opcode does not exist.
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| ProtocolError::ReservedOpcode)?;
    let Some((header, length)) = parsed else {
        return Ok(None);
    };
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(ProtocolError::ReservedBit);
    }
    let mask = header.mask.ok_or(ProtocolError::Unmasked)?;
    let bytes = header.len(length);
    if cursor.position() != bytes as u64 || length > i64::MAX as u64 {
        return Err(ProtocolError::LengthForm);
    }
    let kind = kind(&header, length, so_far.is_some())?;
    let too_big = ProtocolError::TooBig {
        max: max_message_bytes,
    };
    let length = usize::try_from(length).map_err(|_| too_big)?;
    let room = max_message_bytes.saturating_sub(so_far.unwrap_or(0));
    if length > room && !matches!(kind, Kind::Control(_)) {
        return Err(too_big);
    }
    Ok(Some(Header {
        kind,
        mask,
        length,
        bytes,
    }))
}

fn kind(header: &FrameHeader, length: u64, in_message: bool) -> Result<Kind, ProtocolError> {
    let last = header.is_final;
    match header.opcode {
        OpCode::Control(_) if !last => Err(ProtocolError::FragmentedControl),
        OpCode::Control(_) if length > MAX_CONTROL_PAYLOAD as u64 => {
            Err(ProtocolError::LongControl)
        }
        OpCode::Control(Control::Close) if length == 1 => Err(ProtocolError::ShortClose),
        OpCode::Control(control) => Ok(Kind::Control(control)),
        OpCode::Data(Data::Continue) if in_message => Ok(Kind::Data { text: None, last }),
        OpCode::Data(Data::Continue) => Err(ProtocolError::StrayContinuation),
        OpCode::Data(_) if in_message => Err(ProtocolError::InterruptedMessage),
        OpCode::Data(data) => {
            let text = Some(data == Data::Text);
            Ok(Kind::Data { text, last })
        }
    }
}
