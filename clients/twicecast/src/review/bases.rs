//! Finding the content that the author of a proposal started from, of which only the hash is known.

use sha2::{Digest as _, Sha256};

use crate::fs::dirfd;
use crate::review::base_cache::Shelf;

/// Whether a content has that hash.
pub fn is(content: &[u8], sha256: &str) -> bool {
    dirfd::hex(&Sha256::digest(content)) == sha256
}

/// Looks for a content with that hash among what was shared of the project from this machine.
pub fn find(project: &str, sha256: &str) -> Option<Vec<u8>> {
    Shelf::of(project)?
        .read(sha256)
        .filter(|content| is(content, sha256))
}
