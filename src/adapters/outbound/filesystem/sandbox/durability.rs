//! How much an acknowledged change survives.

/// What an acknowledged change of a project's file survives. Pull requests are always synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the machine.
    #[default]
    Fsync,
    /// A crash of the process.
    Rename,
}
