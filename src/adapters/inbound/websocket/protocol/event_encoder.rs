//! The encoder that the hub calls for each event.

use std::sync::Arc;

use crate::adapters::delivery::WireFrame;
use crate::adapters::inbound::websocket::protocol::encode;
use crate::application::Event;
use crate::application::memory::MemoryBudget;

/// An encoder for the hub: the frames that report an event, each reserved from `budget` once.
pub fn event_encoder(
    budget: Arc<MemoryBudget>,
    part_bytes: usize,
) -> impl Fn(&Event, usize) -> Vec<WireFrame> + Send + Sync + 'static {
    move |event, receivers| {
        let frames = encode::event(event, part_bytes);
        frames
            .into_iter()
            .map(|frame| WireFrame::shared(frame, receivers, &budget))
            .collect()
    }
}
