//! What moderators have decided, on disk.

pub(crate) mod record;
pub(crate) mod store;
