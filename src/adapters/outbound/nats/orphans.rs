//! Large contents that no entry of the log names, and that stayed behind: their node ended before
//! the change, or before it removed what the change replaced, or their project was removed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::adapters::outbound::nats::blobs;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::replicas::{head_of, place};
use crate::adapters::outbound::nats::reviews::Kept;
use crate::adapters::outbound::nats::subjects::Stream;
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::{Clock as _, StoreError};
use crate::domain::Timestamp;

/// How often the first of the nodes looks for them.
const LOOK: Duration = Duration::from_secs(3_600);

/// A content that is younger may still be named: its change waits while its node is cut off.
const OLD: Duration = Duration::from_secs(24 * 3_600);

/// Removes orphans for as long as the engine is used, on the first of the nodes.
pub(crate) async fn remove_orphans(nodes: Arc<Nodes>, engine: Weak<Engine>) {
    loop {
        sleep(LOOK).await;
        let Some(engine) = engine.upgrade() else {
            return;
        };
        if !nodes.is_first() {
            continue;
        }
        match engine.remove_orphans(SystemClock.now()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "large contents that nothing names are gone"),
            Err(error) => tracing::debug!(%error, "cannot look for large contents to remove"),
        }
    }
}

impl Engine {
    /// Removes the large contents that nothing names at the time `now`. Returns how many.
    ///
    /// # Errors
    /// `Failed`; the rest is removed the next time.
    async fn remove_orphans(&self, now: Timestamp) -> Result<usize, StoreError> {
        let owners = Stream {
            name: self.subjects.blob_stream(),
            subjects: self.subjects.owners(),
            ..self.subjects.log()
        };
        let (mut at, mut removed) = (0, 0);
        loop {
            // A server that lags behind lacks only what is too young.
            let page = self.page(&owners, at + 1, &owners.subjects).await?;
            let Some(last) = page.last() else {
                return Ok(removed);
            };
            at = last.sequence;
            for owner in page.iter().filter(|owner| now.since(owner.at) >= OLD) {
                let Some(blob) = self.subjects.blob_of(&owner.subject) else {
                    continue;
                };
                match self.is_needed(blob, owner, now).await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.remove_blob(blob).await;
                        removed += 1;
                    }
                    // A later server may have written what names it.
                    Err(error) => tracing::debug!(%error, blob, "cannot tell what names a content"),
                }
            }
        }
    }

    /// Whether the log names a content, or did so only just now, so that somebody may read it.
    async fn is_needed(
        &self,
        blob: &str,
        owner: &Logged,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let entry = String::from_utf8_lossy(&owner.payload);
        let Some(entry) = self.last(&entry).await? else {
            return Ok(false);
        };
        if now.since(entry.at) < blobs::KEPT {
            return Ok(true);
        }
        if self.subjects.is_of_pull_request(&entry.subject) {
            let kept = serde_json::from_slice(&entry.payload).map_err(StoreError::failed)?;
            return Ok(matches!(kept, Kept::Open { .. }));
        }
        let Entry { project, what, .. } = Entry::decode(&entry.payload)?;
        let What::Put(_, put) = what else {
            return Ok(false);
        };
        if put.content != Content::Blob(blob.to_owned()) {
            return Ok(false);
        }
        // What a removed project has left in the log names nothing.
        let Some(head) = self.last(&self.subjects.head(&project)).await? else {
            return Ok(false);
        };
        let head = place(&head)?;
        let head = head_of(&head);
        Ok(head.is_some_and(|head| head.is_registered && head.since < entry.sequence))
    }
}

#[cfg(test)]
mod tests;
