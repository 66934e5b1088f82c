//! Use cases, the session and the ports.

mod connection_id;
mod event;
mod file_content;
mod mailbox;
pub mod ports;

pub use connection_id::ConnectionId;
pub use event::Event;
pub use file_content::{FileContent, StagedContent};
pub use mailbox::Mailbox;
