//! Makes the project on the server equal to a folder.

pub mod dirty;
pub mod folder;
pub mod foreign;
pub mod heard;
pub mod known;
pub mod look;
pub mod output;
pub mod page;
pub mod plan;
pub mod precheck;
pub mod replies;
pub mod session;
pub mod shared_folder;
pub mod summary;
pub mod upload;
pub mod watcher;
