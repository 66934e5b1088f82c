//! How much a connection holds, and whose it is.

use super::totals::Holder;

/// How much a connection holds and which holder it is, in one number that changes at once: so
/// everything that it holds counts for one holder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Balance(pub usize);

impl Balance {
    /// What one held byte adds to the number.
    pub const BYTE: usize = 4;

    pub fn held(self) -> usize {
        self.0 / Self::BYTE
    }

    pub fn holder(self) -> Holder {
        match self.0 % Self::BYTE {
            0 => Holder::Unauthenticated,
            1 => Holder::Authenticated,
            _ => Holder::Streamer,
        }
    }

    pub fn with_holder(self, holder: Holder) -> Self {
        Self(self.held() * Self::BYTE + holder as usize)
    }
}
