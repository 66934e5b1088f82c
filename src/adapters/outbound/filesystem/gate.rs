//! Blocking work off the async threads, so much at a time.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::application::ports::StoreError;

/// How many operations of one kind, or on one project, may occupy blocking threads at once.
const WIDTH: usize = 16;

/// Lets a bounded number of operations run at once, so that those of a project whose disk hangs
/// leave the runtime's blocking threads to the others. With tokio's default of 512 such threads,
/// some thirty gates may hang before the rest feels it.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(WIDTH)))
    }

    /// Runs `work` on a blocking thread. It runs to its end once begun, though the caller be gone,
    /// and counts for as long as it runs.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(StoreError::failed)?;
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(work);
            drop(permit);
            result
        });
        let result = task.await.map_err(StoreError::failed).flatten();
        if let Err(StoreError::Failed(cause)) = &result {
            tracing::debug!(%cause, "the file system refused");
        }
        result
    }
}

/// Does `work` soon, on a blocking thread where there are such, or at once.
pub(super) fn soon(work: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}
