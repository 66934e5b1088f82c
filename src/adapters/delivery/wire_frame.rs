//! A message as it is queued: a whole frame, shared by all its receivers.

use std::sync::Arc;

use bytes::Bytes;

use crate::adapters::delivery::send_queue::{Frame, Lane};
use crate::application::memory::{Account, MemoryBudget, Reservation};

/// A whole frame, header and all. Clones share the bytes and their reservation.
#[derive(Debug, Clone)]
pub struct WireFrame(Arc<Reserved>);

/// Up to how many receivers count as few: writing to them takes less time than anybody would
/// notice.
const FEW: usize = 32;

/// About how many bytes a frame takes besides its content: itself, its place in a queue, and the
/// allocator's overhead for both allocations.
const OVERHEAD_BYTES: usize = size_of::<Reserved>() + 64;

#[derive(Debug)]
struct Reserved {
    bytes: Bytes,
    reservation: Reservation,
    lane: Lane,
}

impl WireFrame {
    /// A frame that `receivers` connections share. Its memory is reserved once, from `budget`.
    pub(crate) fn shared(bytes: Bytes, receivers: usize, budget: &Arc<MemoryBudget>) -> Self {
        let reservation = budget.reserve(bytes.len() + OVERHEAD_BYTES);
        let lane = if receivers > FEW {
            Lane::Many
        } else {
            Lane::Few
        };
        Self::new(bytes, reservation, lane)
    }

    /// A frame for one connection. Its memory is reserved on the connection's `account`.
    pub(crate) fn own(bytes: Bytes, account: &Arc<Account>) -> Self {
        let reservation = account.reserve(bytes.len() + OVERHEAD_BYTES);
        Self::new(bytes, reservation, Lane::Few)
    }

    fn new(bytes: Bytes, reservation: Reservation, lane: Lane) -> Self {
        Self(Arc::new(Reserved {
            bytes,
            reservation,
            lane,
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

    fn shared_bytes(&self) -> usize {
        if self.0.reservation.is_shared() {
            self.bytes()
        } else {
            0
        }
    }

    fn lane(&self) -> Lane {
        self.0.lane
    }
}
