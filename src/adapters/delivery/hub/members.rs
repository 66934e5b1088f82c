//! The receivers of one topic.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::adapters::delivery::send_queue::queue::{Frame, SendQueue};
use crate::application::locks::lock;
use crate::application::{ConnectionId, Event};

/// Turns an event for that many receivers into the messages that report it; none if they read the
/// content back.
pub type Encoder<F> = dyn Fn(&Event, usize) -> Vec<F> + Send + Sync;

/// How many receivers get an event before other threads get to run.
const AT_ONCE: usize = 1_000;

/// The receivers of one topic.
pub(crate) struct Members<F>(Mutex<State<F>>);

struct State<F> {
    queues: HashMap<ConnectionId, Arc<SendQueue<F>>>,
    /// Whether the last member has left: a new member then needs a new topic.
    closed: bool,
}

impl<F> Default for Members<F> {
    fn default() -> Self {
        Self(Mutex::new(State {
            queues: HashMap::new(),
            closed: false,
        }))
    }
}

impl<F: Frame> Members<F> {
    /// Adds a member. Returns false if the last member has left in the meantime.
    pub(crate) fn insert(&self, id: ConnectionId, queue: &Arc<SendQueue<F>>) -> bool {
        let mut members = lock(&self.0);
        if !members.closed {
            members.queues.insert(id, Arc::clone(queue));
        }
        !members.closed
    }

    /// Removes a member. Returns whether nobody is left; then nobody can join any more either.
    pub(crate) fn remove(&self, id: ConnectionId) -> bool {
        let mut members = lock(&self.0);
        members.queues.remove(&id);
        members.closed = members.queues.is_empty();
        members.closed
    }

    /// How many there are without these.
    pub(crate) fn count_without(&self, others: &HashSet<ConnectionId>) -> usize {
        let queues = &lock(&self.0).queues;
        let is_member = |id: &&ConnectionId| queues.contains_key(id);
        queues.len() - others.iter().filter(is_member).count()
    }

    /// Encodes `event` once and hands it to everybody but `origin`, who must receive nothing older
    /// now.
    pub(crate) fn deliver(&self, event: &Event, origin: Option<ConnectionId>, encode: &Encoder<F>) {
        let members = lock(&self.0);
        if let Some(queue) = origin.and_then(|id| members.queues.get(&id))
            && let Event::FileUpdated { file, version, .. } | Event::FileDeleted { file, version } =
                event
        {
            queue.supersede(file, *version);
        }
        let mut receivers = members
            .queues
            .iter()
            .filter(|(id, _)| Some(**id) != origin)
            .enumerate()
            .map(|(number, (_, queue))| {
                if number % AT_ONCE == AT_ONCE - 1 {
                    // A crowd must not keep the processor from other threads for milliseconds.
                    std::thread::yield_now();
                }
                queue
            })
            .peekable();
        if receivers.peek().is_none() {
            return;
        }
        let frames = encode(event, members.queues.len());
        match event {
            Event::FileUpdated { file, version, .. } => {
                receivers.for_each(|queue| queue.deliver_update(file, *version, &frames));
            }
            Event::FileDeleted { file, version } => {
                for (queue, frame) in each(receivers, &frames) {
                    queue.deliver_deletion(file, *version, frame);
                }
            }
            Event::Presence { project, .. } => {
                for (queue, frame) in each(receivers, &frames) {
                    queue.deliver_presence(project, frame);
                }
            }
            Event::PullRequestCreated(_)
            | Event::PullRequestClosed { .. }
            | Event::ChatMessage(_) => {
                for (queue, frame) in each(receivers, &frames) {
                    queue.deliver(frame.clone());
                }
            }
        }
    }
}

/// Every receiver with every frame, in order.
fn each<'a, M: Copy + 'a, F>(
    receivers: impl Iterator<Item = M> + 'a,
    frames: &'a [F],
) -> impl Iterator<Item = (M, &'a F)> {
    receivers.flat_map(move |receiver| frames.iter().map(move |frame| (receiver, frame)))
}
