//! From a connection's mailbox to its socket.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use super::courier::Courier;
use super::wire_frame::WireFrame;
use crate::adapters::inbound::transport::{SocketWriter, Written};
use crate::application::{Bell, Budget, Mailbox, MailboxLimits, locks};

/// How much is taken out of the mailbox and written at a time, in bytes.
const WRITE_BYTES: usize = 64 * 1_024;

/// Empties the mailbox of one connection into its socket.
///
/// The courier does so when the mailbox rings, for as long as the socket takes it: nobody has to
/// wake up the connection's own task, which costs more than a write. What the socket does not take
/// at once is left to that task.
pub(super) struct Outbox {
    pub(super) mailbox: Arc<Mailbox<WireFrame>>,
    outlet: SocketWriter,
    outgoing: Mutex<Outgoing>,
    /// Told when the socket is full or fails.
    stuck: Notify,
}

/// What has been taken out of the mailbox and is being written.
#[derive(Default)]
struct Outgoing {
    frames: VecDeque<WireFrame>,
    /// Whether nothing may be written any more, since the close is next.
    ended: bool,
}

/// Tells the courier of an outbox.
struct Call {
    courier: Arc<Courier>,
    outbox: Weak<Outbox>,
}

impl Bell for Call {
    fn ring(&self) {
        if let Some(outbox) = self.outbox.upgrade() {
            self.courier.call(outbox);
        }
    }
}

impl Outbox {
    /// An empty mailbox whose frames `courier` brings to `outlet`.
    pub(super) fn new(
        limits: MailboxLimits,
        budget: Arc<Budget>,
        outlet: SocketWriter,
        courier: Arc<Courier>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|outbox| {
            let outbox = Weak::clone(outbox);
            Self {
                mailbox: Mailbox::new(limits, budget, Call { courier, outbox }),
                outlet,
                outgoing: Mutex::default(),
                stuck: Notify::new(),
            }
        })
    }

    /// Writes what waits for as long as the socket takes it.
    ///
    /// # Errors
    /// The socket failed.
    pub(super) fn write(&self) -> io::Result<Written> {
        let mut outgoing = self.lock();
        if outgoing.ended {
            return Ok(Written::All);
        }
        let frames = &mut outgoing.frames;
        loop {
            if self.outlet.try_write(frames)? == Written::Full {
                return Ok(Written::Full);
            }
            self.mailbox.take(frames, WRITE_BYTES);
            if frames.is_empty() {
                // An idle connection keeps no room for a burst that is over.
                *frames = VecDeque::new();
                return Ok(Written::All);
            }
        }
    }

    /// The courier's part: what does not go smoothly is the connection's own business.
    pub(super) fn deliver(&self) {
        if !matches!(self.write(), Ok(Written::All)) {
            self.stuck.notify_one();
        }
    }

    /// Waits until the socket has not taken what the courier had for it.
    pub(super) async fn stuck(&self) {
        self.stuck.notified().await;
    }

    /// Nothing more is to be written.
    pub(super) fn end(&self) {
        self.lock().ended = true;
    }

    fn lock(&self) -> MutexGuard<'_, Outgoing> {
        locks::lock(&self.outgoing)
    }
}
