//! From a connection's queue to its socket.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use crate::adapters::delivery::flush::{Flush, FlushTask};
use crate::adapters::delivery::send_queue::queue::{Bell, SendQueue, SendQueueLimits};
use crate::adapters::delivery::wire_frame::WireFrame;
use crate::adapters::inbound::transport::{SocketWriter, Written};
use crate::application::locks;
use crate::application::memory::Account;

/// How much is taken out of the queue and written at a time, in bytes.
const WRITE_BYTES: usize = 64 * 1_024;

/// How much one call may write, in bytes, before other connections of the same flush task are
/// served: a client that reads as fast as the server writes must not keep the task.
const TURN_BYTES: usize = 512 * 1_024;

/// How far the frames that wait have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// All of them.
    All,
    /// As many as one turn allows.
    Turn,
    /// As many as the socket took.
    Full,
}

/// Empties the queue of one connection into its socket.
///
/// The flush task does so when the queue asks for it, for as long as the socket takes it: nobody
/// has to wake up the connection's own task, which costs more than a write. What the socket does
/// not take at once is left to that task.
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

/// Tells the flush task of a writer.
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
        account: Arc<Account>,
        socket: SocketWriter,
        flush_task: Arc<FlushTask>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|writer| {
            let writer = Weak::clone(writer);
            Self {
                queue: SendQueue::new(limits, account, Call { flush_task, writer }),
                socket,
                outgoing: Mutex::default(),
                stuck: Notify::new(),
            }
        })
    }

    /// Writes what waits for as long as the socket takes it, and no more than one turn's worth.
    ///
    /// # Errors
    /// The socket failed.
    pub(crate) fn write(&self) -> io::Result<Flushed> {
        let mut outgoing = self.lock();
        if outgoing.ended {
            return Ok(Flushed::All);
        }
        let frames = &mut outgoing.frames;
        let mut taken = 0;
        loop {
            if self.socket.try_write(frames)? == Written::Full {
                return Ok(Flushed::Full);
            }
            if taken >= TURN_BYTES {
                return Ok(Flushed::Turn);
            }
            taken += self.queue.take(frames, WRITE_BYTES);
            if frames.is_empty() {
                // An idle connection keeps no room for a burst that is over.
                *frames = VecDeque::new();
                return Ok(Flushed::All);
            }
        }
    }

    /// Waits until the socket has not taken what the flush task had for it.
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

impl Flush for ConnectionWriter {
    fn flush_some(&self) -> bool {
        match self.write() {
            Ok(Flushed::All) => false,
            Ok(Flushed::Turn) => true,
            Ok(Flushed::Full) | Err(_) => {
                self.stuck.notify_one();
                false
            }
        }
    }

    fn abandon(&self) {
        self.queue.close();
    }
}
