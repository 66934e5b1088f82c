//! Client bytes in, messages out: a decoder that does no IO.
//!
//! Why one of our own: the idle connections decide how much memory the server takes, and so who
//! owns the buffers must be known here; and the bound on slow messages needs to know whether a
//! message is in progress. The header's format itself is tungstenite's
//! ([`FrameHeader::parse`]).
//!
//! A message in a single frame is unmasked where it was read and split off, not copied. Nothing is
//! allocated for a declared length: the buffer grows with the bytes that have come.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::breach::Breach;
use super::close::CloseCode;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::mask::unmask;

/// The most that one read asks for.
const MAX_READ: usize = 64 * 1024;

/// What a waiting connection may keep allocated between two frames.
const KEEP: usize = 1024;

/// What the client sent.
///
/// The payloads share the read buffer's allocation, so whoever keeps a small one for long
/// should copy it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message; it is valid UTF-8.
    Text(Bytes),
    /// A whole binary message.
    Binary(Bytes),
    /// A ping, to be answered with a pong of the same payload.
    Ping(Bytes),
    /// A pong; that it came is all that matters.
    Pong,
    /// The close frame with its code and reason, if it has them. Whatever follows is ignored.
    Close(Option<(CloseCode, String)>),
}

/// Decodes the frames of one client.
#[derive(Debug)]
pub struct Decoder {
    /// What was read and is not decoded yet, from the current frame's payload on.
    buffer: BytesMut,
    frame: Option<Frame>,
    fragments: Option<Fragments>,
    max_message_bytes: usize,
    /// After a close frame or a breach nothing that comes means anything.
    ended: bool,
}

/// A frame whose header has been read.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    mask: [u8; 4],
    length: usize,
    /// How much of the payload has been unmasked.
    unmasked: usize,
}

#[derive(Debug)]
enum Kind {
    /// A message in one frame; its payload stays in the buffer until it is whole.
    Whole {
        text: bool,
        checked: usize,
    },
    /// A part of a message; its payload moves on as it comes.
    Fragment {
        last: bool,
    },
    Control(Control),
}

/// A message in fragments, as far as it has come.
#[derive(Debug)]
struct Fragments {
    text: bool,
    bytes: BytesMut,
    /// How much of a text is known to be UTF-8.
    checked: usize,
}

