//! What `list` says of a file's content.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::application::ports::{OpenFile, StoreError};

const READ_BYTES: u64 = 256 * 1_024;

/// The SHA-256 of a file's content in lower-case hex.
///
/// # Errors
/// Those of reading the file.
pub async fn sha256(file: &OpenFile) -> Result<String, StoreError> {
    let mut hash = Sha256::new();
    let mut offset = 0;
    while offset < file.bytes {
        let length = (file.bytes - offset).min(READ_BYTES);
        // At most READ_BYTES, so it fits.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        hash.update(file.source.read(offset, length).await?);
        offset += length as u64;
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}
