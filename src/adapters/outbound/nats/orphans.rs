//! Large contents that the log does not name any more: those of pull requests that have ended, and
//! those that stayed behind, because the node that should have removed them had ended, their change
//! failed, or their project was removed.
//!
//! A content without an owner is not touched: its change may still be under way, at a node that has
//! been cut off for days.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::adapters::outbound::nats::blobs;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::logged::{Logged, time};
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::replicas::{head_of, place};
use crate::adapters::outbound::nats::reviews::Kept;
use crate::adapters::outbound::nats::subjects::{Stream, Subjects};
use crate::application::ports::StoreError;
use crate::domain::Timestamp;

/// How often the first of the nodes looks for them.
const LOOK: Duration = Duration::from_secs(3_600);

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
        match engine.remove_orphans(blobs::KEPT).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed large contents that nothing names"),
            Err(error) => tracing::debug!(%error, "cannot look for large contents to remove"),
        }
    }
}

impl Engine {
    /// Removes the large contents with an owner that nothing has named for that long. Returns how
    /// many.
    ///
    /// # Errors
    /// `Failed`; the rest is removed the next time.
    async fn remove_orphans(&self, unnamed: Duration) -> Result<usize, StoreError> {
        let owners = Stream {
            name: self.subjects.blob_stream(),
            subjects: self.subjects.owners(),
            ..self.subjects.log()
        };
        let call = format!("STREAM.INFO.{}", owners.name);
        let info = self.call_well(&call, &json!({})).await?;
        // By the engine's clock, because that has dated what is compared.
        let now = info.get("ts").and_then(Value::as_str).and_then(time);
        let now = now.ok_or_else(|| StoreError::failed("the engine does not say its time"))?;
        let (mut at, mut removed) = (0, 0);
        loop {
            // A server that lags behind lacks only what is too young.
            let page = self.page(&owners, at + 1, &owners.subjects).await?;
            let Some(end) = page.last() else {
                return Ok(removed);
            };
            at = end.sequence;
            for owner in page {
                let Some(blob) = self.subjects.blob_of(&owner.subject) else {
                    continue;
                };
                match self.is_needed(blob, &owner, now, unnamed).await {
                    Ok(true) => {}
                    Ok(false) => {
                        // What comes after the owner is being named anew.
                        let (chunks, before) = (self.subjects.chunks(blob), owner.sequence + 1);
                        self.purge(&owners.name, &chunks, Some(before)).await?;
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
        unnamed: Duration,
    ) -> Result<bool, StoreError> {
        let entry = String::from_utf8_lossy(&owner.payload);
        // A head stays for ever, so without one the log has been lost, or is still to be restored.
        let Some(head) = self.last(&Subjects::head_beside(&entry)).await? else {
            return Ok(true);
        };
        let entry = self.last(&entry).await?;
        let changed = entry.as_ref().map_or(head.at, |entry| entry.at);
        let Some(entry) = entry.filter(|_| now.since(changed) >= unnamed) else {
            return Ok(now.since(changed) < unnamed);
        };
        if self.subjects.is_of_pull_request(&entry.subject) {
            let kept = serde_json::from_slice(&entry.payload).map_err(StoreError::failed)?;
            return Ok(matches!(kept, Kept::Open { .. }));
        }
        let What::Put(_, put) = Entry::decode(&entry.payload)?.what else {
            return Ok(false);
        };
        // What a removed project has left in the log names nothing.
        let head = place(&head)?;
        let is_of_project =
            head_of(&head).is_some_and(|head| head.is_registered && head.since < entry.sequence);
        Ok(is_of_project && put.content == Content::Blob(blob.to_owned()))
    }
}

#[cfg(test)]
mod tests;
