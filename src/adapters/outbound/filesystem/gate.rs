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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_hangs_behind_one_gate_leaves_threads_to_the_others() {
        let (gate, begun) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let (release, hang) = mpsc::channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        let hanging = || {
            let (gate, hang, begun) = (gate.clone(), Arc::clone(&hang), Arc::clone(&begun));
            tokio::spawn(async move {
                let work = move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let _ = hang.lock().map(|hang| hang.recv());
                    Ok(())
                };
                gate.run(work).await
            })
        };
        let tasks: Vec<_> = (0..WIDTH * 3).map(|_| hanging()).collect();
        while begun.load(Ordering::SeqCst) < WIDTH {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Gate::new().run(|| Ok(())).await.expect("is free");
        assert_eq!(begun.load(Ordering::SeqCst), WIDTH);
        drop(release);
        for task in tasks {
            task.await.expect("ends").expect("is released");
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_of_the_one_operation() {
        let gate = Gate::new();
        for _ in 0..WIDTH * 2 {
            let failed = gate.run(|| -> Result<(), _> { panic!("a bug") }).await;
            assert!(matches!(failed, Err(StoreError::Failed(_))));
        }
        gate.run(|| Ok(())).await.expect("no permit is lost");
    }
}
