//! A message as it lies in a queue: a whole frame, shared by all its receivers.

use std::sync::Arc;

use bytes::Bytes;

use crate::adapters::delivery::send_queue::Frame;
use crate::adapters::delivery::send_queue::budget::{Budget, Charge};

/// A whole frame, header and all. Clones share the bytes and their charge.
#[derive(Debug, Clone)]
pub struct WireFrame(Arc<Charged>);

#[derive(Debug)]
struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl WireFrame {
    /// Charges `bytes`, a whole frame, to what waits to be sent in all.
    pub(crate) fn new(bytes: Bytes, budget: &Arc<Budget>) -> Self {
        let charge = budget.charge(bytes.len());
        Self(Arc::new(Charged {
            bytes,
            _charge: charge,
        }))
    }
}

impl AsRef<[u8]> for WireFrame {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl Frame for WireFrame {
    fn bytes(&self) -> usize {
        self.0.bytes.len()
    }
}
