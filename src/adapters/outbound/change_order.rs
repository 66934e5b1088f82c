//! The order of changes to one file: the first caller to ask goes first, and keeps the others out
//! until its change is done, even if the caller has gone.
//!
//! This is the order within one server.
//! [`request_processor`](crate::application::session::request_processor) has already put the
//! changes of one connection in order. Between several servers, the order of the stream decides
//! (`nats/commit.rs`).

use crate::application::locks::keyed::KeyedLocks;
use crate::domain::FilePath;

/// The files of a project that are being changed, by any connection. If a caller is dropped
/// half-way, its change still runs to its end, and the next caller waits for it.
pub(crate) type FileLocks = KeyedLocks<FilePath>;
