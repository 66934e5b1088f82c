//! Tasks that end with the part that has started them.

use std::future::Future;

use tokio::task::JoinSet;

/// Starts two tasks, usually one that tells others and one that hears them. Both end when what this
/// returns is dropped.
pub(crate) fn start(
    one: impl Future<Output = ()> + Send + 'static,
    other: impl Future<Output = ()> + Send + 'static,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(one);
    tasks.spawn(other);
    tasks
}
