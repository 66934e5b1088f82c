use crate::domain::Timestamp;

/// Tells the time.
#[cfg_attr(test, mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now. May be set back or forward; nobody measures durations with it that must be exact.
    fn now(&self) -> Timestamp;
}
