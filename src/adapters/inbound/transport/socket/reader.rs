//! The reading half of a connection: whole messages from the bare socket, within time limits.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BufMut;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, Sleep, sleep_until};

use super::idle_frames::IdleFrames;
use super::message::{Message, PeerClose};
use super::read_error::ReadError;
use super::read_timeouts::ReadTimeouts;
use super::sent::{Sent, Waiting};
use super::shared_socket::SharedSocket;
use crate::adapters::inbound::transport::frame::decoder::Decoder;
use crate::adapters::inbound::transport::frame::incoming::Incoming;
use crate::application::memory::{Account, Reservation};

/// How much is read at a time from an authenticated client that sends faster than the server
/// reads. System calls cost more than bytes.
const BURST_BYTES: usize = 32 * 1024;

/// A read of this many bytes or more counts as held memory at once, not only once it turns out not
/// to complete a message.
const COUNTED_READ: usize = 4 * 1024;

/// How many units a frame costs, and how many bytes of it cost one more. A task may use 128 units
/// before it yields to others, which takes some tens of microseconds (see [`Reader::pay`]).
const FRAME_COST: usize = 4;
pub(super) const BYTES_PER_UNIT: usize = 256;

/// How long nothing is read from a client after too many frames that bring no message further.
const PAUSE: Duration = Duration::from_millis(1);

/// The reading half of a connection.
#[derive(Debug)]
pub struct Reader {
    socket: Arc<SharedSocket>,
    decoder: Decoder,
    timeouts: ReadTimeouts,
    read_buffer_bytes: usize,
    /// How much to read next: more than `read_buffer_bytes` while the client keeps sending.
    read_next: usize,
    /// The only timer, made when it is first needed. It may fire early, which is cheaper than
    /// resetting it for every message.
    alarm: Option<Pin<Box<Sleep>>>,
    peer_close: Option<PeerClose>,
    /// How many units are still to be paid for what has come.
    debt: usize,
    /// How many frames have come that bring no message further.
    idle_frames: IdleFrames,
    /// Until when nothing is read, because there were too many such frames.
    paused: Option<Instant>,
    /// Reserves memory for what has come of the message in progress.
    held: Reservation,
    account: Arc<Account>,
    /// Whether the client has authenticated.
    authenticated: bool,
    sent: Sent,
}

impl Reader {
    pub(super) fn new(
        socket: Arc<SharedSocket>,
        decoder: Decoder,
        timeouts: ReadTimeouts,
        read_buffer_bytes: usize,
        account: Arc<Account>,
    ) -> Self {
        // A read into an empty buffer would look like the end of the stream.
        let read_buffer_bytes = read_buffer_bytes.max(256);
        Self {
            socket,
            decoder,
            timeouts,
            read_buffer_bytes,
            read_next: read_buffer_bytes,
            alarm: None,
            peer_close: None,
            debt: 0,
            idle_frames: IdleFrames::default(),
            paused: None,
            held: account.reserve(0),
            account,
            authenticated: false,
            sent: Sent::new(),
        }
    }

    /// The client's next message.
    ///
    /// Pings are answered on the way (the pong waits for the [`Writer`](super::writer::Writer)),
    /// and a silent client is pinged. Cancel-safe: a message is either returned or still there.
    /// Time between two calls, in which the caller holds the client back, counts neither as silence
    /// nor as slowness.
    ///
    /// # Errors
    /// Says why nothing more comes; [`Close::from`](super::close::Close) turns it into the answer.
    pub async fn next(&mut self) -> Result<Message, ReadError> {
        let mut reading = Reading {
            reader: self,
            is_done: false,
        };
        let message = reading.reader.read().await;
        reading.is_done = true;
        message
    }

    async fn read(&mut self) -> Result<Message, ReadError> {
        loop {
            if self.peer_close.is_some() {
                return Err(ReadError::Closed { proper: true });
            }
            if let Some(until) = self.paused {
                // The client has caused the pause, so it counts as the client's time.
                self.timeouts.start();
                sleep_until(until).await;
                self.paused = None;
            }
            self.pay().await;
            match self.decoder.decode()? {
                Some(Incoming::Text(payload)) => return Ok(self.complete(Message::Text(payload))),
                Some(Incoming::Binary(payload)) => {
                    return Ok(self.complete(Message::Binary(payload)));
                }
                Some(Incoming::Ping(payload)) => {
                    self.socket.control.pong(&payload);
                    self.count_frame(0);
                }
                Some(Incoming::Pong(payload)) => {
                    self.sent.pong(&payload, self.decoder.in_message());
                    self.count_frame(0);
                }
                Some(Incoming::Fragment(bytes)) => self.count_frame(bytes),
                Some(Incoming::Close(close)) => {
                    let code = close.map(|(code, _)| code);
                    self.peer_close = Some(PeerClose { code });
                }
                None => {
                    // The clock starts only now, because decoding is not the client's time.
                    self.timeouts.start();
                    let message = self
                        .decoder
                        .in_message()
                        .then(|| self.decoder.message_bytes());
                    self.timeouts.message(message);
                    self.held.set(message.unwrap_or(0));
                    if !self.account.has_room(0) {
                        // The server holds the client back, so this is not the client's time.
                        self.sent.waited(self.waiting());
                        self.timeouts.stop();
                        let room = self.socket.unless_failed(self.account.room(0));
                        room.await.ok_or(ReadError::Closed { proper: false })?;
                        self.timeouts.start();
                    }
                    if let Some(payload) = self.sent.ping() {
                        self.socket.control.ping(&payload);
                    }
                    poll_fn(|cx| self.poll_fill(cx)).await?;
                    continue;
                }
            }
            self.debt += FRAME_COST;
        }
    }

