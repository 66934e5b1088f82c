//! The pings and pongs that wait for the writer.

use std::mem;
use std::sync::Mutex;

use bytes::BytesMut;
use tokio::sync::Notify;

use crate::adapters::inbound::transport::frame::server_frame;
use crate::application::locks::lock;

/// The most bytes that may wait. This bounds what a client costs if it floods the server with pings
/// and reads no pongs. RFC 6455 (section 5.5.3) allows answering only the latest ping.
const MAX_WAITING: usize = 2048;

/// The control frames of one connection that wait to be written, already encoded.
#[derive(Debug, Default)]
pub(super) struct ControlQueue {
    waiting: Mutex<BytesMut>,
    notify: Notify,
}

impl ControlQueue {
    /// Adds the answer to a ping.
    pub(super) fn pong(&self, payload: &[u8]) {
        self.put(&server_frame::pong(payload));
    }

    /// Adds a ping from the server.
    pub(super) fn ping(&self, payload: &[u8]) {
        self.put(&server_frame::ping(payload));
    }

    /// Takes all frames that wait.
    pub(super) fn take(&self) -> BytesMut {
        mem::take(&mut *lock(&self.waiting))
    }

    /// Waits until there is a frame to write. Cancel-safe.
    pub(super) async fn pending(&self) {
        while lock(&self.waiting).is_empty() {
            self.notify.notified().await;
        }
    }

    fn put(&self, frame: &[u8]) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() + frame.len() > MAX_WAITING {
            waiting.clear();
        }
        waiting.extend_from_slice(frame);
        drop(waiting);
        self.notify.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_pings_is_answered_in_bounded_space_and_ends_with_the_latest() {
        let control = ControlQueue::default();
        for number in 0..10_000_u32 {
            control.pong(&number.to_be_bytes().repeat(25));
        }
        let waiting = control.take();
        assert!(waiting.len() <= MAX_WAITING);
        assert!(waiting.ends_with(&9_999_u32.to_be_bytes()));
        assert!(control.take().is_empty());
    }

    #[tokio::test]
    async fn pending_ends_as_soon_as_something_waits() {
        let control = ControlQueue::default();
        let ((), ()) = tokio::join!(control.pending(), async { control.ping(&[]) });
        control.pending().await;
        assert_eq!(control.take()[..], [0x89, 0]);
    }
}
