//! How far the connections lag behind, for operators.

use std::sync::Arc;

use super::topics::Hub;
use crate::adapters::delivery::send_queue::Frame;
use crate::application::locks::read;

/// How far the connections lag behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// How many connections there are.
    pub connections: usize,
    /// How many of them have changes that wait as names.
    pub lagging: usize,
    /// How many changes those are.
    pub waiting: usize,
    /// How many bytes of frames wait for all connections. A shared frame counts once per
    /// connection.
    pub queued_bytes: usize,
}

impl<F: Frame> Hub<F> {
    /// How far the connections lag behind. Looks at each of them, so it is slow if there are many.
    pub fn lag(&self) -> Lag {
        // Collected first, so that the lock is free while the queues are read: connections that
        // come or go need it.
        let queues: Vec<_> = read(&self.connections)
            .values()
            .map(|connection| Arc::clone(&connection.queue))
            .collect();
        let mut lag = Lag {
            connections: queues.len(),
            ..Lag::default()
        };
        for queue in queues {
            let (waiting, bytes) = queue.backlog();
            lag.lagging += usize::from(waiting > 0);
            lag.waiting += waiting;
            lag.queued_bytes += bytes;
        }
        lag
    }
}
