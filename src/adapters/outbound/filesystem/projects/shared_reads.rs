//! Files that several viewers ask for at the same time are read once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::application::fair_share::disk_user;
use crate::application::locks::lock;
use crate::application::ports::{OpenFile, StoreError};
use crate::domain::FilePath;

/// The results for some files, in the order of the files.
pub(crate) type Opened = Result<OpenedFiles, StoreError>;

/// Some files, each opened or not.
pub(crate) type OpenedFiles = Arc<[Result<OpenFile, StoreError>]>;

type Opening = BoxFuture<'static, Opened>;

/// The reads of one project that have not begun. A caller that asks for the same files as one of
/// them shares its result: the read begins after the request, so the result cannot be outdated.
/// Connections that go last and all others do not share reads.
#[derive(Debug, Default)]
pub(crate) struct SharedReads {
    waiting: Mutex<Vec<Waiting>>,
    last_number: AtomicU64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    paths: Arc<[FilePath]>,
    bytes: u64,
    goes_last: bool,
    opening: WeakShared<Opening>,
}

/// A waiting read. This is dropped when the read begins, or when it never will: then nobody can
/// join it any more.
pub(crate) struct Joinable {
    reads: Arc<SharedReads>,
    number: u64,
}

impl Drop for Joinable {
    fn drop(&mut self) {
        lock(&self.reads.waiting).retain(|waiting| waiting.number != self.number);
    }
}

impl SharedReads {
    /// Joins a waiting read of the first `bytes` of `paths`, or has `read` make one.
    pub fn join(
        self: &Arc<Self>,
        paths: &[FilePath],
        bytes: u64,
        read: impl FnOnce(Arc<[FilePath]>, Joinable) -> Opening,
    ) -> Shared<Opening> {
        let goes_last = disk_user().goes_last();
        let same = |waiting: &&Waiting| {
            (waiting.bytes, waiting.goes_last) == (bytes, goes_last) && *waiting.paths == *paths
        };
        let mut all = lock(&self.waiting);
        if let Some(opening) = all
            .iter()
            .find(same)
            .and_then(|waiting| waiting.opening.upgrade())
        {
            return opening;
        }
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let reads = Arc::clone(self);
        let paths: Arc<[FilePath]> = paths.into();
        let opening = read(Arc::clone(&paths), Joinable { reads, number }).shared();
        all.extend(opening.downgrade().map(|opening| Waiting {
            number,
            paths,
            bytes,
            goes_last,
            opening,
        }));
        opening
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::fair_share::as_heavy;

    fn paths(names: &[&str]) -> Vec<FilePath> {
        let parse = |name: &&str| FilePath::parse(name).expect("a name");
        names.iter().map(parse).collect()
    }

    #[tokio::test]
    async fn a_request_shares_a_waiting_read_and_a_later_request_does_not() {
        let reads = Arc::new(SharedReads::default());
        let begun = Arc::new(Mutex::new(0));
        let join = |names: &[&str], bytes| {
            let begun = Arc::clone(&begun);
            reads.join(&paths(names), bytes, move |_, joinable| {
                async move {
                    drop(joinable);
                    *lock(&begun) += 1;
                    Ok(Arc::default())
                }
                .boxed()
            })
        };
        let first = join(&["a", "b"], 9);
        let second = join(&["a", "b"], 9);
        let third = join(&["a", "b"], 8);
        let fourth = join(&["a"], 9);
        let mut heavy = None;
        as_heavy(async { heavy = Some(join(&["a", "b"], 9)) }).await;
        let heavy = heavy.expect("made");
        assert!(first.ptr_eq(&second));
        assert!(!first.ptr_eq(&third) && !first.ptr_eq(&fourth) && !first.ptr_eq(&heavy));
        // The first caller has gone.
        drop(first);
        second.await.expect("reads");
        third.await.expect("reads");
        heavy.await.expect("reads");
        assert_eq!(*lock(&begun), 3);
        join(&["a", "b"], 9).await.expect("reads");
        assert_eq!(*lock(&begun), 4);
        drop(fourth);
        assert!(lock(&reads.waiting).is_empty());
    }
}
