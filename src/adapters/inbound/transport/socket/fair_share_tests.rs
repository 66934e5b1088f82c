use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Waker;

use super::*;

/// One turn, as on a machine with two processors.
fn one_turn() -> FairShare {
    FairShare {
        turns: OnceLock::from(Arc::new(Semaphore::new(1))),
        queue: AtomicUsize::new(0),
    }
}

/// Polls once with a waker that does nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

impl<F> Sharing<'_, F> {
    fn heavy(mut self) -> Self {
        self.credit.nanos = -nanos(FULL);
        self
    }
}

#[tokio::test(start_paused = true)]
async fn a_light_connection_is_polled_while_heavy_ones_wait() {
    let share = one_turn();
    let held = share.turns.get().expect("set").try_acquire();
    let (heavy, light) = (pin!(async { "heavy" }), pin!(async { "light" }));
    let mut heavy = share.share(heavy, Priority::default()).heavy();
    let mut light = share.share(light, Priority::default());
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Pending);
    assert_eq!(poll(Pin::new(&mut light)), Poll::Ready("light"));
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Pending);
    drop(held);
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Ready("heavy"));
}

#[tokio::test(start_paused = true)]
async fn a_heavy_connection_has_a_quarter_of_the_usual_budget_while_others_wait_for_a_turn() {
    let share = one_turn();
    let use_up = |cx: &mut Context<'_>| {
        let units = std::iter::repeat_with(|| pin!(consume_budget()).poll(cx));
        Poll::Ready(units.take_while(Poll::is_ready).count())
    };
    let budget = async |share: &FairShare, is_heavy: bool| {
        let future = pin!(poll_fn(use_up));
        let mut sharing = share.share(future, Priority::default());
        if is_heavy {
            sharing = sharing.heavy();
        }
        // It gets the budget of a new poll of this task.
        yield_now().await;
        poll(Pin::new(&mut sharing))
    };
    assert_eq!(budget(&share, false).await, Poll::Ready(128));
    assert_eq!(budget(&share, true).await, Poll::Ready(128), "it is alone");
    yield_now().await;
    let turn = share.turns.get().expect("set").try_acquire();
    let other = pin!(std::future::pending::<()>());
    let mut other = share.share(other, Priority::default()).heavy();
    assert!(poll(Pin::new(&mut other)).is_pending());
    drop(turn);
    share.turns.get().expect("set").add_permits(1);
    assert_eq!(budget(&share, true).await, Poll::Ready(32));
    assert_eq!(budget(&share, false).await, Poll::Ready(128));
    drop(other);
    assert_eq!(share.queue.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_privileged_connection_never_waits_also_where_it_is_in_the_queue() {
    let share = one_turn();
    let _held = share.turns.get().expect("set").try_acquire();
    let streamer = pin!(async { "served" });
    let priority = Priority::default();
    let mut sharing = share.share(streamer, priority.clone()).heavy();
    assert_eq!(poll(Pin::new(&mut sharing)), Poll::Pending);
    priority.set_privileged(true);
    assert_eq!(poll(Pin::new(&mut sharing)), Poll::Ready("served"));
}

#[tokio::test(start_paused = true)]
async fn heavy_connections_alternate_and_lose_no_wake_up() {
    let share = one_turn();
    let polls = RefCell::new(String::new());
    // Wakes itself at each poll, as a flooded connection does.
    let flood = |name| {
        let (polls, mut left) = (&polls, 5);
        poll_fn(move |cx| {
            polls.borrow_mut().push(name);
            left -= 1;
            cx.waker().wake_by_ref();
            if left == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    };
    let (a, b, c) = (pin!(flood('a')), pin!(flood('b')), pin!(flood('c')));
    let heavy = |flood| share.share(flood, Priority::default()).heavy();
    let turn = share.turns.get().expect("set").try_acquire();
    let (b, c) = (
        pin!(share.share(b, Priority::default()).heavy()),
        pin!(share.share(c, Priority::default()).heavy()),
    );
    // All queue up before the turn is free.
    let free = async { drop(turn) };
    tokio::join!(heavy(a), b, c, free);
    let polls = polls.borrow();
    let rounds: Vec<_> = polls.as_bytes().chunks(3).collect();
    assert_eq!(rounds.len(), 5);
    for round in rounds {
        assert!(b"abc".iter().all(|name| round.contains(name)), "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_wakes_a_connection_in_the_queue_is_seen_at_its_turn() {
    let share = one_turn();
    let turn = share.turns.get().expect("set").try_acquire();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let hearing = pin!(receiver);
    let mut sharing = pin!(share.share(hearing, Priority::default()).heavy());
    assert!(poll(sharing.as_mut()).is_pending());
    sender.send("news").expect("it still listens");
    assert!(
        poll(sharing.as_mut()).is_pending(),
        "woken, but not its turn"
    );
    let (heard, ()) = tokio::join!(sharing, async { drop(turn) });
    assert_eq!(heard, Ok("news"));
}

#[tokio::test(start_paused = true)]
async fn a_panicking_poll_and_a_future_dropped_in_the_queue_give_their_turn_back() {
    let share = one_turn();
    let turns = share.turns.get().expect("set");
    let panicking = pin!(async { panic!("as asked") });
    let mut panicking = share.share(panicking, Priority::default()).heavy();
    let polled = catch_unwind(AssertUnwindSafe(|| poll::<_>(Pin::new(&mut panicking))));
    assert!(polled.is_err());
    assert_eq!(turns.available_permits(), 1);
    let turn = turns.try_acquire();
    let queuing = pin!(async {});
    let mut queuing = share.share(queuing, Priority::default()).heavy();
    assert!(poll(Pin::new(&mut queuing)).is_pending());
    // The queue gives the turn to the future, which is dropped before its next poll.
    drop(turn);
    drop(queuing);
    assert_eq!(turns.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_comes_back_only_after_the_tasks_that_are_ready() {
    let share = one_turn();
    let turns = share.turns.get().expect("set");
    let served = pin!(async {});
    let mut sharing = share.share(served, Priority::default()).heavy();
    assert!(poll(Pin::new(&mut sharing)).is_ready());
    let ready = tokio::spawn({
        let turns = Arc::clone(turns);
        async move { turns.available_permits() }
    });
    assert_eq!(ready.await.expect("no panic"), 0);
    let back = turns.acquire().await;
    assert!(back.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_emptied_by_polls_and_filled_by_time_but_not_by_waiting() {
    let share = one_turn();
    let serving = pin!(std::future::pending::<()>());
    let mut sharing = share.share(serving, Priority::default());
    sharing.credit.charge(MAX_CHARGE * 100);
    assert_eq!(
        sharing.credit.nanos,
        nanos(FULL) - nanos(MAX_CHARGE),
        "one poll costs no more"
    );
    for _ in 1..40 {
        sharing.credit.charge(MAX_CHARGE);
    }
    assert!(!sharing.credit.is_positive());
    let turn = share.turns.get().expect("set").try_acquire();
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert!(sharing.waiting.is_some());
    tokio::time::advance(Duration::from_secs(60)).await;
    drop(turn);
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert!(sharing.waiting.is_none() && !sharing.credit.is_positive());
    tokio::time::advance(Duration::from_secs(1)).await;
    sharing.credit.refill();
    assert_eq!(sharing.credit.nanos, nanos(FULL), "full after a second");
}
