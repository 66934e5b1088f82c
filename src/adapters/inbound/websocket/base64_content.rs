//! Content in base64 (protocol, section 4): standard alphabet, padding optional, white space
//! skipped, left-over bits zero.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Content that has been decoded, with what its base64 looked like.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub bytes: Vec<u8>,
    /// Characters of base64, without white space.
    pub chars: usize,
    /// Whether it ends in `=`.
    pub padded: bool,
}

/// Decodes `text`; `None` where it is not base64.
pub(super) fn decode(text: &str) -> Option<Decoded> {
    let is_space = |byte: u8| byte.is_ascii_whitespace();
    let text: Cow<'_, [u8]> = if text.bytes().any(is_space) {
        text.bytes()
            .filter(|byte| !is_space(*byte))
            .collect::<Vec<_>>()
            .into()
    } else {
        text.as_bytes().into()
    };
    let padded = text.ends_with(b"=");
    if padded && !text.len().is_multiple_of(4) {
        // Padding may be left out, but not half of it.
        return None;
    }
    let bytes = LENIENT.decode(&text).ok()?;
    Some(Decoded {
        bytes,
        chars: text.len(),
        padded,
    })
}

/// How many characters `bytes` of content take.
pub(super) fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Writes the base64 of `bytes`, padded, into `out`, which is [`encoded_len`] long.
pub(super) fn encode_into(bytes: &[u8], out: &mut [u8]) {
    // It fails only where there is too little room.
    let written = general_purpose::STANDARD.encode_slice(bytes, out);
    debug_assert_eq!(written, Ok(out.len()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_standard_alphabet_is_base64() {
        for (text, bytes) in [
            ("", Some(&b""[..])),
            ("YQ==", Some(b"a")),
            ("YQ", Some(b"a")),
            ("YWI=", Some(b"ab")),
            ("YWI", Some(b"ab")),
            (" Y W\nJ\tj\r", Some(b"abc")),
            ("+/+/", Some(&[0xfb, 0xff, 0xbf])),
            ("***", None),
            ("-_-_", None),
            ("YQ==YQ==", None),
            ("Y", None),
            ("YR==", None),
            ("YR", None),
            ("YQ=", None),
            ("YQ===", None),
            ("=", None),
            ("é", None),
        ] {
            assert_eq!(decode(text).map(|d| d.bytes).as_deref(), bytes, "{text:?}");
        }
    }

    #[test]
    fn what_it_looked_like_is_told_without_white_space() {
        let decoded = decode("Y Q = =").expect("valid");
        assert_eq!((decoded.chars, decoded.padded), (4, true));
        let decoded = decode("YQ").expect("valid");
        assert_eq!((decoded.chars, decoded.padded), (2, false));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_decoded_to_the_same(bytes: Vec<u8>) {
            let mut out = vec![0; encoded_len(bytes.len())];
            encode_into(&bytes, &mut out);
            let text = std::str::from_utf8(&out).expect("ASCII");
            prop_assert_eq!(decode(text).expect("valid").bytes, bytes);
        }
    }
}
