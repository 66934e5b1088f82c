//! The file system, through handles of folders, so that no link leads astray.

pub mod atomic;
pub mod dirfd;
pub mod executable;
pub mod fingerprint;
pub mod rename;
pub mod sha256;
pub mod user_dirs;
pub mod whole;
