//! Decodes what a client sends: bytes in, messages out, without IO.
//!
//! A message in a single short frame is unmasked in the read buffer and split off, not copied. A
//! declared length alone allocates nothing: memory grows with the bytes that have arrived.

use bytes::{Buf, BytesMut};
use tungstenite::protocol::frame::coding::Control;

use super::fragments::{CHUNK, Fragments, check_utf8};
use super::header;
use super::incoming::{Incoming, control_frame, message};
use super::mask::unmask;
use super::protocol_error::ProtocolError;

/// The most bytes that one read asks for.
const MAX_READ: usize = 64 * 1024;

/// The most bytes that a waiting connection keeps allocated between two frames.
const KEEP: usize = 1024;

/// Decodes the frames of one client.
#[derive(Debug)]
pub struct Decoder {
    /// What has been read but not decoded, starting with the payload of the current frame.
    buffer: BytesMut,
    frame: Option<Frame>,
    fragments: Option<Fragments>,
    max_message_bytes: usize,
    /// The next frame has been refused as over the limit.
    over_limit: bool,
    /// A close frame or an error has come; what follows is ignored.
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
    /// A message in one short frame; its payload stays in the buffer until it is complete.
    Whole {
        text: bool,
        checked: usize,
    },
    /// A part of a message, or a long one; its payload moves to [`Fragments`] as it comes.
    Fragment {
        last: bool,
    },
    Control(Control),
}

impl Decoder {
    /// A decoder that takes messages up to and including `max_message_bytes`.
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            frame: None,
            fragments: None,
            max_message_bytes,
            over_limit: false,
            ended: false,
        }
    }

    /// Changes the limit, from the next frame on; a frame that was over the limit is checked
    /// again.
    pub fn set_max_message_bytes(&mut self, max_message_bytes: usize) {
        self.over_limit = false;
        self.max_message_bytes = max_message_bytes;
    }

    /// Adds bytes that the client sent.
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

    /// Frees memory. Call it when there is nothing to read for now.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        } else if self.frame.is_none() && self.buffer.capacity() > KEEP {
            // Only part of a header is left of a long read.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }

    /// Whether a data message has begun and is not complete, whatever control frames come between.
    pub fn in_message(&self) -> bool {
        if self.ended {
            return false;
        }
        self.fragments.is_some()
            || match &self.frame {
                Some(frame) => !matches!(frame.kind, Kind::Control(_)),
                // The header is not complete, but its first byte tells.
                None => self.buffer.first().is_some_and(|first| first & 0x8 == 0),
            }
    }

    /// How many payload bytes of the message in progress have arrived.
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
                .map_or(0, |fragments| fragments.bytes)
    }

    /// The next message, fragment or control frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The client broke the protocol or the limit. From then on all bytes are ignored; only a frame
    /// over the limit is kept, in case the limit is raised.
    pub fn decode(&mut self) -> Result<Option<Incoming>, ProtocolError> {
        if self.over_limit {
            return Ok(None);
        }
        let decoded = self.decode_frames();
        if matches!(decoded, Err(ProtocolError::TooBig { .. })) {
            self.over_limit = true;
            return decoded;
        }
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

    fn decode_frames(&mut self) -> Result<Option<Incoming>, ProtocolError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let Some(mut frame) = self.frame.take() else {
                match self.begin_frame()? {
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
            return self.finish_frame(&frame).map(Some);
        }
    }

    /// Begins the next frame once its header is complete.
    fn begin_frame(&mut self) -> Result<Option<Frame>, ProtocolError> {
        let so_far = self.fragments.as_ref().map(|fragments| fragments.bytes);
        let Some(header) = header::parse(&self.buffer, so_far, self.max_message_bytes)? else {
            return Ok(None);
        };
        let kind = match header.kind {
            header::Kind::Data {
                text: Some(text),
                last: true,
            } if header.length <= CHUNK => Kind::Whole { text, checked: 0 },
            header::Kind::Data { text, last } => {
                if let Some(text) = text {
                    self.fragments = Some(Fragments::new(text));
                }
                Kind::Fragment { last }
            }
            header::Kind::Control(control) => Kind::Control(control),
        };
        self.buffer.advance(header.bytes);
        Ok(Some(Frame {
            kind,
            mask: header.mask,
            length: header.length,
            unmasked: 0,
        }))
    }

    /// Unmasks and checks, in the buffer, the part of a message in one frame that has arrived.
    fn advance_whole(&mut self, frame: &mut Frame) -> Result<bool, ProtocolError> {
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

    /// Unmasks the part of a fragment that has arrived, and moves it to its message.
    fn advance_fragment(&mut self, frame: &mut Frame) -> Result<bool, ProtocolError> {
        let fragments = self
            .fragments
            .as_mut()
            .expect("a fragment belongs to a message");
        let available = self.buffer.len().min(frame.length - frame.unmasked);
        unmask(&mut self.buffer[..available], frame.mask, frame.unmasked);
        fragments.push(&self.buffer[..available])?;
        self.buffer.advance(available);
        frame.unmasked += available;
        Ok(frame.unmasked == frame.length)
    }

    /// Makes the result of a complete frame.
    fn finish_frame(&mut self, frame: &Frame) -> Result<Incoming, ProtocolError> {
        match frame.kind {
            Kind::Whole { text, checked } => {
                let payload = self.buffer.split_to(frame.length).freeze();
                message(text, checked == payload.len(), payload)
            }
            Kind::Fragment { last: false } => Ok(Incoming::Fragment(frame.length)),
            Kind::Fragment { last: true } => {
                let whole = self
                    .fragments
                    .take()
                    .expect("a fragment belongs to a message");
                message(whole.text, whole.is_utf8(), whole.into_bytes())
            }
            Kind::Control(control) => {
                let mut payload = self.buffer.split_to(frame.length);
                unmask(&mut payload, frame.mask, 0);
                control_frame(control, payload.freeze())
            }
        }
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
