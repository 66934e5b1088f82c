//! Open pull requests in the engine: each is a message of the log, its files are contents of their
//! own, and all nodes know which are open.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};

use crate::adapters::outbound::nats::engine::SOON;
use crate::adapters::outbound::nats::follower::REMEMBERED;
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::nats::reviews::{Ended, FORMAT, Kept, Open, understand};
use crate::adapters::outbound::nats::uploads::{DraftFile, NatsUploads};
use crate::adapters::outbound::open_pull_requests::Finishing;
use crate::adapters::outbound::records::pull_request as pull_request_record;
use crate::adapters::outbound::system::SystemClock;
use crate::application::locks::lock;
use crate::application::ports::{
    Clock as _, FinishError, OpenFile, PullRequestStore, StoreError, TellFinished, Turn,
    UploadStore as _,
};
use crate::domain::{
    FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName, Version,
};

/// Keeps open pull requests in the engine.
pub(crate) struct NatsPullRequests {
    pub node: Arc<Node>,
    pub uploads: Arc<NatsUploads>,
}

impl NatsPullRequests {
    async fn read(&self, project: &ProjectId, id: PullRequestId) -> Result<Open, StoreError> {
        let subject = self.node.engine.subjects.pull_request(project, id);
        let found = self.node.engine.last(&subject).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        match serde_json::from_slice(&found.payload).map_err(StoreError::failed)? {
            Kept::Open {
                format,
                bytes,
                record,
            } => understand(format, bytes, &record),
            Kept::Head { .. } | Kept::Closed { .. } => Err(StoreError::NotFound),
        }
    }
}

/// How long to wait before the engine is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// The head of a project's pull requests, once everything before it is known here.
#[derive(Default)]
struct Seen {
    /// Its place in the log (0: there is none).
    at: u64,
    /// When the latest pull request was opened.
    latest: Timestamp,
}

impl Node {
    async fn see_reviews(&self, project: &ProjectId) -> Result<Seen, StoreError> {
        let subject = self.engine.subjects.pull_request_head(project);
        let Some(head) = self.engine.last(&subject).await? else {
            return Ok(Seen::default());
        };
        self.position.reaches(head.sequence).await?;
        match serde_json::from_slice(&head.payload).map_err(StoreError::failed)? {
            Kept::Head { date, .. } => Ok(Seen {
                at: head.sequence,
                latest: Timestamp::from_millis(date),
            }),
            Kept::Open { .. } | Kept::Closed { .. } => Err(StoreError::failed(
                "the log has a pull request instead of a head",
            )),
        }
    }

    /// The same, but asks until the engine answers, because what was sent to it may have been kept.
    async fn see_reviews_at_last(&self, project: &ProjectId) -> Seen {
        loop {
            match timeout(SOON, self.see_reviews(project)).await {
                Ok(Ok(seen)) => return seen,
                Ok(Err(error)) => tracing::warn!(%error, "the engine does not answer"),
                Err(_) => {}
            }
            sleep(AGAIN).await;
        }
    }

    /// Keeps `kept`, if nothing has changed since `seen`; `latest` is when the latest was opened.
    async fn keep_review(
        &self,
        project: &ProjectId,
        seen: &Seen,
        latest: Timestamp,
        (id, kept): (PullRequestId, &Kept),
    ) -> Result<(), PublishError> {
        let refused = |error: serde_json::Error| PublishError::Refused(error.to_string());
        let head = Kept::Head {
            format: FORMAT,
            date: latest.as_millis(),
        };
        let head = Outgoing {
            subject: self.engine.subjects.pull_request_head(project),
            payload: serde_json::to_vec(&head).map_err(refused)?.into(),
        };
        let message = Outgoing {
            subject: self.engine.subjects.pull_request(project, id),
            payload: serde_json::to_vec(kept).map_err(refused)?.into(),
        };
        let batch = self.names.next();
        let engine = &self.engine;
        let kept = engine
            .publish_all(&batch, vec![message], head, seen.at)
            .await?;
        let reached = self.position.reaches(kept).await;
        reached.map_err(|error| PublishError::Unknown(error.to_string()))
    }
}

/// Keeps the pull request as an open one.
async fn finish(
    node: &Node,
    pull_request: &mut PullRequest,
    files: &[Arc<DraftFile>],
    max_open: usize,
    finishing: Finishing,
    in_turn: TellFinished,
) -> Result<(), FinishError> {
    let id = pull_request.id;
    // A pull request that another node has closed no longer counts.
    node.see_reviews_at_last(&pull_request.project).await;
    finishing.check(&pull_request.owner, max_open)?;
    let mut bytes = Vec::new();
    for (file, number) in files.iter().zip(0..) {
        let content = file.content();
        bytes.push(content.bytes());
        node.blobs.write(&blob(id, number), content).await?;
    }
    let mut own = (finishing, in_turn);
    let mut seen = node.see_reviews_at_last(&pull_request.project).await;
    let begun = SystemClock.now();
    loop {
        let (finishing, in_turn) = own;
        finishing.check(&pull_request.owner, max_open)?;
        let next = Timestamp::from_millis(seen.latest.as_millis().saturating_add(1));
        pull_request.date = finishing.date(pull_request.date).max(next);
        let record = pull_request_record::encode(pull_request).map_err(StoreError::failed)?;
        let open = Kept::Open {
            format: FORMAT,
            bytes: bytes.clone(),
            record: serde_json::from_slice(&record).map_err(StoreError::failed)?,
        };
        lock(&node.reviews.finishing).insert(id, (finishing, in_turn));
        let (project, latest) = (&pull_request.project, pull_request.date);
        let kept = node.keep_review(project, &seen, latest, (id, &open)).await;
        if matches!(kept, Err(PublishError::Conflict | PublishError::Unknown(_))) {
            // If it was kept, the log has told of it by the time that the head is known.
            seen = node.see_reviews_at_last(project).await;
        }
        let untold = lock(&node.reviews.finishing).remove(&id);
        match (kept, untold) {
            (Err(refused @ PublishError::Refused(_)), _) => {
                return Err(StoreError::from(refused).into());
            }
            // It may have been kept and closed, and the log may have forgotten that.
            (Err(_), Some(_)) if SystemClock.now().since(begun) > REMEMBERED => {
                return Err(StoreError::failed("NATS was away for too long").into());
            }
            (Err(_), Some(again)) => own = again,
            (Ok(()), _) | (Err(_), None) => return Ok(()),
        }
    }
}

