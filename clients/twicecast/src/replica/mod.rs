//! Makes a folder equal to the project on the server.

pub mod assembly;
pub mod base_contents;
pub mod clone_bases;
pub mod fetch;
mod file_state;
pub mod folder;
pub mod kind;
pub mod manifest;
pub mod proposed;
pub mod record;
pub mod session;
pub mod staging;
pub mod state;
mod target;
pub mod tree;
