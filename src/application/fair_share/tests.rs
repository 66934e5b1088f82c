use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Waker;

use std::time::Duration;

use super::credit::{FULL, MAX_CHARGE, REFILL, nanos};
use super::*;

/// One turn of each lot, as on a machine with two processors.
fn one_turn() -> FairShare {
    let activity = Activity::new();
    activity.note(1, Instant::now().into_std());
    let long = Duration::from_secs(1_000_000);
    activity.note(2, (Instant::now() + long).into_std());
    of_activity(activity)
}

fn of_activity(activity: Activity) -> FairShare {
    FairShare(Arc::new(Shared {
        activity: Box::leak(Box::new(activity)),
        turns: OnceLock::from([(); 2].map(|()| Turns::new(1))),
        ..Shared::default()
    }))
}

/// The turns of those that are not privileged.
fn turns(share: &FairShare) -> &Turns {
    &share.0.turns.get().expect("set")[0]
}

/// The share of a connection that has used up its credit.
fn heavy(share: &FairShare) -> Arc<ProcessorShare> {
    let heavy = share.open();
    lock(&heavy.credit).nanos = -nanos(FULL);
    heavy
}

impl ProcessorShare {
    pub(crate) fn is_heavy(&self) -> bool {
        !lock(&self.credit).is_positive()
    }

    /// A heavy connection, and the only turn for it, which is taken.
    pub(crate) fn held_up() -> (Arc<Self>, OwnedSemaphorePermit) {
        let share = one_turn();
        let turn = Arc::clone(&turns(&share).free).try_acquire_owned();
        (heavy(&share), turn.expect("it is free"))
    }
}

/// Polls once with a waker that does nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn a_light_connection_is_polled_while_heavy_ones_wait() {
    let share = one_turn();
    let held = turns(&share).free.try_acquire();
    let (flood, light) = (pin!(async { "heavy" }), pin!(async { "light" }));
    let mut heavy = heavy(&share).serve(flood);
    let mut light = share.open().serve(light);
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Pending);
    assert_eq!(poll(Pin::new(&mut light)), Poll::Ready("light"));
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Pending);
    drop(held);
    assert_eq!(poll(Pin::new(&mut heavy)), Poll::Ready("heavy"));
}

