//! Unfinished uploads and drafts on disk.

pub(crate) mod content;
pub(crate) mod names;
pub(crate) mod store;
