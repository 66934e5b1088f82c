//! The chat (protocol, section 7).

pub mod send_message;
