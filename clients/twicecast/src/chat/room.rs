//! What is known about a room, and what we may do in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twicecast_client::untrusted::Untrusted;

use crate::chat::orders::Pending;

/// A room, as a member knows it.
#[derive(Debug, Default)]
pub struct Room {
    pub name: String,
    /// Whether a person is typing, who may be a moderator and can repeat a message.
    pub types: bool,
    /// Whether we moderate it.
    pub moderates: bool,
    /// The reference of the request that asks for that.
    pub status: u64,
    /// Our requests as a moderator, by reference.
    pub orders: BTreeMap<u64, Pending>,
    /// Who is there or has said something.
    pub names: BTreeSet<String>,
    /// Who said the latest messages, and when.
    pub authors: VecDeque<(u64, Untrusted, i64)>,
}
