//! What a disk can do to the server, done to it for real: calls of the system that fail (strace),
//! a disk that is full (a small tmpfs), folders of another user, no files left to open, a disk that
//! stalls.
//!
//! Needs Linux, root and strace, so it is no part of the ordinary tests but a command of its own,
//! which CI runs: `scripts/faults`. Where something is missing it fails.

#[path = "../live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

mod few_files;
mod full_disk;
mod injected;
mod other_user;
mod permissions;
mod stalled;
mod story;
mod strace;
mod sync_order;
mod vanished;
