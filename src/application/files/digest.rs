//! What `list` says about a file's content.

use sha2::{Digest, Sha256};

use crate::application::ports::{OpenFile, StoreError};
use crate::domain::ContentHash;

const READ_BYTES: u64 = 256 * 1_024;

/// The SHA-256 of a file's content.
///
/// # Errors
/// The errors of reading the file.
pub async fn sha256(file: &OpenFile) -> Result<ContentHash, StoreError> {
    let mut hash = Sha256::new();
    let mut offset = 0;
    while offset < file.bytes {
        let length = (file.bytes - offset).min(READ_BYTES);
        // At most READ_BYTES, so it fits.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        hash.update(file.source.read(offset, length).await?);
        offset += length as u64;
    }
    Ok(ContentHash::from_bytes(hash.finalize().into()))
}
