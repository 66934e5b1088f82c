//! A connection's tasks and other tasks use its queue in many orders.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use shuttle::future::{block_on, spawn};
use shuttle::sync::Mutex;

use super::*;
use crate::application::memory::MemoryBudget;
use tokio::sync::Notify;

use crate::adapters::delivery::send_queue::tests::{LIMITS, Sent, file, key};
use crate::application::locks::interleaved::check;
use crate::domain::Version;

const ORDERS: usize = 2_000;
const FILES: [&str; 2] = ["/a", "/b"];
const CHANGES: u64 = 4;

/// A store of file versions; 0 is none.
#[derive(Default)]
struct Store {
    /// One for each of [`FILES`].
    locks: [tokio::sync::Mutex<()>; 2],
    versions: Mutex<BTreeMap<&'static str, u64>>,
}

impl Store {
    /// Does what `change_outlives_connection.rs` does: stores a change, and tells it before the
    /// next change of the file is stored.
    async fn commit(&self, queue: &SendQueue<Sent>, name: &'static str) {
        let _alone = self.lock_of(name).lock().await;
        let (key, version) = (key(name), self.put(name));
        if version.number().is_multiple_of(3) {
            let frame = Sent::Deleted(name.into(), version.number());
            queue.deliver_told(&key, version, &frame);
        } else {
            let frame = file(name, version.number());
            queue.deliver_update(&key, version, &[frame]);
        }
    }

    /// The same for a change that the connection makes itself. In this test its answer tells the
    /// version.
    async fn commit_own(&self, queue: &SendQueue<Sent>, name: &'static str) {
        {
            let _alone = self.lock_of(name).lock().await;
            let version = self.put(name);
            queue.supersede(&key(name), version);
            let answer = match version.number() {
                number if number.is_multiple_of(3) => Sent::Deleted(name.into(), number),
                number => file(name, number),
            };
            queue.answer_change(&key(name), answer);
        }
        queue.changes_answered().await;
    }

    fn lock_of(&self, name: &str) -> &tokio::sync::Mutex<()> {
        &self.locks[usize::from(name == FILES[1])]
    }

    fn put(&self, name: &'static str) -> Version {
        let mut versions = self.versions.lock().expect("no panic");
        let version = versions.entry(name).or_default();
        *version += 1;
        Version::new(*version)
    }

    /// The newest version; `None` if it is a deletion.
    fn open(&self, name: &str) -> Option<u64> {
        let versions = self.versions.lock().expect("no panic");
        let version = versions.get(name).copied().unwrap_or(0);
        (!version.is_multiple_of(3)).then_some(version)
    }

    /// Sends the file as `responder.rs` does. The caller holds the turn.
    fn send(&self, queue: &SendQueue<Sent>, name: &str) {
        if let Some(version) = self.open(name) {
            queue.supersede(&key(name), Version::new(version));
            queue.push(file(name, version));
        }
    }
}

/// A queue, and what is notified when the queue wants to be emptied.
fn queue_and_calls() -> (Arc<SendQueue<Sent>>, Arc<Notify>) {
    let called = Arc::<Notify>::default();
    let queue = SendQueue::new(
        LIMITS,
        MemoryBudget::new(1_000_000).open_account(),
        Arc::clone(&called),
    );
    (queue, called)
}

impl FlushCall for Arc<Notify> {
    fn call(&self, _: Lane) {
        self.notify_one();
    }
}

/// Takes frames, as a connection's writer does, until they are `enough` or the queue is closed.
async fn written(
    queue: &SendQueue<Sent>,
    called: &Notify,
    enough: impl Fn(&VecDeque<Sent>) -> bool,
) -> Vec<Sent> {
    let mut frames = VecDeque::new();
    loop {
        called.notified().await;
        loop {
            let before = frames.len();
            // Frame by frame, so that much waits.
            queue.take(&mut frames, 1);
            if enough(&frames) || queue.closed().is_some() {
                return frames.into();
            }
            if frames.len() == before {
                break;
            }
            shuttle::future::yield_now().await;
        }
    }
}

fn assert_no_step_back(frames: &[Sent]) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    for frame in frames {
        if let Sent::File(name, version) | Sent::Deleted(name, version) = frame {
            let before = seen.insert(name.clone(), *version).unwrap_or(0);
            assert!(
                before <= *version,
                "{name} went from {before} to {version}: {frames:?}"
            );
        }
    }
    seen
}

/// What the connection asks for at the same time, for both files. It never does both, because a
/// `get` and the requests after it wait for each other.
#[derive(Clone, Copy)]
enum Own {
    Gets,
    Changes,
}

