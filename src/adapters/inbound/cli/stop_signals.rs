//! Signals: which ask for an end in peace, and which must not end the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the server to stop: SIGINT, SIGTERM, and SIGHUP, since a terminal that is
/// closed asks as well.
#[derive(Debug)]
pub struct StopSignals([Signal; 3]);

impl StopSignals {
    /// Takes these signals over from the system, which would end the process at once; and SIGXFSZ,
    /// so that a file that grows past what the system allows fails its write and nothing else.
    /// Called once, by `main`, within the runtime.
    ///
    /// # Errors
    /// That the system does not allow it.
    pub fn listen() -> io::Result<Self> {
        // Nobody waits for it: that there is a handler is all.
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
