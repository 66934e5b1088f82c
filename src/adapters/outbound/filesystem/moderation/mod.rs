//! What moderators have decided, on disk.

pub(crate) mod store;
