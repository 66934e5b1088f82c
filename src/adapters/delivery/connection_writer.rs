//! From a connection's queue to its socket.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use crate::adapters::delivery::flush::FlushTask;
use crate::adapters::delivery::send_queue::budget::Budget;
use crate::adapters::delivery::send_queue::queue::{Bell, SendQueue, SendQueueLimits};
use crate::adapters::delivery::wire_frame::WireFrame;
use crate::adapters::inbound::transport::{SocketWriter, Written};
use crate::application::locks;

/// How much is taken out of the queue and written at a time, in bytes.
const WRITE_BYTES: usize = 64 * 1_024;

/// Empties the queue of one connection into its socket.
///
/// The flush_task does so when the queue rings, for as long as the socket takes it: nobody has to
/// wake up the connection's own task, which costs more than a write. What the socket does not take
/// at once is left to that task.
pub(crate) struct ConnectionWriter {
    pub(crate) queue: Arc<SendQueue<WireFrame>>,
    socket: SocketWriter,
    outgoing: Mutex<Outgoing>,
    /// Told when the socket is full or fails.
    stuck: Notify,
}

/// What has been taken out of the queue and is being written.
#[derive(Default)]
struct Outgoing {
    frames: VecDeque<WireFrame>,
    /// Whether nothing may be written any more, since the close is next.
    ended: bool,
}

/// Tells the flush_task of an writer.
struct Call {
    flush_task: Arc<FlushTask>,
    writer: Weak<ConnectionWriter>,
}

impl Bell for Call {
    fn ring(&self) {
        if let Some(writer) = self.writer.upgrade() {
            self.flush_task.call(writer);
        }
    }
}

impl ConnectionWriter {
    /// An empty queue whose frames `flush_task` brings to `socket`.
    pub(crate) fn new(
        limits: SendQueueLimits,
        budget: Arc<Budget>,
        socket: SocketWriter,
        flush_task: Arc<FlushTask>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|writer| {
            let writer = Weak::clone(writer);
            Self {
                queue: SendQueue::new(limits, budget, Call { flush_task, writer }),
                socket,
                outgoing: Mutex::default(),
                stuck: Notify::new(),
            }
        })
    }

    /// Writes what waits for as long as the socket takes it.
    ///
    /// # Errors
    /// The socket failed.
    pub(crate) fn write(&self) -> io::Result<Written> {
        let mut outgoing = self.lock();
        if outgoing.ended {
            return Ok(Written::All);
        }
        let frames = &mut outgoing.frames;
        loop {
            if self.socket.try_write(frames)? == Written::Full {
                return Ok(Written::Full);
            }
            self.queue.take(frames, WRITE_BYTES);
            if frames.is_empty() {
                // An idle connection keeps no room for a burst that is over.
                *frames = VecDeque::new();
                return Ok(Written::All);
            }
        }
    }

    /// The flush_task's part: what does not go smoothly is the connection's own business.
    pub(crate) fn deliver(&self) {
        if !matches!(self.write(), Ok(Written::All)) {
            self.stuck.notify_one();
        }
    }

    /// Waits until the socket has not taken what the flush_task had for it.
    pub(crate) async fn stuck(&self) {
        self.stuck.notified().await;
    }

    /// Nothing more is to be written.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
    }

    fn lock(&self) -> MutexGuard<'_, Outgoing> {
        locks::lock(&self.outgoing)
    }
}
