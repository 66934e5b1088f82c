//! Counts what has been handed to receivers, for operators.

use crate::adapters::delivery::send_queue::Delivered;
use crate::application::EventKind;
use crate::application::counting::{ClosedSet as _, Tally};

/// How many receivers one event was handed to, by how it was delivered.
#[derive(Debug, Default)]
pub(crate) struct Handed([usize; Delivered::ALL.len()]);

impl Handed {
    /// Counts a receiver.
    pub(crate) fn note(&mut self, delivered: Delivered) {
        self.0[delivered.index()] += 1;
    }
}

/// How many receivers events were handed to, by kind of event and by how they were delivered.
#[derive(Debug, Default)]
pub struct Deliveries(Tally<EventKind, Tally<Delivered>>);

impl Deliveries {
    /// Adds the counts of one event, for all receivers at once: there may be thousands.
    pub(crate) fn add(&self, kind: EventKind, handed: &Handed) {
        let receivers = self.0.of(kind);
        for (how, count) in Delivered::ALL.iter().zip(handed.0) {
            if count > 0 {
                receivers.of(*how).add(count);
            }
        }
    }

    /// How many receivers each kind of event was handed to, by how it was delivered.
    pub fn receivers(&self) -> &Tally<EventKind, Tally<Delivered>> {
        &self.0
    }
}
