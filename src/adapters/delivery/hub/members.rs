//! The receivers of one topic.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::adapters::delivery::hub::Encoder;
use crate::adapters::delivery::send_queue::queue::{Frame, SendQueue};
use crate::application::FileKey;
use crate::application::locks::lock;
use crate::application::{ConnectionId, Event};

/// The receivers of one topic.
pub(crate) struct Members<F>(Mutex<HashMap<ConnectionId, Arc<SendQueue<F>>>>);

impl<F> Default for Members<F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<F: Frame> Members<F> {
    pub(crate) fn insert(&self, id: ConnectionId, queue: Arc<SendQueue<F>>) {
        lock(&self.0).insert(id, queue);
    }

    /// Returns whether nobody is left.
    pub(crate) fn remove(&self, id: ConnectionId) -> bool {
        let mut members = lock(&self.0);
        members.remove(&id);
        members.is_empty()
    }

    /// How many there are without these.
    pub(crate) fn count_without(&self, others: &HashSet<ConnectionId>) -> usize {
        let members = lock(&self.0);
        let excluded = others.iter().filter(|id| members.contains_key(id)).count();
        members.len() - excluded
    }

    /// Encodes `event` once and hands it to all but `origin`, to whom nothing older may come now.
    pub(crate) fn deliver(&self, event: &Event, origin: Option<ConnectionId>, encode: &Encoder<F>) {
        let members = lock(&self.0);
        if let Some(queue) = origin.and_then(|id| members.get(&id)) {
            supersede(queue, event);
        }
        let mut receivers = members
            .iter()
            .filter(|(id, _)| Some(**id) != origin)
            .map(|(_, queue)| queue)
            .peekable();
        if receivers.peek().is_none() {
            return;
        }
        let frames = encode(event);
        match event {
            Event::FileUpdated {
                project,
                path,
                version,
                ..
            } => {
                let file = Arc::new(FileKey {
                    project: project.clone(),
                    path: path.clone(),
                });
                receivers.for_each(|queue| queue.deliver_update(&file, *version, &frames));
            }
            Event::FileDeleted {
                project,
                path,
                version,
            } => {
                let file = Arc::new(FileKey {
                    project: project.clone(),
                    path: path.clone(),
                });
                for (queue, frame) in each(receivers, &frames) {
                    queue.deliver_deletion(&file, *version, frame);
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

/// The change that `event` tells of makes older ones of the same file obsolete.
fn supersede<F: Frame>(queue: &SendQueue<F>, event: &Event) {
    if let Event::FileUpdated {
        project,
        path,
        version,
        ..
    }
    | Event::FileDeleted {
        project,
        path,
        version,
    } = event
    {
        let file = FileKey {
            project: project.clone(),
            path: path.clone(),
        };
        queue.supersede(&file, *version);
    }
}

/// Every receiver with every frame, in order.
fn each<'a, M: Copy + 'a, F>(
    receivers: impl Iterator<Item = M> + 'a,
    frames: &'a [F],
) -> impl Iterator<Item = (M, &'a F)> {
    receivers.flat_map(move |receiver| frames.iter().map(move |frame| (receiver, frame)))
}
