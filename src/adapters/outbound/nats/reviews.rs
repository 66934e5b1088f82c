//! Which pull requests are open, as the log tells.

use std::collections::HashMap;
use std::collections::hash_map::Entry::Occupied;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::tombstones::Tombstones;
use crate::adapters::outbound::open_pull_requests::{Finishing, OpenPullRequests};
use crate::adapters::outbound::records::pull_request as pull_request_record;
use crate::application::Event;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, StoreError, TellFinished, Topic, Turn};
use crate::application::pull_requests::ended;
use crate::domain::{Outcome, ProjectId, ProjectName, PullRequest, PullRequestId, UserName};

/// The format of [`Kept`].
pub(crate) const FORMAT: u32 = 1;

/// What the log says about pull requests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kept {
    /// When a project's latest pull request was opened, in milliseconds since the epoch.
    Head { format: u32, date: u64 },
    /// A pull request that is open.
    Open {
        format: u32,
        /// The lengths of its files, in their order.
        bytes: Vec<u64>,
        /// The rest of it, as it is written on a disk.
        record: serde_json::Value,
    },
    /// A pull request that is not open any more.
    Closed {
        format: u32,
        streamer: String,
        project: String,
        id: String,
        /// How it ended; the first servers did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<Ended>,
    },
}

/// How a pull request ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// Its owner.
    pub owner: String,
    pub outcome: How,
    /// Which delete ended it; no two have the same name.
    pub by: String,
}

/// An outcome as the log has it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    Merged,
    Closed,
    Withdrawn,
    /// One that only later servers know.
    #[serde(other)]
    Otherwise,
}

impl From<Outcome> for How {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Merged => Self::Merged,
            Outcome::Closed => Self::Closed,
            Outcome::Withdrawn => Self::Withdrawn,
        }
    }
}

impl How {
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Merged => Some(Outcome::Merged),
            Self::Closed => Some(Outcome::Closed),
            Self::Withdrawn => Some(Outcome::Withdrawn),
            Self::Otherwise => None,
        }
    }
}

/// An open pull request, and the lengths of its files.
pub(crate) struct Open {
    pub pull_request: PullRequest,
    pub bytes: Vec<u64>,
}

/// Which pull requests are open, as the log tells.
pub(crate) struct Reviews {
    pub open: Arc<OpenPullRequests>,
    /// The pull requests that this node is finishing, to be told of at their place in the log.
    pub finishing: Mutex<HashMap<PullRequestId, (Finishing, TellFinished)>>,
    /// The same for deletes, each with its name.
    pub deleting: Mutex<HashMap<PullRequestId, (String, Turn)>>,
    /// The pull requests that are closed are among them.
    pub tombstones: Arc<Tombstones>,
    events: Arc<dyn EventPublisher>,
    /// The log up to here was read at the start.
    loaded: u64,
}

impl Reviews {
    /// Reads all open pull requests. The log must be followed from before this call.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn load(
        engine: &Engine,
        events: Arc<dyn EventPublisher>,
    ) -> Result<Self, StoreError> {
        let mut reviews = Self {
            open: Arc::default(),
            finishing: Mutex::default(),
            deleting: Mutex::default(),
            tombstones: Arc::default(),
            events,
            loaded: 0,
        };
        let all = engine.subjects.all_pull_requests();
        let apply = |message: &Logged| {
            reviews.loaded = message.sequence;
            reviews.apply(message)
        };
        engine.read_all(all, apply).await?;
        Ok(reviews)
    }

    /// Does what a message of the log tells.
    pub fn follow(&self, message: &Logged) {
        if message.sequence > self.loaded
            && let Err(error) = self.apply(message)
        {
            tracing::error!(%error, "the log has a pull request that is not understood");
        }
    }

    fn apply(&self, message: &Logged) -> Result<(), StoreError> {
        match serde_json::from_slice(&message.payload).map_err(StoreError::failed)? {
            Kept::Head { .. } => {}
            Kept::Open {
                format,
                bytes,
                record,
            } => {
                let open = understand(format, bytes, &record)?;
                self.opened(&open.pull_request);
            }
            Kept::Closed {
                streamer,
                project,
                id,
                ended,
                ..
            } => {
                let not_understood = || StoreError::failed("a name in it is none");
                let streamer = UserName::parse(&streamer).map_err(StoreError::failed)?;
                let name = ProjectName::parse(&project);
                let name = name.map_err(StoreError::failed)?;
                let id = PullRequestId::parse(&id).ok_or_else(not_understood)?;
                // Nobody is told of what was there at the start.
                let is_new = message.sequence > self.loaded;
                let ended = ended.filter(|_| is_new);
                let is_own = self.closed(&ProjectId { streamer, name }, id, ended.as_ref());
                if is_own || !is_new {
                    self.tombstones.note(message);
                }
            }
        }
        Ok(())
    }

    fn opened(&self, pull_request: &PullRequest) {
        let own = lock(&self.finishing).remove(&pull_request.id);
        match own {
            Some((finishing, in_turn)) => finishing.keep(pull_request, in_turn),
            None => self.open.insert_and_tell(pull_request, || {
                let topic = Topic::Proposals(pull_request.project.clone());
                let event = Event::PullRequestCreated(pull_request.clone());
                self.events.publish(&topic, event, None);
            }),
        }
    }

    /// Returns whether a delete of this node has closed it.
    fn closed(&self, project: &ProjectId, id: PullRequestId, ended: Option<&Ended>) -> bool {
        // It was opened, though the log no longer tells of that, so it must not be opened again.
        let opening = lock(&self.finishing).remove(&id);
        drop(opening);
        let own = ended.and_then(|ended| self.take_own(id, ended));
        let is_own = own.is_some();
        let in_turn = own.unwrap_or_else(|| {
            let notice = ended.and_then(|ended| {
                let owner = UserName::parse(&ended.owner).ok()?;
                let outcome = ended.outcome.outcome()?;
                Some(ended::notice(project, &owner, id, outcome))
            });
            let events = Arc::clone(&self.events);
            Box::new(move || {
                let Some((topics, event)) = notice else {
                    return;
                };
                for topic in topics {
                    events.publish(&topic, event.clone(), None);
                }
            })
        });
        self.open.remove(project, id, in_turn);
        is_own
    }

    /// Closes the pull requests that the log no longer has: this node has missed that they ended.
    pub async fn close_what_is_gone(&self, engine: &Engine) -> Result<(), StoreError> {
        for (project, id) in self.open.all() {
            let subject = engine.subjects.pull_request(&project, id);
            if engine.last(&subject).await?.is_none() {
                self.closed(&project, id, None);
            }
        }
        Ok(())
    }

    /// Who is told here, if a delete of this node has ended the pull request.
    fn take_own(&self, id: PullRequestId, ended: &Ended) -> Option<Turn> {
        match lock(&self.deleting).entry(id) {
            Occupied(own) if own.get().0 == ended.by => Some(own.remove().1),
            _ => None,
        }
    }
}

/// An open pull request, as the log has it.
///
/// # Errors
/// `Failed` if it cannot be understood.
pub(crate) fn understand(
    format: u32,
    bytes: Vec<u64>,
    record: &serde_json::Value,
) -> Result<Open, StoreError> {
    if format != FORMAT {
        return Err(StoreError::failed(format!(
            "it has format {format}, but this server knows format {FORMAT} only"
        )));
    }
    let decoded = pull_request_record::decode(record.to_string().as_bytes());
    Ok(Open {
        pull_request: decoded.map_err(StoreError::failed)?,
        bytes,
    })
}

#[cfg(test)]
mod tests;
