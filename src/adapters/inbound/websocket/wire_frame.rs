//! A message as it lies in a mailbox: a whole frame, shared by all its receivers.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::{Budget, Charge, Frame};

/// A whole frame, header and all. Clones share the bytes and their charge.
#[derive(Debug, Clone)]
pub struct WireFrame {
    bytes: Bytes,
    _charge: Arc<Charge>,
}

impl WireFrame {
    /// Charges `bytes`, a whole frame, to what waits to be sent in all.
    pub(super) fn new(bytes: Bytes, budget: &Arc<Budget>) -> Self {
        let charge = Arc::new(budget.charge(bytes.len()));
        Self {
            bytes,
            _charge: charge,
        }
    }

    /// The frame.
    pub(super) fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Frame for WireFrame {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
