//! The formats in which stores keep small things, whichever engine keeps them.

pub(crate) mod guests;
pub(crate) mod moderation;
pub(crate) mod pull_request;
