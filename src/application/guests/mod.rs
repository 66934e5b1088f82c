//! Guests: people without an account (protocol, section 3).

pub mod enter;
pub(crate) mod recent_guests;
