//! Open pull requests on disk.

pub(crate) mod finish;
pub(crate) mod load;
pub(crate) mod store;
