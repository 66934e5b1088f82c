//! Content in base64 (protocol, section 4): standard alphabet, padding optional, white space
//! skipped, left-over bits zero.

use base64_simd::{AsOut as _, STANDARD, STANDARD_NO_PAD};

/// Decoded content, with the form of its base64.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub bytes: Vec<u8>,
    /// Characters of base64, without white space.
    pub chars: usize,
    /// Whether it ends in `=`.
    pub padded: bool,
}

/// Decodes `text`; `None` if it is not base64.
pub(crate) fn decode(text: &str) -> Option<Decoded> {
    // White space is rare, and looking for it costs more than decoding.
    decode_dense(text.as_bytes()).or_else(|| {
        let is_space = |byte: u8| byte.is_ascii_whitespace();
        let dense: Vec<_> = text.bytes().filter(|byte| !is_space(*byte)).collect();
        (dense.len() < text.len()).then(|| decode_dense(&dense))?
    })
}

/// Decodes text without white space. Padding may be left out, but only all of it.
fn decode_dense(text: &[u8]) -> Option<Decoded> {
    let padded = text.ends_with(b"=");
    let alphabet = if padded { STANDARD } else { STANDARD_NO_PAD };
    Some(Decoded {
        bytes: alphabet.decode_to_vec(text).ok()?,
        chars: text.len(),
        padded,
    })
}

/// How many characters `bytes` of content take.
pub(crate) fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Writes the base64 of `bytes`, padded, into `out`, which is [`encoded_len`] long.
pub(crate) fn encode_into(bytes: &[u8], out: &mut [u8]) {
    let written = STANDARD.encode(bytes, out.as_out());
    debug_assert_eq!(written.len(), encoded_len(bytes.len()));
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

    /// The same by another library, with white space removed first.
    fn decoded_otherwise(text: &str) -> Option<Vec<u8>> {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
        let text: Vec<_> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        if text.ends_with(b"=") {
            STANDARD.decode(text).ok()
        } else {
            STANDARD_NO_PAD.decode(text).ok()
        }
    }

    proptest! {
        #[test]
        fn what_is_base64_is_what_others_take_for_it(
            text in "[A-Za-z0-9+/]{0,80}[AQgw= \\n*_é]{0,4}",
            short in "[AQgwz=\\t-]{0,6}",
        ) {
            for text in [text, short] {
                let bytes = decode(&text).map(|decoded| decoded.bytes);
                prop_assert_eq!(bytes, decoded_otherwise(&text), "{:?}", text);
            }
        }

        #[test]
        fn whatever_is_encoded_is_decoded_to_the_same(bytes: Vec<u8>) {
            let mut out = vec![0; encoded_len(bytes.len())];
            encode_into(&bytes, &mut out);
            let text = std::str::from_utf8(&out).expect("ASCII");
            prop_assert_eq!(decode(text).expect("valid").bytes, bytes);
        }
    }
}
