use crate::domain::{Timestamp, Uptime};

/// Tells the time, by the calendar and since the process started.
#[cfg_attr(test, mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, by the calendar. Never earlier than what was told before, so that nothing that has
    /// expired comes back; it may jump forward, and stand still where the system's clock was set
    /// back. Durations are measured with [`uptime`](Self::uptime).
    fn now(&self) -> Timestamp;

    /// How long the process runs. Nobody sets it.
    fn uptime(&self) -> Uptime;
}
