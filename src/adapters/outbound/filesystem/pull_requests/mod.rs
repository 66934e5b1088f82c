//! Open pull requests on disk.

pub(crate) mod index;
pub(crate) mod record;
pub(crate) mod store;
