use std::sync::Arc;

use crate::application::{ConnectionId, Mailbox};

/// Knows the connections of this process and the mailboxes in which they receive frames of the
/// kind `F`. An inbound adapter connects; [`Subscriptions`](super::Subscriptions) and
/// [`EventPublisher`](super::EventPublisher) do the rest.
pub trait Connections<F>: Send + Sync {
    /// A new connection that receives into `mailbox`, as yet nothing.
    fn connect(&self, mailbox: Arc<Mailbox<F>>) -> ConnectionId;

    /// Ends a connection: it receives nothing more and takes up no room.
    fn disconnect(&self, connection: ConnectionId);
}