#[tokio::test(start_paused = true)]
async fn a_heavy_connection_takes_turns_only_where_others_are_served_too() {
    let share = of_activity(Activity::new());
    let (upload, other) = (heavy(&share), share.open());
    let needs_a_turn = |upload: &Arc<ProcessorShare>| {
        let work = pin!(async {});
        lock(&upload.credit).nanos = -nanos(FULL);
        poll(Pin::new(&mut upload.serve(work))).is_pending()
    };
    let held = turns(&share).free.try_acquire();
    assert!(!needs_a_turn(&upload), "it is the first");
    assert!(poll(Pin::new(&mut other.work(async {}))).is_ready());
    assert!(needs_a_turn(&upload));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!needs_a_turn(&upload), "it has been alone for a while");
    let _waits = Queued::new(&turns(&share).queue);
    assert!(needs_a_turn(&upload), "another waits");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_connection_has_a_sixteenth_of_the_usual_budget_while_others_wait_for_a_turn() {
    let share = one_turn();
    let use_up = |cx: &mut Context<'_>| {
        let units = std::iter::repeat_with(|| pin!(consume_budget()).poll(cx));
        Poll::Ready(units.take_while(Poll::is_ready).count())
    };
    let budget = async |share: &FairShare, is_heavy: bool| {
        let future = pin!(poll_fn(use_up));
        let own = if is_heavy { heavy(share) } else { share.open() };
        let mut sharing = own.serve(future);
        // Gives this task the budget of a new poll.
        yield_now().await;
        poll(Pin::new(&mut sharing))
    };
    assert_eq!(budget(&share, false).await, Poll::Ready(128));
    assert_eq!(budget(&share, true).await, Poll::Ready(128), "it is alone");
    yield_now().await;
    let turn = turns(&share).free.try_acquire();
    let other = pin!(std::future::pending::<()>());
    let mut other = heavy(&share).serve(other);
    assert!(poll(Pin::new(&mut other)).is_pending());
    drop(turn);
    turns(&share).free.add_permits(1);
    assert_eq!(budget(&share, true).await, Poll::Ready(8));
    assert_eq!(budget(&share, false).await, Poll::Ready(128));
    drop(other);
    assert_eq!(turns(&share).queue.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_privileged_connection_waits_for_none_but_the_privileged_even_from_within_the_queue() {
    let share = one_turn();
    let _held = turns(&share).free.try_acquire();
    let (streamer, other) = (pin!(async { "served" }), pin!(async { "served" }));
    let own = heavy(&share);
    let mut sharing = own.serve(streamer);
    assert_eq!(poll(Pin::new(&mut sharing)), Poll::Pending);
    own.set_privileged(true);
    assert_eq!(poll(Pin::new(&mut sharing)), Poll::Ready("served"));
    // It gives its turn back only after the tasks that are ready.
    let second = heavy(&share);
    second.set_privileged(true);
    let mut second = second.serve(other);
    assert_eq!(poll(Pin::new(&mut second)), Poll::Pending);
}

#[tokio::test(start_paused = true)]
async fn what_a_heavy_connection_has_done_beside_it_takes_turns_as_well_and_is_charged_to_it() {
    let share = one_turn();
    let held = turns(&share).free.try_acquire();
    let mut work = heavy(&share).work(async { "done" });
    assert_eq!(poll(Pin::new(&mut work)), Poll::Pending);
    drop(held);
    assert_eq!(poll(Pin::new(&mut work)), Poll::Ready("done"));
    let own = share.open();
    let mut slow = own.work(tokio::time::advance(MAX_CHARGE));
    while poll(Pin::new(&mut slow)).is_pending() {}
    assert_eq!(lock(&own.credit).nanos, nanos(FULL) - nanos(MAX_CHARGE));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_for_a_heavy_connection_sees_whether_others_wait() {
    let share = one_turn();
    let sees = async |own: Arc<ProcessorShare>| {
        let serving = pin!(async { disk_user().goes_last() });
        let served = own.serve(serving).await;
        assert_eq!(own.work(async { disk_user().goes_last() }).await, served);
        served
    };
    assert!(!disk_user().goes_last());
    assert!(!sees(share.open()).await);
    assert!(!sees(heavy(&share)).await, "it is alone");
    yield_now().await;
    turns(&share).free.add_permits(2);
    let _waits = Queued::new(&turns(&share).queue);
    assert!(sees(heavy(&share)).await);
    assert!(!sees(share.open()).await, "it is light");
    let own = share.open();
    own.spend();
    assert!(sees(Arc::clone(&own)).await);
    let _own_task_waits = Queued::new(&own.waiting);
    assert!(!sees(own).await, "only another task of its own waits");
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
    let turn = turns(&share).free.try_acquire();
    let (b, c) = (pin!(heavy(&share).serve(b)), pin!(heavy(&share).serve(c)));
    // All queue up before the turn is free.
    let free = async { drop(turn) };
    tokio::join!(heavy(&share).serve(a), b, c, free);
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
    let turn = turns(&share).free.try_acquire();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let hearing = pin!(receiver);
    let mut sharing = pin!(heavy(&share).serve(hearing));
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
    let turns = &turns(&share).free;
    let panicking = pin!(async { panic!("as asked") });
    let mut panicking = heavy(&share).serve(panicking);
    let polled = catch_unwind(AssertUnwindSafe(|| poll::<_>(Pin::new(&mut panicking))));
    assert!(polled.is_err());
    assert_eq!(turns.available_permits(), 1);
    let turn = turns.try_acquire();
    let queuing = pin!(async {});
    let mut queuing = heavy(&share).serve(queuing);
    assert!(poll(Pin::new(&mut queuing)).is_pending());
    // The queue gives the turn to the future, which is dropped before its next poll.
    drop(turn);
    drop(queuing);
    assert_eq!(turns.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_comes_back_only_after_the_tasks_that_are_ready() {
    let share = one_turn();
    let turns = &turns(&share).free;
    let served = pin!(async {});
    let mut sharing = heavy(&share).serve(served);
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
async fn a_bucket_is_emptied_by_polls_and_filled_by_idleness_but_not_by_waiting() {
    let share = one_turn();
    let own = share.open();
    let nanos_left = || lock(&own.credit).nanos;
    let long_ago = Instant::now();
    tokio::time::advance(MAX_CHARGE * 100).await;
    lock(&own.credit).charge(long_ago);
    assert_eq!(
        nanos_left(),
        nanos(FULL) - nanos(MAX_CHARGE),
        "one poll costs no more"
    );
    while nanos_left() > 0 {
        lock(&own.credit).charge(long_ago);
    }
    let serving = pin!(std::future::pending::<()>());
    let mut sharing = own.serve(serving);
    let turn = turns(&share).free.try_acquire();
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert!(sharing.waiting.is_some());
    tokio::time::advance(Duration::from_secs(60)).await;
    drop(turn);
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert!(sharing.waiting.is_none() && nanos_left() <= 0);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(nanos_left(), nanos(FULL), "full after a second");
}

#[tokio::test(start_paused = true)]
async fn a_connection_earns_nothing_while_it_waits_for_the_processor_or_its_work_is_done() {
    let share = one_turn();
    let own = share.open();
    // Nearly empty, so it still needs no turn.
    let empty = || lock(&own.credit).nanos = 1;
    let waker = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&waker);
    let serving = pin!(poll_fn(move |cx: &mut Context<'_>| {
        *lock(&kept) = Some(cx.waker().clone());
        Poll::<()>::Pending
    }));
    let mut sharing = own.serve(serving);
    let wake = || lock(&waker).take().map(Waker::wake);
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    empty();
    wake();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(lock(&own.credit).nanos, 1, "it was woken at once");
    tokio::time::advance(Duration::from_millis(5)).await;
    wake();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(
        lock(&own.credit).nanos,
        1 + nanos(Duration::from_millis(5) / REFILL)
    );
    empty();
    own.set_busy(true);
    tokio::time::advance(Duration::from_secs(60)).await;
    wake();
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(lock(&own.credit).nanos, 1, "a request was carried out");
    own.set_busy(false);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(poll(Pin::new(&mut own.work(async {}))).is_ready());
    wake();
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(lock(&own.credit).nanos, 1, "its work ended just now");
}

#[tokio::test(start_paused = true)]
async fn what_wakes_a_connection_in_the_queue_does_not_cost_it_its_next_idleness() {
    let share = one_turn();
    let own = heavy(&share);
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let hearing = pin!(async move {
        while let Some(()) = receiver.recv().await {}
        std::future::pending::<()>().await;
    });
    let mut sharing = own.serve(hearing);
    // So that it can be woken.
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    yield_now().await;
    yield_now().await;
    let turn = turns(&share).free.try_acquire();
    assert!(poll(Pin::new(&mut sharing)).is_pending() && sharing.waiting.is_some());
    sender.send(()).expect("it listens");
    drop(turn);
    assert!(poll(Pin::new(&mut sharing)).is_pending() && sharing.waiting.is_none());
    tokio::time::advance(Duration::from_secs(1)).await;
    sender.send(()).expect("it listens");
    assert!(poll(Pin::new(&mut sharing)).is_pending());
    assert_eq!(lock(&own.credit).nanos, nanos(FULL));
}
