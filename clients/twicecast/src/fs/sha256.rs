//! SHA-256 of contents and names, in lower-case hex.

use sha2::{Digest as _, Sha256};

/// The hash of a content.
pub fn of(content: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(content))
}

/// Whether a text has the form of a hash, so that it may become a file's name.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_a_hash_may_name_a_file() {
        let hash = of(b"");
        assert!(hash.starts_with("e3b0c44298fc1c14") && is_hash(&hash));
        for other in ["", "..", &hash[1..], &hash.replace('e', "/")] {
            assert!(!is_hash(other), "{other}");
        }
    }
}
