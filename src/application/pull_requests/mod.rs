//! Pull requests (protocol, section 6).

pub mod creation;
pub mod cursor;
pub mod open_draft;
pub mod pages;
