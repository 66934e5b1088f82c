//! Making the project on the server equal to a folder.

pub mod dirty;
pub mod known;
pub mod look;
pub mod plan;
pub mod scan;
pub mod session;
pub mod summary;
pub mod upload;
pub mod voice;
pub mod watcher;
