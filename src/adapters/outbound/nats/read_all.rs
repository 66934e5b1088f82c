//! Reads what a part of the log has, before it is followed.

use tokio::time::sleep;

use crate::adapters::outbound::nats::engine::{AGAIN, Engine};
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::subjects::Stream;
use crate::application::ports::StoreError;

impl Engine {
    /// Calls `each` with all messages of the log with these subjects, in order. Returns the
    /// sequence of the last one.
    ///
    /// # Errors
    /// `Failed`, and those of `each`.
    pub async fn read_all(
        &self,
        subjects: String,
        mut each: impl FnMut(&Logged) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let part = Stream {
            subjects,
            ..self.subjects.log()
        };
        let mut at = 0;
        loop {
            let page = self.page(&part, at + 1, &part.subjects).await?;
            if page.is_empty() {
                if self.next_ask_leader(&part, at + 1).await?.is_none() {
                    return Ok(at);
                }
                // The server that was asked does not have it yet.
                sleep(AGAIN).await;
            }
            for message in &page {
                at = message.sequence;
                each(message)?;
            }
        }
    }
}
