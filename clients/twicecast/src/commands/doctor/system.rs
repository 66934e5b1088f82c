//! What the system tells of its limits: the only reads of `/proc` here.

/// How many folders all programs of one user may watch; `None` where the system does not tell.
pub fn watches_max() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    text.trim().parse().ok()
}