/// Closes a pull request, if it is open.
async fn close(
    node: &Node,
    project: &ProjectId,
    id: PullRequestId,
    outcome: Outcome,
    in_turn: Turn,
) -> Result<(), StoreError> {
    let mut own = (node.names.next(), in_turn);
    let mut seen = node.see_reviews_at_last(project).await;
    loop {
        let owner = node.reviews.open.owner(project, id);
        let owner = owner.ok_or(StoreError::NotFound)?;
        let closed = Kept::Closed {
            format: FORMAT,
            streamer: project.streamer.to_string(),
            project: project.name.to_string(),
            id: id.to_string(),
            ended: Some(Ended {
                owner: owner.to_string(),
                outcome: outcome.into(),
                by: own.0.clone(),
            }),
        };
        match lock(&node.reviews.deleting).entry(id) {
            Occupied(_) => return Err(StoreError::NotFound),
            Vacant(free) => drop(free.insert(own)),
        }
        let kept = node
            .keep_review(project, &seen, seen.latest, (id, &closed))
            .await;
        if matches!(kept, Err(PublishError::Conflict | PublishError::Unknown(_))) {
            seen = node.see_reviews_at_last(project).await;
        }
        let untold = lock(&node.reviews.deleting).remove(&id);
        match (kept, untold) {
            (Err(refused @ PublishError::Refused(_)), _) => return Err(refused.into()),
            (Err(_), Some(again)) => own = again,
            (Ok(()), _) | (Err(_), None) => return Ok(()),
        }
    }
}

/// The name of the content of a pull request's file.
fn blob(id: PullRequestId, number: usize) -> String {
    format!("{id}.{number}")
}

#[async_trait]
impl PullRequestStore for NatsPullRequests {
    async fn finish(
        &self,
        mut pull_request: PullRequest,
        max_open: usize,
        in_turn: TellFinished,
    ) -> Result<(), FinishError> {
        let open = &self.node.reviews.open;
        let finishing = open.begin(pull_request.project.clone()).await;
        let id = pull_request.id;
        let files = self.uploads.draft(id, &pull_request.files)?;
        let (node, uploads) = (Arc::clone(&self.node), Arc::clone(&self.uploads));
        let work = tokio::spawn(async move {
            let finished = finish(
                &node,
                &mut pull_request,
                &files,
                max_open,
                finishing,
                in_turn,
            )
            .await;
            let entry = node.engine.subjects.pull_request(&pull_request.project, id);
            node.blobs.note_owner(&id.to_string(), entry);
            if finished.is_ok() {
                uploads.discard_draft(id);
            }
            finished
        });
        work.await.map_err(StoreError::failed)?
    }

    async fn open_since(
        &self,
        project: &ProjectId,
        after: Option<Timestamp>,
        enter: Turn,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        self.node.see_reviews(project).await?;
        Ok(self.node.reviews.open.open_since(project, after, enter))
    }

    fn leave(&self, project: &ProjectId, leave: Turn) -> Option<Timestamp> {
        self.node.reviews.open.leave(project, leave)
    }

    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        self.node.see_reviews(project).await?;
        Ok(self.node.reviews.open.open(project, owner.as_ref()))
    }

    fn count(&self) -> usize {
        self.node.reviews.open.count()
    }

    async fn authors(&self, project: &ProjectId) -> Result<BTreeSet<UserName>, StoreError> {
        self.node.see_reviews(project).await?;
        Ok(self.node.reviews.open.authors(project))
    }

    async fn find(
        &self,
        project: &ProjectId,
        id: PullRequestId,
    ) -> Result<PullRequest, StoreError> {
        Ok(self.read(project, id).await?.pull_request)
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let Open {
            pull_request,
            bytes,
        } = self.read(project, id).await?;
        let number = pull_request.files.iter().position(|file| file == path);
        let number = number.ok_or(StoreError::NotFound)?;
        let bytes = bytes.get(number).copied().unwrap_or(0);
        let source = self.node.blobs.open(&blob(id, number), bytes).await?;
        Ok(OpenFile {
            // It has no versions: it is never replaced.
            version: Version::UNKNOWN,
            bytes,
            modified: pull_request.date,
            executable: false,
            source: source.ok_or(StoreError::NotFound)?,
        })
    }

    fn tell_if_open(&self, pull_request: &PullRequest, tell: Turn) {
        self.node.reviews.open.tell_if_open(pull_request, tell);
    }

    async fn delete(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        outcome: Outcome,
        in_turn: Turn,
    ) -> Result<(), StoreError> {
        let (node, project) = (Arc::clone(&self.node), project.clone());
        // Its contents are removed by who looks for orphans: it may be opened again meanwhile.
        let work = tokio::spawn(async move {
            close(&node, &project, id, outcome, in_turn).await?;
            // The node that opened it may have been killed before it noted this.
            let entry = node.engine.subjects.pull_request(&project, id);
            node.blobs.note_owner(&id.to_string(), entry);
            Ok(())
        });
        work.await.map_err(StoreError::failed)?
    }
}
