//! A streamer who connects again waits until what they have sent before is carried out (protocol,
//! section 10).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::application::connection_id::ConnectionId;
use crate::application::locks::lock;
use crate::domain::ProjectId;

/// How long to wait for other connections to end.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The other end of a connection. An inbound adapter implements it.
pub trait Client: Send + Sync {
    /// Whether, as far as is known, nothing more comes from it, though what has come may still wait
    /// to be read. It never comes back.
    fn has_finished(&self) -> bool;
}

/// The clients of all connections whose sessions last.
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
    /// Made when somebody waits for its end, and cancelled as it is dropped.
    ended: Option<DropGuard>,
}

impl Clients {
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
        lock(&self.0).all.remove(&connection);
    }

    /// Notes which project a connection streams from now on.
    pub(crate) fn streams(&self, connection: ConnectionId, project: Option<&ProjectId>) {
        let State { all, streaming } = &mut *lock(&self.0);
        let Some(connected) = all.get_mut(&connection) else {
            return;
        };
        if connected.streams.as_ref() == project {
            return;
        }
        if let Some(old) = connected.streams.take() {
            streaming.remove(&(old, connection));
        }
        connected.streams = project.cloned();
        streaming.extend(project.cloned().map(|project| (project, connection)));
    }

    /// Waits, but no longer than 10 s, until the sessions of those have ended that stream `project`
    /// and whose clients have finished. `me` does not wait if it streams the project already or has
    /// finished as well: two would wait for each other.
    pub(crate) async fn finished_streamers(&self, project: &ProjectId, me: ConnectionId) {
        let ends = self.ends(project, me);
        if ends.is_empty() {
            return;
        }
        let all = async {
            for end in ends {
                end.cancelled().await;
            }
        };
        // If it takes longer, their changes and later ones are made in any order.
        let _ = tokio::time::timeout(MAX_WAIT, all).await;
    }

    fn ends(&self, project: &ProjectId, me: ConnectionId) -> Vec<CancellationToken> {
        let State { all, streaming } = &mut *lock(&self.0);
        let waits = all
            .get(&me)
            .is_some_and(|me| me.streams.as_ref() != Some(project) && !me.client.has_finished());
        if !waits {
            return Vec::new();
        }
        let first = (project.clone(), ConnectionId(0));
        let of_it = streaming.range(first..).take_while(|(of, _)| of == project);
        let mut ends = Vec::new();
        for (_, id) in of_it {
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
