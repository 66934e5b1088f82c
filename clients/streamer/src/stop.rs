//! Ctrl-C, a terminal that goes away, and the system's wish for an end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Becomes changed when the user or the system wants an end.
///
/// # Errors
///
/// If the system gives no signals.
pub fn signals() -> Result<watch::Receiver<()>, Failure> {
    let unheard =
        |error: std::io::Error| Failure::usage(format!("The system gives no signals: {error}."));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(unheard)?;
    let (sender, receiver) = watch::channel(());
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        // Kept until the end: a closed channel would look like a change.
        let _ = sender.send(());
        sender.closed().await;
    });
    Ok(receiver)
}
