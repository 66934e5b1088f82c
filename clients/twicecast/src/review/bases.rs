//! Finding the content that the author of a proposal started from, of which only the hash is known.

use crate::fs::sha256;
use crate::review::base_cache::Shelf;

/// Whether a content has that hash.
pub fn is(content: &[u8], hash: &str) -> bool {
    sha256::of(content) == hash
}

/// Looks for a content with that hash among what was shared of the project from this machine.
pub fn find(project: &str, hash: &str) -> Option<Vec<u8>> {
    Shelf::of(project)?
        .read(hash)
        .filter(|content| is(content, hash))
}
