//! Making a folder equal to the project on the server.

pub mod assembly;
pub mod folder;
pub mod record;
pub mod session;
pub mod staging;
pub mod tree;
