//! Where a connection comes from.

/// Where a connection comes from, as connections are counted: those that count as coming from one
/// address have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(pub u128);
