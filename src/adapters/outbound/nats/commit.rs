//! Makes changes of a project: keeps the checked changes in the log if nobody else has changed the
//! project meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::adapters::outbound::nats::check::{Batch, Checked, check};
use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::overtaken::OpenChange;
use crate::adapters::outbound::nats::own_changes::Tellings;
use crate::adapters::outbound::nats::pending_changes::{Done, Pending, Told, Wish};
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::replica::Replica;
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::system::now_nanos;
use crate::application::ports::StoreError;
use crate::domain::{Timestamp, Version};

/// How long to wait before the engine is asked again.
const AGAIN: Duration = Duration::from_millis(200);

enum Outcome {
    /// The first change of the batch has this number.
    Kept(u64),
    Conflict,
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
        open: Option<OpenChange>,
    ) -> Result<Done, StoreError> {
        let (done, result) = oneshot::channel();
        let pending = Pending {
            wish,
            told,
            open,
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
            let outcome = match self.replaced_blobs(&checked.batch.replaced).await {
                Ok(blobs) => match self.keep(replica, &change, &checked.batch).await {
                    Outcome::Kept(first) => {
                        self.blobs.remove_later(blobs);
                        Outcome::Kept(first)
                    }
                    other => other,
                },
                Err(error) => Outcome::Refused(error),
            };
            let mut tellings = self.own.end(&change);
            match outcome {
                Outcome::Kept(first) => {
                    return Self::end(first, checked, tellings);
                }
                Outcome::Refused(error) => return checked.refuse(&error),
                // If the log has told of one of them, it has all of them. So many changes may have
                // followed that the head does not remember these.
                Outcome::Conflict if checked.is_any_told(&tellings) => {
                    return Self::end(checked.batch.expected + 1, checked, tellings);
                }
                // Nothing tells such a replica what it has missed, so the head that it expects
                // would never be the last one.
                Outcome::Conflict if !self.is_current(replica) => {
                    return checked.refuse(&StoreError::failed(
                        "this server was cut off for long, and may not know of this change",
                    ));
                }
                Outcome::Conflict => {
                    let again = checked
                        .changes
                        .into_iter()
                        .filter_map(|(wish, open, done)| {
                            let told = tellings.remove(&wish.path().cloned())?;
                            Some(Pending {
                                wish,
                                told,
                                open,
                                done,
                            })
                        });
                    batch = again.collect();
                }
            }
        }
    }

    /// The names of the large contents that will be replaced. Afterwards they can no longer be
    /// found.
    async fn replaced_blobs(&self, places: &[u64]) -> Result<Vec<String>, StoreError> {
        let mut blobs = Vec::new();
        for place in places {
            let entry = self.entry_at(*place).await?;
            if let Some(Entry {
                what: What::Put(_, put),
                ..
            }) = entry
                && let Content::Blob(blob) = put.content
            {
                blobs.push(blob);
            }
        }
        Ok(blobs)
    }

    /// Keeps the batch. Does not end before it is known whether the batch is kept.
    async fn keep(&self, replica: &Replica, change: &str, kept: &Batch) -> Outcome {
        let project = &replica.project;
        let subjects = &self.engine.subjects;
        let encode = |what: &What| {
            let subject = match what {
                What::Head(_) => subjects.head(project),
                What::Put(path, _) | What::Gone(path) => subjects.file(project, path),
            };
            let entry = Entry {
                project: project.clone(),
                change: change.to_owned(),
                what: what.clone(),
            };
            let payload = entry.encode()?;
            Ok::<_, StoreError>(Outgoing { subject, payload })
        };
        let messages: Result<Vec<_>, _> = kept.entries.iter().map(encode).collect();
        let head = encode(&What::Head(kept.head.clone()));
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
                    Ok(Some(found)) => break found.sequence,
                    Ok(None) => return Outcome::Conflict,
                    Err(error) => tracing::warn!(%error, "the engine does not answer"),
                }
                sleep(AGAIN).await;
            };
            if found != expected {
                if let Err(error) = self.position.reaches(found).await {
                    return Outcome::Refused(error);
                }
                let has_made = replica.with(|ready| {
                    let is_last = ready.change == change && ready.head_sequence == found;
                    ready.has_made(change).then_some(is_last)
                });
                return match has_made {
                    Ok(Some(true)) => Outcome::Kept(found - count),
                    // The change's numbers lie between the head that it followed and what came
                    // later. So do these.
                    Ok(Some(false)) => Outcome::Kept(expected + 1),
                    Ok(None) | Err(_) => Outcome::Conflict,
                };
            }
            sleep(AGAIN).await;
        }
    }

    /// Answers those who wait. `untold` are the changes whose place in the log this node did not
    /// see, because what they wrote had already been replaced.
    fn end(first: u64, checked: Checked, mut untold: Tellings) {
        let now = Timestamp::from_millis(now_nanos() / 1_000_000);
        for ((wish, _open, done), number) in checked.changes.into_iter().zip(first..) {
            let version = Version::new(number);
            match untold.remove(&wish.path().cloned()) {
                Some(Told::Gone(in_turn)) => in_turn(version),
                Some(Told::Put(in_turn)) => {
                    if let Wish::Put { put, .. } = &wish {
                        in_turn(put.known(number, now));
                    }
                }
                Some(Told::Removed(_)) | None => {}
            }
            let _ = done.send(Ok(Done::Made(version)));
        }
    }
}

#[cfg(test)]
mod tests;
