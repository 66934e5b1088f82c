//! How long a client may be silent, or take nothing, before it is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The idle timeout of one connection, which its handler may change while it runs.
#[derive(Debug, Clone)]
pub struct IdleTimeout(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    usual: Duration,
    of_receivers: Duration,
    is_receiver: AtomicBool,
}

impl IdleTimeout {
    /// The timeout is `usual` at first.
    pub fn new(usual: Duration, of_receivers: Duration) -> Self {
        Self(Arc::new(Limits {
            usual,
            of_receivers,
            is_receiver: AtomicBool::new(false),
        }))
    }

    /// Says whether the client only receives: a browser that is busy with what it has received may
    /// neither read nor answer pings for minutes. It takes effect at the next check.
    pub fn set_receiver(&self, is_receiver: bool) {
        self.0.is_receiver.store(is_receiver, Ordering::Relaxed);
    }

    /// The timeout now.
    pub(super) fn get(&self) -> Duration {
        if self.0.is_receiver.load(Ordering::Relaxed) {
            self.0.of_receivers
        } else {
            self.0.usual
        }
    }
}
