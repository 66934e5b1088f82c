//! Writes a connection's send queue to its socket.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;

use crate::adapters::delivery::flush::{Flush, FlushTask};
use crate::adapters::delivery::send_queue::limits::SendQueueLimits;
use crate::adapters::delivery::send_queue::queue::{FlushCall, Lane, SendQueue};
use crate::adapters::delivery::wire_frame::WireFrame;
use crate::adapters::inbound::transport::{SocketWriter, Written};
use crate::application::locks::lock;
use crate::application::memory::Account;
use crate::application::session::Client;

/// How many bytes are taken out of the queue and written at a time.
const WRITE_BYTES: usize = 64 * 1_024;

/// How many bytes one call may write before other connections of the same flush task are served: a
/// client that reads as fast as the server writes must not monopolise the task.
const TURN_BYTES: usize = 64 * 1_024;

/// How far the waiting frames have been written.
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
/// When the queue asks for it, the flush task writes for as long as the socket takes data. It does
/// not wake the connection's own task, because that would cost more than a write. The connection's
/// own task writes what the socket does not take at once.
pub(crate) struct ConnectionWriter {
    pub(crate) queue: Arc<SendQueue<WireFrame>>,
    socket: SocketWriter,
    outgoing: Mutex<Outgoing>,
    /// Notified when the socket is full or fails.
    stuck: Notify,
    /// Whether the connection's task has stopped reading, or reads only what has already arrived.
    reads_no_more: AtomicBool,
}

/// What has been taken out of the queue and is being written.
#[derive(Default)]
struct Outgoing {
    frames: VecDeque<WireFrame>,
    /// Whether writing is over, because the close is next.
    ended: bool,
}

/// Notifies the flush task of a writer.
struct Call {
    flush_task: Arc<FlushTask>,
    writer: Weak<ConnectionWriter>,
}

impl FlushCall for Call {
    fn call(&self, lane: Lane) {
        if let Some(writer) = self.writer.upgrade() {
            self.flush_task.call(writer, lane);
        }
    }
}

impl ConnectionWriter {
    /// An empty queue whose frames `flush_task` writes to `socket`.
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
                reads_no_more: AtomicBool::new(false),
            }
        })
    }

    /// Writes what waits until the queue is empty, the socket is full or the turn is used up.
    ///
    /// # Errors
    /// The socket failed.
    pub(crate) fn write(&self) -> io::Result<Flushed> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.ended {
            return Ok(Flushed::All);
        }
        let frames = &mut outgoing.frames;
        let mut taken = 0;
        loop {
            match self.socket.try_write(frames)? {
                Written::All => {}
                Written::Turn => return Ok(Flushed::Turn),
                Written::Full => return Ok(Flushed::Full),
            }
            if taken >= TURN_BYTES {
                return Ok(Flushed::Turn);
            }
            taken += self.queue.take(frames, WRITE_BYTES);
            if frames.is_empty() {
                // An idle connection keeps no capacity for a burst that is over.
                *frames = VecDeque::new();
                return Ok(Flushed::All);
            }
        }
    }

    /// Waits until the flush task finds the socket full or failed.
    pub(crate) async fn stuck(&self) {
        self.stuck.notified().await;
    }

    /// Drops what waits to be written, except a frame that has been written in part.
    pub(crate) fn discard(&self) {
        self.queue.close();
        lock(&self.outgoing).frames = VecDeque::new();
    }

    /// Notes that whatever the client sends from now on is not read.
    pub(crate) fn finish_reading(&self) {
        self.reads_no_more.store(true, Ordering::Relaxed);
    }

    /// Forbids all further writing.
    pub(crate) fn end(&self) {
        lock(&self.outgoing).ended = true;
    }
}

impl Client for ConnectionWriter {
    fn has_finished(&self) -> bool {
        self.reads_no_more.load(Ordering::Relaxed) || self.socket.has_finished()
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
