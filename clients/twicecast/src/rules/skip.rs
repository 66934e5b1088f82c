//! What is never sent, whatever the rules say.

use std::fmt;

use crate::names::NameFault;

/// Why something is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Special,
    /// A name that the protocol forbids, or that this program never touches.
    Name(NameFault),
    /// A name that is not UTF-8.
    NotUtf8,
    /// A folder that contains a server's records.
    ServerBase,
    /// A folder that `mirror` writes into.
    Mirror,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.write_str("a link"),
            Self::Special => f.write_str("neither a file nor a folder"),
            Self::Name(fault) => fault.fmt(f),
            Self::NotUtf8 => f.write_str("the name is not UTF-8"),
            Self::ServerBase => f.write_str("a server's base folder (it holds `.twicecast`)"),
            Self::Mirror => f.write_str("a mirror of a project (it holds `.twicecast-mirror`)"),
        }
    }
}
