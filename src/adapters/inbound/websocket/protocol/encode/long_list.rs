//! A message with a list of any length, encoded a slice at a time.

use bytes::Bytes;
use serde::Serialize;

use super::envelope::{Success, json};
use super::shapes::WireChatMessage;
use crate::adapters::inbound::transport::frame::FrameBuilder;
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::domain::{ChatMessage, UserName};

/// How many bytes a slice has; it ends with the item that reaches them. Encoding it takes less time
/// than others would notice.
pub(crate) const SLICE_BYTES: usize = 16 * 1_024;

/// A message with a list, as far as it has been encoded. It is kept in slices, because one growing
/// buffer would take up to twice as much memory for as long as the message waits.
pub(crate) struct LongList<I> {
    slices: Vec<Vec<u8>>,
    items: I,
    is_empty: bool,
    /// What follows the items.
    end: Vec<u8>,
}

/// A piece of such a message.
pub(crate) enum Piece<T> {
    /// An item of the list.
    Item(T),
    /// The bytes that end the list and begin another.
    Between(Vec<u8>),
}

/// The answer to `chat`/`history`.
pub(crate) fn chat_history(
    messages: &[ChatMessage],
    context: &Context,
) -> LongList<impl Iterator<Item = Piece<impl Serialize>>> {
    let items = messages.iter().map(WireChatMessage::from);
    let items = items.map(Piece::Item);
    LongList::new("chatHistory", items, context)
}

/// The answer to `chat`/`members`.
pub(crate) fn chat_members(
    names: &[UserName],
    context: &Context,
) -> LongList<impl Iterator<Item = Piece<impl Serialize>>> {
    let names = names.iter().map(UserName::as_str);
    LongList::new("chatMembers", names.map(Piece::Item), context)
}

impl<T: Serialize, I: Iterator<Item = Piece<T>>> LongList<I> {
    fn new(kind: &'static str, items: I, context: &Context) -> Self {
        let nothing: [(); 0] = [];
        Self::within(kind, nothing, items, context)
    }

    /// A message with `data`. The items go into the first list in `data`, which must be empty.
    pub(super) fn within(
        kind: &'static str,
        data: impl Serialize,
        items: I,
        context: &Context,
    ) -> Self {
        let mut start = json(&Success::new(kind, data, context.reference.as_ref()));
        // Nothing before the list has brackets.
        let place = start.iter().position(|&byte| byte == b']');
        let end = start.split_off(place.unwrap_or(start.len()));
        Self {
            slices: vec![start],
            items,
            is_empty: true,
            end,
        }
    }

    /// Encodes the next slice. Returns whether there may be another.
    pub(crate) fn encode_slice(&mut self) -> bool {
        let mut slice = Vec::new();
        while slice.len() < SLICE_BYTES {
            match self.items.next() {
                None => break,
                Some(Piece::Item(item)) => {
                    if !std::mem::take(&mut self.is_empty) {
                        slice.push(b',');
                    }
                    // Only texts and numbers: serialising them into memory cannot fail.
                    let _ = serde_json::to_writer(&mut slice, &item);
                }
                Some(Piece::Between(bytes)) => {
                    slice.extend(bytes);
                    self.is_empty = true;
                }
            }
        }
        let is_full = slice.len() >= SLICE_BYTES;
        self.slices.push(slice);
        is_full
    }

    /// The whole frame, once everything has been encoded.
    pub(crate) fn finish(mut self) -> Bytes {
        self.slices.push(self.end);
        let mut frame = FrameBuilder::with_capacity(self.slices.iter().map(Vec::len).sum());
        self.slices.iter().for_each(|slice| frame.extend(slice));
        frame.text()
    }
}
