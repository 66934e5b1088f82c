//! The walls around the base folder: folders held open, and what lies where in them.

pub(crate) mod durability;
pub(crate) mod error;
pub(crate) mod folder;
pub(crate) mod layout;
pub(crate) mod temporary;