#[test]
fn in_no_order_of_events_does_a_file_go_backwards_or_a_change_get_lost() {
    no_file_goes_backwards(Own::Gets);
}

#[test]
fn in_no_order_of_events_is_anything_older_told_behind_an_answer() {
    no_file_goes_backwards(Own::Changes);
}

fn no_file_goes_backwards(own: Own) {
    check(ORDERS, move || {
        block_on(async {
            let ((queue, called), store) = (queue_and_calls(), Arc::new(Store::default()));
            let writer = {
                let queue = Arc::clone(&queue);
                // The text that is sent last.
                let enough = |frames: &VecDeque<_>| frames.back() == Some(&Sent::Text(1));
                spawn(async move { written(&queue, &called, enough).await })
            };
            // What waits as a name is read back.
            let sender = {
                let (queue, store) = (Arc::clone(&queue), Arc::clone(&store));
                spawn(async move {
                    loop {
                        let (_turn, file) = queue.next_pending().await;
                        store.send(&queue, file.path.as_str());
                    }
                })
            };
            let asking = {
                let (queue, store) = (Arc::clone(&queue), Arc::clone(&store));
                spawn(async move {
                    for name in FILES {
                        queue.room().await;
                        match own {
                            Own::Gets => {
                                let _turn = queue.begin_file().await;
                                store.send(&queue, name);
                            }
                            Own::Changes => store.commit_own(&queue, name).await,
                        }
                    }
                })
            };
            let streamers: Vec<_> = FILES
                .into_iter()
                .chain(FILES)
                .map(|name| {
                    let (queue, store) = (Arc::clone(&queue), Arc::clone(&store));
                    spawn(async move {
                        for _ in 0..CHANGES / 2 {
                            store.commit(&queue, name).await;
                        }
                    })
                })
                .collect();
            for streamer in streamers {
                streamer.await.expect("no panic");
            }
            asking.await.expect("no panic");
            // The sender sends whatever waits as a name. Once nothing waits, push the last text.
            loop {
                queue.room().await;
                let _turn = queue.begin_file().await;
                if queue.lock().pending.is_empty() {
                    queue.push(Sent::Text(1));
                    break;
                }
                shuttle::future::yield_now().await;
            }
            let frames = writer.await.expect("no panic");
            sender.abort();
            let seen = assert_no_step_back(&frames);
            let changes = match own {
                Own::Gets => CHANGES,
                Own::Changes => CHANGES + 1,
            };
            for name in FILES {
                assert_eq!(seen.get(name), Some(&changes), "{frames:?}");
            }
        });
    });
}

#[test]
fn every_wait_ends_when_the_queue_closes() {
    check(ORDERS, || {
        block_on(async {
            let (queue, called) = queue_and_calls();
            // Full, and the turn is taken.
            for _ in 0..3 {
                queue.push(Sent::Text(50));
            }
            let turn = queue.begin_file().await;
            let waits = |queue: Arc<SendQueue<Sent>>| async move {
                queue.room().await;
                let _turn = queue.begin_file().await;
            };
            let waiting = [
                spawn(waits(Arc::clone(&queue))),
                spawn(waits(Arc::clone(&queue))),
            ];
            let until_closed = {
                let queue = Arc::clone(&queue);
                spawn(async move { queue.until_closed().await })
            };
            let writer = {
                let queue = Arc::clone(&queue);
                spawn(async move { written(&queue, &called, |_| false).await })
            };
            let closing = {
                let queue = Arc::clone(&queue);
                shuttle::thread::spawn(move || queue.close())
            };
            drop(turn);
            for task in waiting {
                task.await.expect("no panic");
            }
            assert_eq!(until_closed.await.expect("no panic"), SendQueueClosed::Gone);
            writer.await.expect("no panic");
            closing.join().expect("no panic");
        });
    });
}

#[test]
fn nothing_that_is_pushed_while_the_writer_takes_is_left_lying() {
    check(ORDERS, || {
        block_on(async {
            let (queue, called) = queue_and_calls();
            let speakers: Vec<_> = (0..3)
                .map(|_| {
                    let queue = Arc::clone(&queue);
                    shuttle::thread::spawn(move || {
                        queue.deliver(Sent::Text(10));
                        queue.deliver(Sent::Text(20));
                    })
                })
                .collect();
            written(&queue, &called, |frames| frames.len() == 6).await;
            for speaker in speakers {
                speaker.join().expect("no panic");
            }
            assert!(queue.is_empty());
            assert_eq!(queue.lock().frame_bytes, 0);
        });
    });
}
