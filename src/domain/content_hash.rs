//! Tells one content of a file from another.

use std::fmt;

/// The SHA-256 of a file's content, as given; there may be no content that has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Its length as text.
    pub const CHARS: usize = 64;

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::CHARS / 2]) -> Self {
        Self(bytes)
    }

    /// Reads 64 characters of lower-case hex; anything else is not a hash. Each hash thus has only
    /// one text form and is sent back as it came.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::CHARS {
            return None;
        }
        let mut bytes = [0; Self::CHARS / 2];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_hash_comes_back_as_it_was_written() {
        for text in [EMPTY, &"0".repeat(64), &"f".repeat(64), &"09af".repeat(16)] {
            let hash = ContentHash::parse(text).expect("a hash");
            assert_eq!(hash.to_string(), text);
            assert_eq!(format!("{hash:?}"), text);
        }
        assert_ne!(
            ContentHash::parse(EMPTY),
            ContentHash::parse(&"0".repeat(64))
        );
    }

    #[test]
    fn anything_but_64_characters_of_lower_case_hex_is_no_hash() {
        for text in [
            "",
            "0",
            &EMPTY[1..],
            &format!("{EMPTY}0"),
            &EMPTY.to_uppercase(),
            &EMPTY.replace("e3", "E3"),
            &EMPTY.replace("e3", "g3"),
            &EMPTY.replace("e3", "+3"),
            &EMPTY.replace("e3", " 3"),
            &EMPTY.replace("e3", "0x"),
            &EMPTY.replace("e3", "é"),
            &format!(" {}", &EMPTY[1..]),
            &format!("{}\n", &EMPTY[1..]),
            &"/".repeat(64),
            &":".repeat(64),
            &"`".repeat(64),
            &"\0".repeat(64),
            // 64 characters, and twice as many bytes.
            &"é".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(ContentHash::parse(text), None, "{text:?}");
        }
    }
}
