//! The world outside: what drives the application and what it drives.

pub mod inbound;
pub mod outbound;
