//! The walls around the base folder: folders held open, and the layout inside it.

pub(crate) mod error;
pub(crate) mod folder;
pub(crate) mod format;
pub(crate) mod layout;
pub(crate) mod records;
pub(crate) mod temporary;
