//! Client bytes in, messages out: a decoder that does no IO.
//!
//! Why one of our own: the idle connections decide how much memory the server takes, and so who
//! owns the buffers must be known here; and the bound on slow messages needs to know whether a
//! message is in progress.
//!
//! A message in a single frame is unmasked where it was read and split off, not copied. Nothing is
//! allocated for a declared length: the buffer grows with the bytes that have come.

use bytes::{Buf, BytesMut};
use tungstenite::protocol::frame::coding::Control;

use super::header;
use super::incoming::{Incoming, control_frame, message};
use super::mask::unmask;
use super::protocol_error::ProtocolError;

/// The most that one read asks for.
const MAX_READ: usize = 64 * 1024;

/// What a waiting connection may keep allocated between two frames.
const KEEP: usize = 1024;

/// Decodes the frames of one client.
#[derive(Debug)]
pub struct Decoder {
    /// What was read and is not decoded yet, from the current frame's payload on.
    buffer: BytesMut,
    frame: Option<Frame>,
    fragments: Option<Fragments>,
    max_message_bytes: usize,
    /// The next frame has been refused as over the limit.
    over_limit: bool,
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
            over_limit: false,
            ended: false,
        }
    }

    /// Changes the limit, from the next frame's header on; one that was over the limit is looked at
    /// again.
    pub fn set_max_message_bytes(&mut self, max_message_bytes: usize) {
        self.over_limit = false;
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

    /// The next frame that is all there, as what it amounts to, or `None` when more bytes are
    /// needed.
    ///
    /// # Errors
    /// The client broke the protocol or the limit. From then on all bytes are ignored, save that
    /// a frame over the limit is still there for when the limit has been raised.
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

    /// Begins the next frame, once its header is there.
    fn begin_frame(&mut self) -> Result<Option<Frame>, ProtocolError> {
        let so_far = self
            .fragments
            .as_ref()
            .map(|fragments| fragments.bytes.len());
        let Some(header) = header::parse(&self.buffer, so_far, self.max_message_bytes)? else {
            return Ok(None);
        };
        let kind = match header.kind {
            header::Kind::Whole { text } => Kind::Whole { text, checked: 0 },
            header::Kind::First { text } => {
                self.fragments = Some(Fragments {
                    text,
                    bytes: BytesMut::new(),
                    checked: 0,
                });
                Kind::Fragment { last: false }
            }
            header::Kind::Continuation { last } => Kind::Fragment { last },
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

    /// Unmasks and checks what has come of a message in one frame, where it lies.
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

    /// Unmasks what has come of a fragment and moves it to its message.
    fn advance_fragment(&mut self, frame: &mut Frame) -> Result<bool, ProtocolError> {
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

    /// What a frame that is all there amounts to.
    fn finish_frame(&mut self, frame: &Frame) -> Result<Incoming, ProtocolError> {
        match frame.kind {
            Kind::Whole { text, checked } => {
                let payload = self.buffer.split_to(frame.length).freeze();
                message(text, checked, payload)
            }
            Kind::Fragment { last: false } => Ok(Incoming::Fragment(frame.length)),
            Kind::Fragment { last: true } => {
                let whole = self
                    .fragments
                    .take()
                    .expect("a fragment belongs to a message");
                message(whole.text, whole.checked, whole.bytes.freeze())
            }
            Kind::Control(control) => {
                let mut payload = self.buffer.split_to(frame.length);
                unmask(&mut payload, frame.mask, 0);
                control_frame(control, payload.freeze())
            }
        }
    }
}

/// Checks text from `checked` on and returns how far it is known to be UTF-8; a character whose
/// end has not come yet is no error.
fn check_utf8(bytes: &[u8], checked: usize) -> Result<usize, ProtocolError> {
    match std::str::from_utf8(&bytes[checked..]) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(checked + error.valid_up_to()),
        Err(_) => Err(ProtocolError::TextNotUtf8),
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
