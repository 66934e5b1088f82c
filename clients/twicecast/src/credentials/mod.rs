//! Who is speaking, with which right, and how the server is told.

pub mod flags;
pub mod identity;
pub mod login;
pub mod person;
pub mod token;
