//! Ctrl-C, a terminal that goes away, and the system's wish for an end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::platform;

/// Is cancelled when the user or the system wants an end. Long work that does not wait asks it now
/// and then.
///
/// # Errors
///
/// If the system gives no signals.
pub fn stop() -> Result<CancellationToken, Failure> {
    let unheard =
        |error: std::io::Error| Failure::usage(format!("The system gives no signals: {error}."));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    // As under `nohup`.
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
