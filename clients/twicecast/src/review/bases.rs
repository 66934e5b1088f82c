//! Finds the content that a proposal is based on, if only its hash is known.

use crate::fs::sha256;
use crate::review::base_cache::Shelf;

/// Whether a content has that hash.
pub fn is(content: &[u8], hash: &str) -> bool {
    sha256::of(content) == hash
}

/// Looks for the content with that hash in what was shared of the project from this computer.
pub fn find(project: &str, hash: &str) -> Option<Vec<u8>> {
    Shelf::of(project)?
        .read(hash)
        .filter(|content| is(content, hash))
}
