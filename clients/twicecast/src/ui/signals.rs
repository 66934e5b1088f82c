//! Ctrl-C, a closed terminal, and the system's request to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::platform;

/// A token that is cancelled when the user or the system asks the program to end. Long work that
/// never waits must check it from time to time.
///
/// # Errors
///
/// If the system does not allow waiting for signals.
pub fn stop() -> Result<CancellationToken, Failure> {
    let unheard =
        |error: std::io::Error| Failure::usage(format!("The system gives no signals: {error}."));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    // As under `nohup`, where the hangup must not end us.
    let ignores_hangup = platform::ignores_hangup();
    let mut hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    let stop = CancellationToken::new();
    let wanted = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv(), if !ignores_hangup => {}
        }
        wanted.cancel();
    });
    Ok(stop)
}
