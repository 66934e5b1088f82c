use crate::domain::{Timestamp, Uptime};

/// Tells the time, by the calendar and since the process started.
#[cfg_attr(test, mockall::automock)]
pub trait Clock: Send + Sync {
    /// The current calendar time. Never earlier than a time returned before, so that nothing that
    /// has expired becomes valid again; it may jump forward, and stand still if the system's clock
    /// was set back. Durations are measured with [`uptime`](Self::uptime).
    fn now(&self) -> Timestamp;

    /// How long the process has been running. Nobody can set it.
    fn uptime(&self) -> Uptime;
}
