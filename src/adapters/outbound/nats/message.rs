//! What nodes tell each other.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapters::outbound::system::random_number;
use crate::application::ports::StoreError;

/// The format of everything that nodes tell each other.
const FORMAT: u32 = 1;

/// The name of a node, which it takes anew at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct NodeId(u64);

impl NodeId {
    /// A name that no other node has.
    pub fn random() -> Self {
        Self(random_number())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.to_string()
    }
}

impl TryFrom<String> for NodeId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// What a node tells others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message<T> {
    format: u32,
    /// The node that tells it.
    pub node: NodeId,
    pub body: T,
}

impl<T: Serialize> Message<T> {
    /// What `node` tells, as bytes.
    ///
    /// # Errors
    /// `Failed`.
    pub fn encode(node: NodeId, body: T) -> Result<Bytes, StoreError> {
        let message = Self {
            format: FORMAT,
            node,
            body,
        };
        let text = serde_json::to_vec(&message).map_err(StoreError::failed)?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> Message<T> {
    /// What a node has told; `None`, and a line in the log, if this one does not understand it.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let message: Result<Self, _> = serde_json::from_slice(payload);
        match message {
            Ok(message) if message.format == FORMAT => Some(message),
            Ok(Self { format, node, .. }) => {
                tracing::debug!(%node, format, "another server tells something in a new format");
                None
            }
            Err(error) => {
                tracing::debug!(%error, "another server tells something unknown");
                None
            }
        }
    }
}
