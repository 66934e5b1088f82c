//! Looks at pull requests, and applies them to the shared folder.

pub mod apply;
pub mod backup;
pub mod base_cache;
pub mod bases;
pub mod contents;
pub mod decide;
pub mod diff;
pub mod inbox;
pub mod listed;
pub mod merge;
pub mod policy;
pub mod rest;
pub mod runs_by_itself;
pub mod steps;
pub mod taken;
pub mod temporaries;
pub mod wanted;