impl Decoder {
    /// A decoder that takes messages up to and including `max_message_bytes`.
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            frame: None,
            fragments: None,
            max_message_bytes,
            ended: false,
        }
    }

    /// Changes the limit, from the next frame's header on.
    pub fn set_max_message_bytes(&mut self, max_message_bytes: usize) {
        self.max_message_bytes = max_message_bytes;
    }

    /// Takes bytes that the client sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer to read into and how much to read at most: `usual`, or more while a long
    /// frame is under way, yet never more than the client has already sent of it, so that a
    /// declared length alone allocates nothing.
    pub fn read_into(&mut self, usual: usize) -> (&mut BytesMut, usize) {
        let room = self.frame.as_ref().map_or(usual, |frame| {
            let have = match frame.kind {
                Kind::Fragment { .. } => frame.unmasked,
                Kind::Whole { .. } | Kind::Control(_) => self.buffer.len(),
            };
            let missing = frame.length.saturating_sub(have);
            missing.min(have).min(MAX_READ).max(usual)
        });
        self.buffer.reserve(room);
        (&mut self.buffer, room)
    }

    /// Gives memory back. To be called when the client has nothing more to read for now.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        } else if self.frame.is_none() && self.buffer.capacity() > KEEP {
            // Part of a header is left of a long read.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }

    /// Whether a data message has begun and is not complete; control frames don't matter.
    pub fn in_message(&self) -> bool {
        if self.ended {
            return false;
        }
        self.fragments.is_some()
            || match &self.frame {
                Some(frame) => !matches!(frame.kind, Kind::Control(_)),
                // The header is not whole: its first byte tells.
                None => self.buffer.first().is_some_and(|first| first & 0x8 == 0),
            }
    }

    /// The payload bytes that have come of the message in progress.
    pub fn message_bytes(&self) -> usize {
        let whole = match &self.frame {
            Some(Frame {
                kind: Kind::Whole { .. },
                unmasked,
                ..
            }) => *unmasked,
            _ => 0,
        };
        whole
            + self
                .fragments
                .as_ref()
                .map_or(0, |fragments| fragments.bytes.len())
    }

    /// The next message, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The client broke the protocol or the limit. From then on all bytes are ignored.
    pub fn decode(&mut self) -> Result<Option<Incoming>, Breach> {
        let decoded = self.decode_frames();
        if matches!(decoded, Err(_) | Ok(Some(Incoming::Close(_)))) {
            self.ended = true;
            self.fragments = None;
            self.frame = None;
        }
        if self.ended {
            self.buffer.clear();
        }
        decoded
    }

    fn decode_frames(&mut self) -> Result<Option<Incoming>, Breach> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let Some(mut frame) = self.frame.take() else {
                match self.decode_header()? {
                    Some(frame) => self.frame = Some(frame),
                    None => return Ok(None),
                }
                continue;
            };
            let complete = match &mut frame.kind {
                Kind::Whole { .. } => self.advance_whole(&mut frame)?,
                Kind::Fragment { .. } => self.advance_fragment(&mut frame)?,
                Kind::Control(_) => self.buffer.len() >= frame.length,
            };
            if !complete {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(incoming) = self.finish_frame(&frame)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Reads a header and checks all that can be known from it.
    fn decode_header(&mut self) -> Result<Option<Frame>, Breach> {
        let mut cursor = Cursor::new(&self.buffer[..]);
        // Parsing memory fails for one reason only: an opcode that does not exist.
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Breach::ReservedOpcode)?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        let header_length = usize::try_from(cursor.position()).map_err(|_| Breach::LengthForm)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Breach::ReservedBit);
        }
        let mask = header.mask.ok_or(Breach::Unmasked)?;
        if header_length != header.len(length) || length > i64::MAX as u64 {
            return Err(Breach::LengthForm);
        }
        let too_big = Breach::TooBig {
            max: self.max_message_bytes,
        };
        let length = usize::try_from(length).map_err(|_| too_big)?;
        let kind = self.kind(&header, length)?;
        if !matches!(kind, Kind::Control(_)) {
            let so_far = self
                .fragments
                .as_ref()
                .map_or(0, |fragments| fragments.bytes.len());
            if length > self.max_message_bytes.saturating_sub(so_far) {
                return Err(too_big);
            }
        }
        if let (OpCode::Data(data), Kind::Fragment { .. }) = (header.opcode, &kind)
            && data != Data::Continue
        {
            let text = data == Data::Text;
            self.fragments = Some(Fragments {
                text,
                bytes: BytesMut::new(),
                checked: 0,
            });
        }
        self.buffer.advance(header_length);
        Ok(Some(Frame {
            kind,
            mask,
            length,
            unmasked: 0,
        }))
    }

    fn kind(&self, header: &FrameHeader, length: usize) -> Result<Kind, Breach> {
        let last = header.is_final;
        match header.opcode {
            OpCode::Control(_) if !last => Err(Breach::FragmentedControl),
            OpCode::Control(_) if length > MAX_CONTROL_PAYLOAD => Err(Breach::LongControl),
            OpCode::Control(Control::Close) if length == 1 => Err(Breach::ShortClose),
            OpCode::Control(control) => Ok(Kind::Control(control)),
            OpCode::Data(Data::Continue) if self.fragments.is_none() => {
                Err(Breach::StrayContinuation)
            }
            OpCode::Data(Data::Continue) => Ok(Kind::Fragment { last }),
            OpCode::Data(_) if self.fragments.is_some() => Err(Breach::InterruptedMessage),
            OpCode::Data(data) if last => Ok(Kind::Whole {
                text: data == Data::Text,
                checked: 0,
            }),
            OpCode::Data(_) => Ok(Kind::Fragment { last }),
        }
    }

    /// Unmasks and checks what has come of a message in one frame, where it lies.
    fn advance_whole(&mut self, frame: &mut Frame) -> Result<bool, Breach> {
        let available = self.buffer.len().min(frame.length);
        unmask(
            &mut self.buffer[frame.unmasked..available],
            frame.mask,
            frame.unmasked,
        );
        frame.unmasked = available;
        if let Kind::Whole {
            text: true,
            checked,
        } = &mut frame.kind
        {
            *checked = check_utf8(&self.buffer[..available], *checked)?;
        }
        Ok(available == frame.length)
    }

    /// Unmasks what has come of a fragment and moves it to its message.
    fn advance_fragment(&mut self, frame: &mut Frame) -> Result<bool, Breach> {
        let fragments = self
            .fragments
            .as_mut()
            .expect("a fragment belongs to a message");
        let available = self.buffer.len().min(frame.length - frame.unmasked);
        unmask(&mut self.buffer[..available], frame.mask, frame.unmasked);
        fragments.bytes.extend_from_slice(&self.buffer[..available]);
        self.buffer.advance(available);
        frame.unmasked += available;
        if fragments.text {
            fragments.checked = check_utf8(&fragments.bytes, fragments.checked)?;
        }
        Ok(frame.unmasked == frame.length)
    }

    /// What a frame that is all there amounts to; a fragment that isn't the last, to nothing.
    fn finish_frame(&mut self, frame: &Frame) -> Result<Option<Incoming>, Breach> {
        match frame.kind {
            Kind::Whole { text, checked } => {
                let payload = self.buffer.split_to(frame.length).freeze();
                message(text, checked, payload).map(Some)
            }
            Kind::Fragment { last: false } => Ok(None),
            Kind::Fragment { last: true } => {
                let whole = self
                    .fragments
                    .take()
                    .expect("a fragment belongs to a message");
                message(whole.text, whole.checked, whole.bytes.freeze()).map(Some)
            }
            Kind::Control(control) => {
                let mut payload = self.buffer.split_to(frame.length);
                unmask(&mut payload, frame.mask, 0);
                control_frame(control, payload.freeze()).map(Some)
            }
        }
    }
}

