//! What has been handed over, for operators.

use crate::adapters::delivery::send_queue::Delivered;
use crate::application::EventKind;
use crate::application::counting::{ClosedSet as _, Tally};

/// What has become of one event.
#[derive(Debug, Default)]
pub(crate) struct Handed([usize; Delivered::ALL.len()]);

impl Handed {
    /// Counts a receiver.
    pub(crate) fn note(&mut self, delivered: Delivered) {
        self.0[delivered.index()] += 1;
    }
}

/// What has been handed over, to how many receivers.
#[derive(Debug, Default)]
pub struct Deliveries(Tally<EventKind, Tally<Delivered>>);

impl Deliveries {
    /// Adds what has become of one event: once for all receivers, since there may be thousands.
    pub(crate) fn add(&self, kind: EventKind, handed: &Handed) {
        let receivers = self.0.of(kind);
        for (how, count) in Delivered::ALL.iter().zip(handed.0) {
            if count > 0 {
                receivers.of(*how).add(count);
            }
        }
    }

    /// To how many receivers each kind of event has been handed, and how.
    pub fn receivers(&self) -> &Tally<EventKind, Tally<Delivered>> {
        &self.0
    }
}
