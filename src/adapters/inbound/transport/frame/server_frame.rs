//! Server frames, encoded once: header and payload in one allocation.
//!
//! A frame from the server is never masked (RFC 6455, section 5.1), so its bytes are the same for
//! every receiver. Encode it once, then clone the [`Bytes`] into as many queues as there are
//! receivers: a clone is a reference count.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::close_code::CloseCode;

/// The longest header a server frame can have: two bytes and a 64-bit length.
const HEADER_ROOM: usize = 10;

/// The longest payload of a control frame (RFC 6455, section 5.5).
pub(super) const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// Builds one frame whose payload is written straight behind the room for its header.
///
/// It is an [`io::Write`], so a serialiser can write into it and no byte moves afterwards.
///
/// ```
/// use file_ws_server::adapters::inbound::transport::frame::{self, FrameBuilder};
///
/// let mut builder = FrameBuilder::with_capacity(16);
/// serde_json::to_writer(&mut builder, &[1, 2]).expect("memory takes it");
/// assert_eq!(builder.text(), frame::text(b"[1,2]"));
/// ```
#[derive(Debug)]
pub struct FrameBuilder {
    bytes: BytesMut,
}

impl FrameBuilder {
    /// A builder with room for a payload of `payload` bytes. It grows if needed.
    pub fn with_capacity(payload: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_ROOM + payload);
        bytes.put_bytes(0, HEADER_ROOM);
        Self { bytes }
    }

    /// Appends `payload`.
    pub fn extend(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
    }

    /// Appends `count` zero bytes and lends them, for an encoder that writes in place.
    pub fn grow(&mut self, count: usize) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.put_bytes(0, count);
        &mut self.bytes[start..]
    }

    /// The number of payload bytes so far.
    pub fn payload_len(&self) -> usize {
        self.bytes.len() - HEADER_ROOM
    }

    /// Finishes a text frame. The payload must be UTF-8; the receiver closes otherwise.
    pub fn text(self) -> Bytes {
        self.finish(TEXT)
    }

    /// Finishes a binary frame.
    pub fn binary(self) -> Bytes {
        self.finish(BINARY)
    }

    fn finish(mut self, opcode: u8) -> Bytes {
        let length = self.payload_len();
        let header = &mut self.bytes[..HEADER_ROOM];
        // The length ends where the payload begins, and takes one, two or eight bytes.
        header[2..].copy_from_slice(&(length as u64).to_be_bytes());
        let start = match length {
            0..=MAX_CONTROL_PAYLOAD => 8,
            126..=0xffff => {
                header[7] = 126;
                6
            }
            _ => {
                header[1] = 127;
                0
            }
        };
        header[start] = FIN | opcode;
        self.bytes.advance(start);
        self.bytes.freeze()
    }
}

impl io::Write for FrameBuilder {
    fn write(&mut self, payload: &[u8]) -> io::Result<usize> {
        self.extend(payload);
        Ok(payload.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text frame. The payload must be UTF-8; the receiver closes otherwise.
pub fn text(payload: &[u8]) -> Bytes {
    encode(TEXT, payload)
}

/// A binary frame.
pub fn binary(payload: &[u8]) -> Bytes {
    encode(BINARY, payload)
}

/// A ping. A payload over 125 bytes, which no control frame can carry, is cut.
pub fn ping(payload: &[u8]) -> Bytes {
    encode(PING, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)])
}

/// A pong. A payload over 125 bytes, which no control frame can carry, is cut.
pub fn pong(payload: &[u8]) -> Bytes {
    encode(PONG, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)])
}

/// A close frame; without a code it has no payload at all. A reason that is too long is cut
/// between two characters.
pub fn close(code: Option<CloseCode>, reason: &str) -> Bytes {
    let Some(code) = code else {
        return encode(CLOSE, &[]);
    };
    let mut end = reason.len().min(MAX_CONTROL_PAYLOAD - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &reason[..end];
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.get().to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    encode(CLOSE, &payload)
}

fn encode(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = FrameBuilder::with_capacity(payload.len());
    frame.extend(payload);
    frame.finish(opcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_grows_with_the_payload() {
        for (payload, expected) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let content = vec![b'x'; payload];
            let frame = text(&content);
            assert_eq!(frame[..expected.len()], expected, "payload of {payload}");
            assert_eq!(frame[expected.len()..], content);
        }
    }

    #[test]
    fn a_builder_makes_the_same_frame_as_the_function() {
        for payload in [0, 1, 125, 126, 65_535, 65_536] {
            let content = vec![7; payload];
            let mut builder = FrameBuilder::with_capacity(0);
            builder.extend(&content[..payload / 2]);
            let rest = payload - payload / 2;
            builder.grow(rest).copy_from_slice(&content[..rest]);
            assert_eq!(builder.payload_len(), payload);
            assert_eq!(builder.binary(), binary(&content), "payload of {payload}");
        }
    }

    #[test]
    fn control_frames_never_exceed_what_a_control_frame_can_carry() {
        assert_eq!(ping(&[1; 300]).len(), 2 + 125);
        assert_eq!(pong(&[1; 300]).len(), 2 + 125);
        let frame = close(Some(CloseCode::POLICY), &"é".repeat(100));
        // 123 bytes of reason would cut an é in two.
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }

    #[test]
    fn a_close_frame_carries_its_code_in_network_order() {
        assert_eq!(
            close(Some(CloseCode::NORMAL), "ok")[..],
            [0x88, 4, 3, 0xe8, b'o', b'k']
        );
        assert_eq!(close(None, "ignored")[..], [0x88, 0]);
    }
}
