//! From answers and events of the application to messages as they go over the wire (protocol,
//! sections 2 to 7), each as a whole frame.

mod apply;
mod envelope;
mod error;
mod event;
mod files;
mod long_list;
mod moderation;
mod reply;
mod shapes;

pub(crate) use error::refusal;
#[cfg(test)]
pub(crate) use event::event;
pub use event::event_encoder;
pub(crate) use event::pull_request_created;
pub(crate) use files::{FilePart, ListedFile, file_list, file_part, get_done, part_count};
#[cfg(test)]
pub(crate) use long_list::SLICE_BYTES;
pub(crate) use long_list::{LongList, Piece, chat_history, chat_members};
pub(crate) use moderation::chat_moderation;
#[cfg(test)]
pub(crate) use reply::{answer_type, is_answered_ok};
pub(crate) use reply::{pull_request_got, pull_request_list, reply};
