use crate::application::connection_id::ConnectionId;
use crate::application::event::Event;
use crate::application::ports::subscriptions::Topic;

/// Tells connections what happened.
#[cfg_attr(test, mockall::automock)]
pub trait EventPublisher: Send + Sync {
    /// Hands `event` to every connection that receives `topic`, except `origin`. Never waits: each
    /// connection's own queue handles what it has no room for. Events that one thread publishes, or
    /// that are ordered otherwise, reach each connection in that order.
    fn publish(&self, topic: &Topic, event: Event, origin: Option<ConnectionId>);

    /// Hands `event` to these connections, whatever they receive otherwise. Like
    /// [`publish`](Self::publish) it never waits; a connection that is gone is not an error.
    fn tell(&self, connections: &[ConnectionId], event: Event);
}