/// Checks text from `checked` on and returns how far it is known to be UTF-8; a character whose
/// end has not come yet is no error.
fn check_utf8(bytes: &[u8], checked: usize) -> Result<usize, Breach> {
    match std::str::from_utf8(&bytes[checked..]) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(checked + error.valid_up_to()),
        Err(_) => Err(Breach::TextNotUtf8),
    }
}

fn message(text: bool, checked: usize, payload: Bytes) -> Result<Incoming, Breach> {
    match text {
        true if checked == payload.len() => Ok(Incoming::Text(payload)),
        true => Err(Breach::TextNotUtf8),
        false => Ok(Incoming::Binary(payload)),
    }
}

fn control_frame(control: Control, payload: Bytes) -> Result<Incoming, Breach> {
    match control {
        Control::Ping => Ok(Incoming::Ping(payload)),
        Control::Pong => Ok(Incoming::Pong),
        Control::Close => match payload.split_first_chunk::<2>() {
            None => Ok(Incoming::Close(None)),
            Some((code, reason)) => {
                let code = u16::from_be_bytes(*code);
                let code = CloseCode::from_peer(code).ok_or(Breach::CloseCode(code))?;
                let reason = std::str::from_utf8(reason).map_err(|_| Breach::ReasonNotUtf8)?;
                Ok(Incoming::Close(Some((code, reason.to_owned()))))
            }
        },
        Control::Reserved(_) => Err(Breach::ReservedOpcode),
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
