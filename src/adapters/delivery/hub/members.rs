//! The receivers of one topic.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::deliveries::Handed;
use crate::adapters::delivery::flush::Together;
use crate::adapters::delivery::send_queue::Latest;
use crate::adapters::delivery::send_queue::queue::{Frame, SendQueue};
use crate::application::fair_share::is_slice_over;
use crate::application::locks::lock;
use crate::application::{ConnectionId, Event};
use crate::domain::Contents;

/// Turns an event for that many receivers into the messages that report it. There are none if the
/// receivers must read the content back.
pub type Encoder<F> = dyn Fn(&Event, usize) -> Vec<F> + Send + Sync;

/// How long an event is handed over before other threads run, and after how many receivers the time
/// is checked.
const SLICE: Duration = Duration::from_micros(100);
const AT_ONCE: usize = 16;

/// The receivers of one topic.
pub(crate) struct Members<F>(Mutex<State<F>>);

struct State<F> {
    receivers: HashMap<ConnectionId, Receiver<F>>,
    /// Whether the last member has left: a new member then needs a new topic.
    closed: bool,
}

struct Receiver<F> {
    queue: Arc<SendQueue<F>>,
    /// Which changed files it gets with their contents.
    contents: Arc<Contents>,
}

impl<F> Default for Members<F> {
    fn default() -> Self {
        Self(Mutex::new(State {
            receivers: HashMap::new(),
            closed: false,
        }))
    }
}

impl<F: Frame> Members<F> {
    /// Adds a member. Returns false if the last member has left in the meantime.
    pub(crate) fn insert(&self, id: ConnectionId, queue: &Arc<SendQueue<F>>) -> bool {
        let mut members = lock(&self.0);
        if !members.closed {
            let receiver = Receiver {
                queue: Arc::clone(queue),
                contents: Arc::default(),
            };
            members.receivers.insert(id, receiver);
        }
        !members.closed
    }

    /// Sets which changed files a member gets with their contents.
    pub(crate) fn narrow(&self, id: ConnectionId, contents: Arc<Contents>) {
        if let Some(receiver) = lock(&self.0).receivers.get_mut(&id) {
            receiver.contents = contents;
        }
    }

    /// Removes a member. Returns whether nobody is left; then nobody can join any more either.
    pub(crate) fn remove(&self, id: ConnectionId) -> bool {
        let mut members = lock(&self.0);
        members.receivers.remove(&id);
        members.closed = members.receivers.is_empty();
        members.closed
    }

    /// How many members there are, not counting `others`.
    pub(crate) fn count_without(&self, others: &HashSet<ConnectionId>) -> usize {
        let receivers = &lock(&self.0).receivers;
        let is_member = |id: &&ConnectionId| receivers.contains_key(id);
        receivers.len() - others.iter().filter(is_member).count()
    }

    /// Encodes `event` once and hands it to every member but `origin`. Drops a waiting older change
    /// of the same file for `origin`, which must receive nothing older from now on. Returns how
    /// many receivers the event was handed to, by how it was delivered.
    pub(crate) fn deliver(
        &self,
        event: &Event,
        origin: Option<ConnectionId>,
        encode: &Encoder<F>,
    ) -> Handed {
        let mut handed = Handed::default();
        let together = Together::begin();
        let members = lock(&self.0);
        if let Some(origin) = origin.and_then(|id| members.receivers.get(&id))
            && let Some((file, version)) = event.file_change()
        {
            origin.queue.supersede(file, version);
        }
        let count = members.receivers.len();
        let mut since = Instant::now();
        let mut receivers = members
            .receivers
            .iter()
            .filter(|(id, _)| Some(**id) != origin)
            .enumerate()
            .map(|(number, (_, receiver))| {
                if number % AT_ONCE == AT_ONCE - 1 && is_slice_over(since, SLICE) {
                    // A crowd must not keep the processor from other threads for milliseconds.
                    together.flush();
                    std::thread::yield_now();
                    since = Instant::now();
                }
                receiver
            })
            .peekable();
        if receivers.peek().is_none() {
            return handed;
        }
        if let Event::FileUpdated { file, entry, .. } = event {
            let (mut contents, mut told) = (None, None);
            for Receiver {
                queue,
                contents: wanted,
            } in receivers
            {
                if wanted.include(&file.path) {
                    let frames = contents.get_or_insert_with(|| encode(event, count));
                    handed.note(queue.deliver_update(file, entry.version, frames));
                } else {
                    let changed = || {
                        let (file, entry) = (Arc::clone(file), *entry);
                        encode(&Event::FileChanged { file, entry }, count)
                    };
                    for frame in told.get_or_insert_with(changed) {
                        handed.note(queue.deliver_told(file, entry.version, frame));
                    }
                }
            }
            return handed;
        }
        let frames = encode(event, count);
        for (Receiver { queue, .. }, frame) in each(receivers, &frames) {
            handed.note(match event {
                // Handed over above.
                Event::FileUpdated { .. } => continue,
                Event::FileChanged { file, entry } => {
                    queue.deliver_told(file, entry.version, frame)
                }
                Event::FileDeleted { file, version } => queue.deliver_told(file, *version, frame),
                Event::Presence { project, .. } => {
                    queue.deliver_latest(Latest::Streamer, project, frame)
                }
                Event::ViewersChanged { project, .. } => {
                    queue.deliver_latest(Latest::Viewers, project, frame)
                }
                Event::FocusChanged { file, .. } => {
                    queue.deliver_latest(Latest::Focus, &file.project, frame)
                }
                Event::PullRequestCreated(_)
                | Event::PullRequestClosed { .. }
                | Event::Apply(_)
                | Event::ChatMessage(_)
                | Event::ChatDeleted { .. }
                | Event::ChatSlowed { .. }
                | Event::ChatModerated { .. } => queue.deliver(frame.clone()),
            });
        }
        handed
    }
}

/// Every receiver with every frame, in order.
fn each<'a, M: Copy + 'a, F>(
    receivers: impl Iterator<Item = M> + 'a,
    frames: &'a [F],
) -> impl Iterator<Item = (M, &'a F)> {
    receivers.flat_map(move |receiver| frames.iter().map(move |frame| (receiver, frame)))
}
