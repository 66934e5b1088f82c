//! The names of guests on disk, and the secret that signs their tokens.

pub(crate) mod store;