    /// Counts a frame that completes no message and brings `bytes` of one.
    fn count_frame(&mut self, bytes: usize) {
        if self.idle_frames.is_too_many(bytes) {
            self.paused = Some(Instant::now() + PAUSE);
        }
    }

    /// Pays for what has come, and yields to other tasks if it was much. Otherwise a client that
    /// sends without end would hold them up for milliseconds at a time, because its task never has
    /// to wait for anything. Cancel-safe.
    async fn pay(&mut self) {
        while self.debt > 0 {
            tokio::task::consume_budget().await;
            self.debt -= 1;
        }
    }

    /// When the client sent the last message, as far as can be told: too early rather than too
    /// late. What came while nothing was read, because of the caller, of memory or because the
    /// process stood still, counts as sent when that began.
    pub fn sent_at(&self) -> Instant {
        self.sent.at()
    }

    /// Waits for `work` unless the connection fails first, which would otherwise go unnoticed while
    /// nothing is read.
    pub fn unless_failed<'a, T>(
        &'a self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, Option<T>> {
        self.socket.unless_failed(work)
    }

    /// Whether a message has begun and is not complete, whatever pings come in between.
    pub fn in_message(&self) -> bool {
        self.decoder.in_message()
    }

    /// How many payload bytes of the message in progress have come.
    pub fn message_bytes(&self) -> usize {
        self.decoder.message_bytes()
    }

    /// Sets the longest message, in bytes, from the next frame on.
    pub fn set_max_message_bytes(&mut self, max_message_bytes: usize) {
        self.decoder.set_max_message_bytes(max_message_bytes);
    }

    /// Says whether the client has authenticated. If so, more is read at a time while it sends
    /// faster than the server reads.
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.authenticated = authenticated;
    }

    /// Reserves memory for a message of this length, for as long as the returned value lives.
    pub fn hold(&self, bytes: usize) -> Reservation {
        self.account.reserve(bytes)
    }

    /// Frees what has come of a message. The connection is being closed, and nothing more may be
    /// read.
    pub fn discard_message(&mut self) {
        self.decoder = Decoder::new(0);
        self.held.set(0);
    }

    /// The client's close frame, if it came.
    pub fn peer_close(&self) -> Option<PeerClose> {
        self.peer_close
    }

    /// The socket that it reads from.
    pub(super) fn socket(&self) -> &SharedSocket {
        &self.socket
    }

    fn complete(&mut self, message: Message) -> Message {
        self.timeouts.message(None);
        self.sent.complete();
        self.held.set(0);
        self.debt += FRAME_COST;
        self.idle_frames = IdleFrames::default();
        message
    }

    /// How the server waits for bytes.
    fn waiting(&self) -> Waiting {
        let since = self.timeouts.reading_since();
        let stall = self.socket.traffic.stalls.since(since);
        Waiting { since, stall }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReadError>> {
        self.timeouts.check_read().map_err(ReadError::from)?;
        // Asking for readiness first uses the task's budget, so a client that never stops sending
        // cannot keep others waiting.
        while self.socket.stream.poll_read_ready(cx)?.is_ready() {
            if !self.account.has_room(0) {
                // Others have taken the memory since this connection began to wait for data.
                return Poll::Ready(Ok(()));
            }
            let in_message = self.decoder.in_message();
            let (buffer, room) = self.decoder.read_into(self.read_next);
            match self.socket.stream.try_read_buf(&mut buffer.limit(room)) {
                Ok(0) => return Poll::Ready(Err(ReadError::Closed { proper: false })),
                Ok(count) => {
                    self.socket.received(count);
                    self.timeouts.heard();
                    self.sent.read(self.waiting(), in_message);
                    if count >= COUNTED_READ {
                        // Counted before this task yields to others, which may read as much.
                        self.held.set(self.held.bytes() + count);
                    }
                    self.debt += count / BYTES_PER_UNIT;
                    if self.authenticated && count == room {
                        self.read_next =
                            (self.read_next * 2).min(BURST_BYTES.max(self.read_buffer_bytes));
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        self.decoder.release();
        self.read_next = self.read_buffer_bytes;
        loop {
            let wait = self.timeouts.check(|| self.socket.control.ping(&[]))?;
            let deadline = Instant::now() + wait;
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if alarm.is_elapsed() || alarm.deadline() > deadline {
                alarm.as_mut().reset(deadline);
            }
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Stops the reading clock when it is dropped.
struct Reading<'a> {
    reader: &'a mut Reader,
    is_done: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let reader = &mut *self.reader;
        if !self.is_done && reader.timeouts.is_reading() {
            // Otherwise the time in which the client sent nothing would count as not read.
            reader.sent.read(reader.waiting(), reader.in_message());
        }
        reader.timeouts.stop();
    }
}
