//! Reads from the log who is connected, before it is followed.

use std::time::Duration;

use tokio::time::sleep;

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::message::Message;
use crate::adapters::outbound::nats::streamers::Streamers;
use crate::adapters::outbound::nats::subjects::Stream;
use crate::application::ports::StoreError;

/// How long to wait before a server that is behind is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads what the log says about presence, and up to where.
pub(super) async fn load(engine: &Engine) -> Result<(Streamers, u64), StoreError> {
    let presence = Stream {
        subjects: engine.subjects.presence(),
        ..engine.subjects.log()
    };
    let (mut streamers, mut at) = (Streamers::default(), 0);
    loop {
        let page = engine.page(&presence, at + 1, &presence.subjects).await?;
        if page.is_empty() {
            if engine.next_ask_leader(&presence, at + 1).await?.is_none() {
                return Ok((streamers, at));
            }
            // The server that was asked does not have it yet.
            sleep(AGAIN).await;
        }
        for message in &page {
            at = message.sequence;
            if let Some(told) = Message::decode(&message.payload) {
                streamers.follow(told);
            }
        }
    }
}
