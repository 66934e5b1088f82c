//! Where a connection comes from.

use std::num::ParseIntError;

/// Where a connection comes from, as connections are counted: those that count as coming from one
/// address have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(pub u128);

impl ClientAddress {
    /// As it is kept: an IPv6 address, of which IPv4 addresses are some, in hexadecimal.
    pub fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Reads what [`to_hex`](Self::to_hex) gives.
    ///
    /// # Errors
    /// It is no such number.
    pub fn from_hex(text: &str) -> Result<Self, ParseIntError> {
        u128::from_str_radix(text, 16).map(Self)
    }
}
