//! Projects and their files on disk.

pub(crate) mod delete;
pub(crate) mod entries;
pub(crate) mod load;
pub(crate) mod new_folders;
pub(crate) mod open_file;
pub(crate) mod read;
pub(crate) mod registry;
pub(crate) mod replace;
pub(crate) mod shared_reads;
pub(crate) mod store;
pub(crate) mod versions;
