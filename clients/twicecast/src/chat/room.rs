//! What is known of a room, and of what we may do there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twicecast_client::untrusted::Untrusted;

use crate::chat::orders::Pending;

/// A room, as somebody in it knows it.
#[derive(Debug, Default)]
pub struct Room {
    pub name: String,
    /// Whether a person types, who may be a moderator and can say a message again.
    pub types: bool,
    /// Whether we moderate it.
    pub moderates: bool,
    /// The reference of the question about that.
    pub status: u64,
    /// What we asked for as a moderator, by reference.
    pub orders: BTreeMap<u64, Pending>,
    /// Who is there or has said something.
    pub names: BTreeSet<String>,
    /// Who said the latest messages, and when.
    pub authors: VecDeque<(u64, Untrusted, i64)>,
}
