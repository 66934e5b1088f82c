//! Makes changes of a project: keeps the checked changes in the log if nobody else has changed the
//! project meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::adapters::outbound::nats::check::{Batch, check};
use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::overtaken::answer_overtaken;
use crate::adapters::outbound::nats::pending_changes::{Done, Pending, Told, Wish};
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::replica::Replica;
use crate::adapters::outbound::nats::replicas::Node;
use crate::application::ports::StoreError;

/// How long to wait before the engine is asked again.
const AGAIN: Duration = Duration::from_millis(200);

enum Outcome {
    /// The first change of the batch has this number.
    Kept(u64),
    Conflict,
    /// It was not kept, or nobody knows.
    Refused(StoreError),
}

impl Node {
    /// Makes a change, together with others that wait. It is carried out even if the caller is
    /// dropped.
    ///
    /// # Errors
    /// Those of the changes; see `ProjectStore`.
    pub async fn submit(
        self: &Arc<Self>,
        replica: &Arc<Replica>,
        wish: Wish,
        told: Told,
        asked: Instant,
    ) -> Result<Done, StoreError> {
        let (done, result) = oneshot::channel();
        let pending = Pending {
            wish,
            told,
            asked,
            done,
        };
        if replica.queue.push(pending) {
            let (node, replica) = (Arc::clone(self), Arc::clone(replica));
            tokio::spawn(async move {
                while let Some(batch) = replica.queue.next() {
                    node.commit(&replica, batch).await;
                }
            });
        }
        result.await.map_err(StoreError::failed)?
    }

    async fn commit(&self, replica: &Replica, mut batch: Vec<Pending>) {
        let change = self.names.next();
        loop {
            let Some(mut checked) = check(replica, batch) else {
                return;
            };
            let tellings = std::mem::take(&mut checked.tellings);
            self.own.begin(&change, tellings);
            // Asked after the check: if another node changes a file still later, there is another
            // head than the one that was checked, and nothing is kept.
            let overtaken = self.overtaken(replica, checked.asked()).await;
            if !overtaken.is_empty() {
                let tellings = self.own.end(&change);
                if checked.is_any_told(&tellings) {
                    return checked.end_told();
                }
                batch = answer_overtaken(checked.again(tellings), &overtaken);
                continue;
            }
            checked.answer_refused();
            if checked.changes.is_empty() {
                self.own.end(&change);
                return;
            }
            let replaced = self.replaced_blobs(&checked.batch.replaced).await;
            let outcome = self.keep(replica, &change, &checked.batch).await;
            let tellings = self.own.end(&change);
            match outcome {
                Outcome::Kept(first) => {
                    self.blobs.remove_later(replaced);
                    return checked.end(first);
                }
                // If the log has told of one of them, it has all of them. So many changes may have
                // followed that the head does not remember these.
                Outcome::Conflict | Outcome::Refused(_) if checked.is_any_told(&tellings) => {
                    return checked.end_told();
                }
                Outcome::Refused(error) => return checked.refuse(&error),
                Outcome::Conflict => {
                    batch = checked.again(tellings);
                }
            }
        }
    }

    /// The names of the large contents that will be replaced. Afterwards they can no longer be
    /// found.
    async fn replaced_blobs(&self, places: &[u64]) -> Vec<String> {
        let mut blobs = Vec::new();
        for place in places {
            let entry = self.entry_at(*place).await.unwrap_or_else(|error| {
                // Who looks for orphans will find it.
                tracing::debug!(%error, "cannot see which content is replaced");
                None
            });
            if let Some(Entry {
                what: What::Put(_, put),
                ..
            }) = entry
                && let Content::Blob(blob) = put.content
            {
                blobs.push(blob);
            }
        }
        blobs
    }

    /// Keeps the batch. Does not end before it is known whether the batch is kept, as long as this
    /// node can learn that.
    async fn keep(&self, replica: &Replica, change: &str, kept: &Batch) -> Outcome {
        let project = &replica.project;
        let subjects = &self.engine.subjects;
        let encode = |what: &What, asked| {
            let subject = match what {
                What::Head(_) => subjects.head(project),
                What::Put(path, _) | What::Gone(path) => subjects.file(project, path),
            };
            let entry = Entry {
                project: project.clone(),
                change: change.to_owned(),
                asked,
                what: what.clone(),
            };
            let payload = entry.encode()?;
            Ok::<_, StoreError>(Outgoing { subject, payload })
        };
        let entries = kept.entries.iter();
        let messages = entries.map(|(what, asked)| encode(what, self.names.asked(*asked)));
        let messages: Result<Vec<_>, _> = messages.collect();
        let head = encode(&What::Head(kept.head.clone()), 0);
        let (messages, head) = match (messages, head) {
            (Ok(messages), Ok(head)) => (messages, head),
            (Err(error), _) | (_, Err(error)) => return Outcome::Refused(error),
        };
        let (expected, count) = (kept.expected, messages.len() as u64);
        // If one change is sent in two batches, at most one is kept: the other finds another head.
        loop {
            let batch = self.names.next();
            let published = self
                .engine
                .publish_all(&batch, messages.clone(), head.clone(), expected)
                .await;
            match published {
                Ok(last) => {
                    return match self.position.reaches(last).await {
                        Ok(()) => Outcome::Kept(last - count),
                        Err(error) => Outcome::Refused(error),
                    };
                }
                Err(refused @ PublishError::Refused(_)) => return Outcome::Refused(refused.into()),
                Err(PublishError::Conflict) => {}
                Err(PublishError::Unknown(why)) => {
                    tracing::warn!(why, "the engine has not answered; asking what it has kept");
                }
            }
            // Which was first: this very change, whose answer was lost, or another?
            let found = loop {
                match self.engine.last_soon(&head.subject).await {
                    Ok(found) => break found.map_or(0, |found| found.sequence),
                    Err(error) => tracing::warn!(%error, "the engine does not answer"),
                }
                sleep(AGAIN).await;
            };
            if found != expected {
                if let Err(error) = self.position.reaches(found).await {
                    return Outcome::Refused(error);
                }
                let known = replica.with(|ready| {
                    if ready.has_made(change) {
                        let is_last = ready.change == change && ready.head_sequence == found;
                        // The change's numbers lie between the head that it followed and what came
                        // later. So do the others.
                        return Ok(if is_last { found - count } else { expected + 1 });
                    }
                    Err((ready.head_sequence, ready.head.since))
                });
                return match known {
                    Ok(Ok(first)) => Outcome::Kept(first),
                    // What was to be changed is gone; this is another project of that name.
                    Ok(Err((_, since))) if since != kept.head.since => {
                        Outcome::Refused(StoreError::NotFound)
                    }
                    // Nothing tells such a replica what it has missed, so the head that it expects
                    // would never be the last one.
                    Ok(Err(_)) if !self.is_current(replica) => {
                        Outcome::Refused(StoreError::failed(
                            "this server was cut off for too long to know of this change",
                        ))
                    }
                    Ok(Err((at, _))) => {
                        // What was found has been replaced, and what has replaced it is still to
                        // be told; or a server answered that no longer leads.
                        if at < found || found < expected {
                            sleep(AGAIN).await;
                        }
                        Outcome::Conflict
                    }
                    Err(_) => Outcome::Conflict,
                };
            }
            sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests;
