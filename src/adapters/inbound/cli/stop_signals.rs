//! Signals: which ones request a graceful stop, and which must not end the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the server to stop: SIGINT, SIGTERM, and SIGHUP, because closing a terminal
/// is such a request as well.
#[derive(Debug)]
pub struct StopSignals([Signal; 3]);

impl StopSignals {
    /// Handles these signals, which would otherwise end the process at once. Handles SIGXFSZ, too:
    /// if a file grows beyond what the system allows, only the write fails. Called once, by `main`,
    /// within the runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Self> {
        // Nobody waits for it: having a handler is enough.
        let _too_long = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one of them.
    pub async fn recv(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
