//! A streamer who connects again waits until what they sent before has been carried out (protocol,
//! section 10).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::application::connection_id::ConnectionId;
use crate::application::locks::lock;
use crate::domain::ProjectId;

/// How long to wait for earlier connections to end. The connection that waits may itself be closed
/// during that time; it then has ten seconds for all its requests, this wait included.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The other end of a connection. An inbound adapter implements it.
pub trait Client: Send + Sync {
    /// Whether, as far as is known, the client sends nothing more, though what it has sent may
    /// still wait to be read. Once true, it stays true.
    fn has_finished(&self) -> bool;
}

/// The clients of all connections that have a session.
#[derive(Default)]
pub(crate) struct Clients(Mutex<State>);

#[derive(Default)]
struct State {
    all: HashMap<ConnectionId, Connected>,
    streaming: BTreeSet<(ProjectId, ConnectionId)>,
}

struct Connected {
    client: Arc<dyn Client>,
    streams: Option<ProjectId>,
    /// Made when somebody waits for its end. Dropping it wakes those who wait.
    ended: Option<DropGuard>,
}

impl Clients {
    /// Notes the client of a connection whose session begins.
    pub(crate) fn connect(&self, connection: ConnectionId, client: Arc<dyn Client>) {
        let connected = Connected {
            client,
            streams: None,
            ended: None,
        };
        lock(&self.0).all.insert(connection, connected);
    }

    /// Notes that the connection's session has ended.
    pub(crate) fn disconnect(&self, connection: ConnectionId) {
        self.streams(connection, None);
        let ended = lock(&self.0).all.remove(&connection);
        // Not under the lock, because it wakes those who wait.
        drop(ended);
    }

    /// Notes which project a connection streams from now on. Returns whether that is a change.
    pub(crate) fn streams(&self, connection: ConnectionId, project: Option<&ProjectId>) -> bool {
        let State { all, streaming } = &mut *lock(&self.0);
        let Some(connected) = all.get_mut(&connection) else {
            return false;
        };
        if connected.streams.as_ref() == project {
            return false;
        }
        if let Some(old) = connected.streams.take() {
            streaming.remove(&(old, connection));
        }
        connected.streams = project.cloned();
        streaming.extend(project.cloned().map(|project| (project, connection)));
        true
    }

    /// Notes that `me` is to stream `project`. Unless `me` streams it already, waits for the end of
    /// the sessions of all earlier connections that stream it as well and whose clients have
    /// finished, but for 5 s at most.
    pub(crate) async fn stream_in_turn(&self, project: &ProjectId, me: ConnectionId) {
        if !self.streams(me, Some(project)) {
            return;
        }
        let ends = self.ends_before(project, me);
        if ends.is_empty() {
            return;
        }
        let all = async {
            for end in ends {
                end.cancelled().await;
            }
        };
        // If it takes longer, their changes and those of `me` are made in any order.
        let _ = tokio::time::timeout(MAX_WAIT, all).await;
    }

    /// Earlier connections never wait for later ones, so no two wait for each other.
    fn ends_before(&self, project: &ProjectId, me: ConnectionId) -> Vec<CancellationToken> {
        let State { all, streaming } = &mut *lock(&self.0);
        let first = (project.clone(), ConnectionId(0));
        let mut ends = Vec::new();
        for (_, id) in streaming.range(first..(project.clone(), me)) {
            let other = all.get_mut(id).filter(|other| other.client.has_finished());
            ends.extend(other.map(|other| {
                let ended = &mut other.ended;
                let ended = ended.get_or_insert_with(|| CancellationToken::new().drop_guard());
                ended.token().clone()
            }));
        }
        ends
    }
}

#[cfg(test)]
mod tests;
