//! Real disk faults: system calls that fail (strace), a disk that is full (a small tmpfs), folders
//! of another user, no files left to open, a disk that stalls.
//!
//! Needs Linux, root and strace, so it is not part of the ordinary tests but a separate command,
//! which CI runs: `scripts/faults`. It fails if something is missing.

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
