//! Wire messages and their conversion to and from the application, and the loop of a connection.
//!
//! Adding a message needs a line in `convert`, its encoding in `encode`, and a use case.

mod base64_content;
mod client;
mod connection;
mod convert;
mod courier;
mod encode;
#[doc(hidden)]
pub mod fuzzing;
mod inbox;
mod loose;
mod outbox;
mod request;
mod sender;
mod wire_frame;
mod worker;

pub use connection::{ProtocolHandler, Service};
pub use wire_frame::WireFrame;

use std::sync::Arc;

use crate::application::{Budget, Event};

/// An encoder for the hub: the frames that tell of an event, each charged to `budget` once.
pub fn event_encoder(
    budget: Arc<Budget>,
    part_bytes: usize,
) -> impl Fn(&Event) -> Vec<WireFrame> + Send + Sync + 'static {
    move |event| {
        let frames = encode::event(event, part_bytes);
        frames
            .into_iter()
            .map(|frame| WireFrame::new(frame, &budget))
            .collect()
    }
}

#[cfg(test)]
mod golden_refusal_tests;
#[cfg(test)]
mod golden_request_tests;
#[cfg(test)]
mod golden_tests;
