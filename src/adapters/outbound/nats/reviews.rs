//! Which pull requests are open, as the log tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::open_pull_requests::{Finishing, OpenPullRequests};
use crate::adapters::outbound::records::pull_request as pull_request_record;
use crate::application::Event;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, StoreError, TellFinished, Topic, Turn};
use crate::domain::{ProjectId, ProjectName, PullRequest, PullRequestId, UserName};

/// The format of [`Kept`].
pub(crate) const FORMAT: u32 = 1;

/// What the log says about pull requests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kept {
    /// When the latest of a project was opened, in milliseconds since the epoch.
    Head { format: u32, date: u64 },
    /// It is open.
    Open {
        format: u32,
        /// The lengths of its files, in their order.
        bytes: Vec<u64>,
        /// The rest of it, as it is written on a disk.
        record: serde_json::Value,
    },
    /// It is not open any more.
    Closed {
        format: u32,
        streamer: String,
        project: String,
        id: String,
    },
}

/// An open pull request, and the lengths of its files.
pub(crate) struct Open {
    pub pull_request: PullRequest,
    pub bytes: Vec<u64>,
}

/// Which pull requests are open, as the log tells.
pub(crate) struct Reviews {
    pub open: Arc<OpenPullRequests>,
    /// What this node is doing, to be told of at its place of the log.
    pub finishing: Mutex<HashMap<PullRequestId, (Finishing, TellFinished)>>,
    pub deleting: Mutex<HashMap<PullRequestId, Turn>>,
    events: Arc<dyn EventPublisher>,
}

impl Reviews {
    pub fn new(events: Arc<dyn EventPublisher>) -> Self {
        Self {
            open: Arc::default(),
            finishing: Mutex::default(),
            deleting: Mutex::default(),
            events,
        }
    }

    /// Reads all that are open.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn load(&self, engine: &Engine) -> Result<(), StoreError> {
        let mut at = 0;
        loop {
            let page = engine
                .page(
                    &engine.subjects.log(),
                    at + 1,
                    &engine.subjects.all_pull_requests(),
                )
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            at = last.sequence;
            for message in &page {
                self.apply(message)?;
            }
        }
    }

    /// The log tells this.
    pub fn follow(&self, message: &Logged) {
        if let Err(error) = self.apply(message) {
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
                ..
            } => {
                let not_understood = || StoreError::failed("a name in it is none");
                let streamer = UserName::parse(&streamer).map_err(StoreError::failed)?;
                let name = ProjectName::parse(&project);
                let name = name.map_err(StoreError::failed)?;
                let id = PullRequestId::parse(&id).ok_or_else(not_understood)?;
                self.closed(&ProjectId { streamer, name }, id);
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

    fn closed(&self, project: &ProjectId, id: PullRequestId) {
        let own = lock(&self.deleting).remove(&id);
        let in_turn = own.unwrap_or_else(|| Box::new(|| {}));
        self.open.remove(project, id, in_turn);
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
