//! Unfinished uploads and drafts on disk.

pub(crate) mod content;
pub(crate) mod drafts;
pub(crate) mod staging;
