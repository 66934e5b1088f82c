//! The order of two changes of one file: the first to ask goes first, and is alone until it is done
//! and not merely until its caller is gone.
//!
//! This is the order within one server. The changes of one connection have been put in order before
//! ([`request_processor`](crate::application::session::request_processor)); the order of several
//! servers is that of the stream (`nats/commit.rs`).

use crate::application::locks::keyed::KeyedLocks;
use crate::domain::FilePath;

/// The files of a project that are being changed, by whichever connections. A caller that is
/// dropped half-way leaves its change running, and the next one waits for that, too.
pub(crate) type FileLocks = KeyedLocks<FilePath>;
