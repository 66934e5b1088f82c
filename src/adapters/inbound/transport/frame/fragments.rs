//! The part that has arrived of a message that does not stay in the read buffer: one in fragments,
//! or a long one.

use bytes::Bytes;

use super::protocol_error::ProtocolError;

/// The bytes are kept in chunks of at most this many until the message is complete. A single
/// growing buffer would take up to twice as much memory, and be copied each time it grows.
pub(super) const CHUNK: usize = 256 * 1024;

/// The part of a message that has arrived.
#[derive(Debug)]
pub(super) struct Fragments {
    /// Whether it is a text.
    pub(super) text: bool,
    /// All but the last are complete. In a text, complete chunks end with a whole character.
    chunks: Vec<Vec<u8>>,
    /// How much of the last chunk of a text is known to be UTF-8.
    checked: usize,
    /// How many bytes have arrived.
    pub(super) bytes: usize,
}

impl Fragments {
    /// An empty message.
    pub(super) fn new(text: bool) -> Self {
        Self {
            text,
            chunks: vec![Vec::new()],
            checked: 0,
            bytes: 0,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// The message is a text and the bytes are not UTF-8. The last character may still be
    /// incomplete.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        self.bytes += bytes.len();
        while let (false, Some(chunk)) = (bytes.is_empty(), self.chunks.last_mut()) {
            let fitting = bytes.len().min(CHUNK - chunk.len());
            if chunk.capacity() - chunk.len() < fitting {
                let capacity = (2 * chunk.len()).max(chunk.len() + fitting).min(CHUNK);
                chunk.reserve_exact(capacity - chunk.len());
            }
            chunk.extend_from_slice(&bytes[..fitting]);
            bytes = &bytes[fitting..];
            if self.text {
                self.checked = check_utf8(chunk, self.checked)?;
            }
            if chunk.len() == CHUNK {
                let complete = if self.text { self.checked } else { CHUNK };
                let rest = chunk.split_off(complete);
                self.chunks.push(rest);
                self.checked = 0;
            }
        }
        Ok(())
    }

    /// Whether all of a text is UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        self.chunks
            .last()
            .is_none_or(|chunk| chunk.len() == self.checked)
    }

    /// The message in one piece.
    pub(super) fn into_bytes(mut self) -> Bytes {
        if self.bytes < CHUNK {
            return self.chunks.pop().unwrap_or_default().into();
        }
        let mut whole = Vec::with_capacity(self.bytes);
        for chunk in self.chunks {
            whole.extend(chunk);
        }
        whole.into()
    }
}

/// Checks text from `checked` on, and returns up to where it is known to be UTF-8. An incomplete
/// last character is no error.
pub(super) fn check_utf8(bytes: &[u8], checked: usize) -> Result<usize, ProtocolError> {
    match std::str::from_utf8(&bytes[checked..]) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(checked + error.valid_up_to()),
        Err(_) => Err(ProtocolError::TextNotUtf8),
    }
}

#[cfg(test)]
impl Fragments {
    pub(super) fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_lie_across_two_chunks() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"\u{1f600}".repeat(CHUNK / 2);
            for step in [1, 7, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
                let mut fragments = Fragments::new(true);
                for bytes in text.as_bytes().chunks(step.max(500)) {
                    fragments.push(bytes).expect("UTF-8");
                }
                assert!(fragments.is_utf8());
                assert_eq!(fragments.bytes, text.len());
                assert_eq!(fragments.into_bytes(), text);
            }
        }
    }

    #[test]
    fn a_text_that_ends_within_a_character_is_not_utf8_also_at_the_end_of_a_chunk() {
        for length in [3, CHUNK - 1, CHUNK, CHUNK + 1] {
            let mut text = vec![b'x'; length - 1];
            text.push(0xf0);
            let mut fragments = Fragments::new(true);
            fragments.push(&text).expect("the character may go on");
            assert!(!fragments.is_utf8());
            assert!(fragments.push(b"x").is_err(), "it does not");
        }
    }
}
