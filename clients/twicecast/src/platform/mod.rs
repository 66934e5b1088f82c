//! What differs between the systems that twicecast runs on. All other code uses only what Unix
//! systems have in common; `tests/architecture/platform.rs` enforces that, and
//! `scripts/macos-check` compiles both sides.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub use self::linux::{
    RAISE_WATCHES, device, ignores_hangup, is_null_device, mode, permissions, raised_watch_limit,
    watches_max,
};
#[cfg(target_os = "macos")]
pub use self::macos::{
    RAISE_WATCHES, device, ignores_hangup, is_null_device, mode, permissions, raised_watch_limit,
    watches_max,
};
