use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake};

use futures_util::FutureExt as _;
use shuttle::future::block_on;
use shuttle::thread;

use super::*;
use crate::application::locks::interleaved::check;
use crate::application::locks::lock;

const MIB: usize = 1 << 20;

fn account(budget: &MemoryBudget, holder: Holder) -> Arc<Account> {
    let account = budget.open_account();
    account.set_holder(holder);
    account
}

#[test]
fn each_holder_has_its_own_limit_and_the_last_16_mib_are_for_streamers() {
    for (holder, limit) in [
        (Holder::Unauthenticated, 25 * MIB),
        (Holder::Authenticated, 84 * MIB),
        (Holder::Streamer, 100 * MIB),
    ] {
        let budget = MemoryBudget::new(100 * MIB);
        let account = account(&budget, holder);
        let mut held = account.reserve(limit - 1);
        assert!(account.has_room(1) && !account.has_room(2), "{holder:?}");
        held.set(limit);
        assert!(!account.has_room(1), "{holder:?}");
        drop(held);
        assert_eq!((budget.used(), account.held()), (0, 0));
    }
}

#[test]
fn a_connection_that_holds_little_always_has_room_for_a_request_and_its_answer() {
    let budget = MemoryBudget::new(MIB);
    let _all = budget.reserve(MIB);
    for (holder, free) in [
        (Holder::Unauthenticated, FREE_UNAUTHENTICATED_BYTES),
        (Holder::Authenticated, FREE_BYTES),
    ] {
        let account = account(&budget, holder);
        assert!(account.has_room(free) && !account.has_room(free + 1));
    }
}

#[test]
fn a_valid_token_takes_what_a_connection_holds_out_of_the_share_of_strangers() {
    let budget = MemoryBudget::new(100 * MIB);
    let (first, second) = (budget.open_account(), budget.open_account());
    let held = first.reserve(25 * MIB);
    assert!(!second.has_room(MIB));
    first.set_holder(Holder::Authenticated);
    assert!(second.has_room(25 * MIB));
    first.set_holder(Holder::Unauthenticated);
    assert!(!second.has_room(MIB));
    drop(held);
    assert!(second.has_room(25 * MIB));
}

#[test]
fn very_many_strangers_who_hold_little_lock_nobody_out_and_are_closed_before_a_streamer() {
    let budget = MemoryBudget::new(192 * MIB);
    let strangers: Vec<_> = (0..20_000).map(|_| budget.open_account()).collect();
    let mut held = Vec::new();
    for stranger in &strangers {
        if stranger.has_room(16_000) {
            held.push(stranger.reserve(16_000));
        } else if stranger.has_room(FREE_UNAUTHENTICATED_BYTES) {
            held.push(stranger.reserve(FREE_UNAUTHENTICATED_BYTES));
        }
    }
    assert_eq!(held.len(), 20_000, "each may hold a little");
    let viewer = account(&budget, Holder::Authenticated);
    assert!(viewer.has_room(50 * MIB));
    let streamer = account(&budget, Holder::Streamer);
    let _post = streamer.reserve(MIB);
    assert!(budget.evict_largest() && !streamer.is_evicted());
    assert_eq!(strangers.iter().filter(|it| it.is_evicted()).count(), 1);
}

#[test]
fn the_largest_is_closed_and_a_streamer_only_after_all_others() {
    let budget = MemoryBudget::new(100 * MIB);
    let (small, large) = (
        account(&budget, Holder::Authenticated),
        account(&budget, Holder::Authenticated),
    );
    let streamer = account(&budget, Holder::Streamer);
    let _held = [
        small.reserve(MIB),
        large.reserve(40 * MIB),
        streamer.reserve(59 * MIB),
    ];
    let evicted = || [&small, &large, &streamer].map(|account| account.is_evicted());
    for expected in [
        [false, true, false],
        [true, true, false],
        [true, true, true],
    ] {
        assert!(budget.evict_largest());
        assert_eq!(evicted(), expected);
    }
    assert!(!budget.evict_largest());
    assert_eq!(budget.evicted(), 3);
}

#[test]
fn what_is_held_is_told_by_who_holds_it_and_adds_up() {
    let budget = MemoryBudget::new(100);
    assert_eq!(
        (budget.held(), budget.unauthenticated_max()),
        (Held::default(), 25)
    );
    let accounts = [
        Holder::Unauthenticated,
        Holder::Authenticated,
        Holder::Streamer,
    ]
    .map(|holder| account(&budget, holder));
    let _held: Vec<_> = accounts
        .iter()
        .zip([1, 20, 300])
        .map(|(a, bytes)| a.reserve(bytes))
        .collect();
    let _shared = (
        budget.reserve(4_000),
        budget.shared_account().reserve(50_000),
    );
    let held = Held {
        unauthenticated: 1,
        authenticated: 20,
        streamers: 300,
        shared: 54_000,
    };
    assert_eq!((budget.held(), budget.used()), (held, 54_321));
}

#[test]
fn shared_frames_that_wait_for_a_connection_count_when_the_largest_is_looked_for() {
    let budget = MemoryBudget::new(MIB);
    let (reads, lags) = (
        account(&budget, Holder::Authenticated),
        account(&budget, Holder::Authenticated),
    );
    let _held = (budget.reserve(MIB), reads.reserve(FREE_BYTES + 1));
    lags.set_shared(MIB);
    assert!(budget.evict_largest());
    assert!(lags.is_evicted() && !reads.is_evicted());
}

#[tokio::test(start_paused = true)]
async fn unauthenticated_connections_that_use_up_their_share_close_nobody_else() {
    let budget = MemoryBudget::new(100 * MIB);
    let relieving = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { budget.relieve().await }
    });
    let viewer = account(&budget, Holder::Authenticated);
    let (stranger, other) = (budget.open_account(), budget.open_account());
    let _viewers = viewer.reserve(50 * MIB);
    let held = stranger.reserve(25 * MIB);
    let waiting = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.room(MIB).await }
    });
    stranger.evicted().await;
    drop(held);
    waiting.await.expect("there is room");
    assert!(!viewer.is_evicted() && !other.is_evicted());
    relieving.abort();
}

#[tokio::test(start_paused = true)]
async fn what_can_be_had_again_goes_before_a_connection_is_closed() {
    let budget = MemoryBudget::new(100 * MIB);
    let unused = Arc::new(Mutex::new(vec![
        budget.reserve(30 * MIB),
        budget.reserve(30 * MIB),
    ]));
    budget.add_reclaim(move || lock(&unused).pop().is_some());
    let relieving = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { budget.relieve().await }
    });
    let viewer = account(&budget, Holder::Authenticated);
    let held = viewer.reserve(30 * MIB);
    viewer.room(1).await;
    let more = viewer.reserve(30 * MIB);
    viewer.room(1).await;
    assert!(!viewer.is_evicted());
    assert_eq!(budget.used(), 60 * MIB);
    let _most = viewer.reserve(30 * MIB);
    viewer.evicted().await;
    drop((held, more));
    relieving.abort();
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_closed_if_memory_comes_free_by_itself() {
    let budget = MemoryBudget::new(100 * MIB);
    let relieving = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { budget.relieve().await }
    });
    let (first, second) = (
        account(&budget, Holder::Authenticated),
        account(&budget, Holder::Authenticated),
    );
    let mut held = first.reserve(84 * MIB - 1);
    let waiting = tokio::spawn({
        let second = Arc::clone(&second);
        async move { second.room(10 * MIB).await }
    });
    for less in 1..=10 {
        sleep(PATIENCE / 2).await;
        held.set(84 * MIB - 1 - less * MIB);
    }
    waiting.await.expect("there is room");
    assert!(!first.is_evicted() && !second.is_evicted());
    relieving.abort();
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody who waits for memory.
struct Waiter {
    room: Pin<Box<dyn Future<Output = ()>>>,
    wakes: Arc<Wakes>,
}

impl Waiter {
    /// A new connection that needs more than it may always hold.
    fn new(budget: &MemoryBudget, holder: Holder) -> Self {
        Self::of(account(budget, holder), FREE_BYTES + 1)
    }

    fn of(account: Arc<Account>, bytes: usize) -> Self {
        let mut waiter = Self {
            room: Box::pin(async move { account.room(bytes).await }),
            wakes: Arc::default(),
        };
        assert!(!waiter.has_room());
        waiter
    }

    fn has_room(&mut self) -> bool {
        let waker = Arc::clone(&self.wakes).into();
        self.room
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    }

    fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::Relaxed) > 0
    }
}

#[test]
fn one_waiter_is_woken_at_a_time_in_turn_and_wakes_the_next() {
    let budget = MemoryBudget::new(MIB);
    let mut all = budget.reserve(MIB);
    let mut waiters = [(); 4].map(|()| Waiter::new(&budget, Holder::Authenticated));
    let woken = |waiters: &[Waiter]| waiters.iter().map(Waiter::is_woken).collect::<Vec<_>>();
    all.set(MIB / 2);
    assert_eq!(woken(&waiters), [true, false, false, false]);
    assert!(waiters[0].has_room());
    assert_eq!(woken(&waiters), [true, true, false, false]);
    all.set(MIB);
    assert!(!waiters[1].has_room());
    assert_eq!(woken(&waiters), [true, true, false, false], "all is used");
    all.set(MIB / 2);
    assert_eq!(woken(&waiters), [true, true, true, false]);
}

#[test]
fn a_waiter_who_goes_away_when_woken_passes_the_turn_on() {
    let budget = MemoryBudget::new(MIB);
    let mut all = budget.reserve(MIB);
    let [first, mut second] = [(); 2].map(|()| Waiter::new(&budget, Holder::Authenticated));
    all.set(0);
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken() && second.has_room());
}

#[test]
fn those_whose_part_is_full_are_not_woken_by_the_memory_of_others() {
    let budget = MemoryBudget::new(100 * MIB);
    let (stranger, viewer) = (
        budget.open_account(),
        account(&budget, Holder::Authenticated),
    );
    let held = stranger.reserve(25 * MIB);
    let waiter = Waiter::new(&budget, Holder::Unauthenticated);
    drop(viewer.reserve(MIB));
    assert!(!waiter.is_woken());
    drop(held);
    assert!(waiter.is_woken());
}

#[test]
fn a_valid_token_makes_room_for_strangers_who_wait() {
    let budget = MemoryBudget::new(100 * MIB);
    let stranger = budget.open_account();
    let _held = stranger.reserve(25 * MIB);
    let mut waiter = Waiter::new(&budget, Holder::Unauthenticated);
    stranger.set_holder(Holder::Streamer);
    assert!(waiter.is_woken() && waiter.has_room());
}

#[test]
fn a_valid_token_ends_the_wait_of_its_own_connection() {
    let budget = MemoryBudget::new(100 * MIB);
    let (stranger, own) = (budget.open_account(), budget.open_account());
    let _held = stranger.reserve(25 * MIB);
    let mut waiter = Waiter::of(Arc::clone(&own), FREE_BYTES + 1);
    own.set_holder(Holder::Authenticated);
    assert!(waiter.is_woken() && waiter.has_room());
}

#[test]
fn a_connection_that_gives_its_own_memory_back_goes_on_before_those_who_wait_longer() {
    let budget = MemoryBudget::new(MIB);
    let _all = budget.reserve(MIB);
    let longer = Waiter::new(&budget, Holder::Authenticated);
    let own = account(&budget, Holder::Authenticated);
    let mut held = own.reserve(3 * FREE_BYTES);
    let mut waiter = Waiter::of(own, FREE_BYTES);
    held.set(FREE_BYTES + 1);
    assert!(!waiter.is_woken(), "it keeps its place");
    drop(held);
    assert!(waiter.is_woken() && waiter.has_room());
    assert!(!longer.is_woken(), "nothing has come free for it");
}

#[test]
fn no_wake_up_is_lost_between_waiters_of_all_kinds_who_come_go_and_change() {
    check(2_000, || {
        let budget = MemoryBudget::new(8 * FREE_BYTES);
        let stranger = budget.open_account();
        let share = stranger.reserve(2 * FREE_BYTES);
        let all = budget.reserve(6 * FREE_BYTES);
        let holders = [
            Holder::Unauthenticated,
            Holder::Unauthenticated,
            Holder::Authenticated,
            Holder::Streamer,
        ];
        let waiters = holders.map(|holder| {
            let waiter = account(&budget, holder);
            thread::spawn(move || {
                block_on(waiter.room(FREE_BYTES + 1));
                drop(waiter.reserve(FREE_BYTES + 1));
            })
        });
        let impatient = account(&budget, Holder::Unauthenticated);
        let gives_up = thread::spawn(move || {
            let _ = impatient.room(FREE_BYTES + 1).now_or_never();
        });
        let shows_token = thread::spawn({
            let stranger = Arc::clone(&stranger);
            move || stranger.set_holder(Holder::Authenticated)
        });
        drop(all);
        for task in waiters.into_iter().chain([gives_up, shows_token]) {
            task.join().expect("no panic");
        }
        drop(share);
        assert_eq!((budget.used(), stranger.held()), (0, 0));
        assert!(account(&budget, Holder::Unauthenticated).has_room(2 * FREE_BYTES));
    });
}

#[test]
fn no_wake_up_is_lost_when_others_return_memory_in_between() {
    check(2_000, || {
        let budget = MemoryBudget::new(4 * FREE_BYTES);
        let holder = account(&budget, Holder::Authenticated);
        let held = holder.reserve(4 * FREE_BYTES);
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let waiter = account(&budget, Holder::Authenticated);
                thread::spawn(move || {
                    block_on(waiter.room(FREE_BYTES + 1));
                    drop(waiter.reserve(FREE_BYTES + 1));
                })
            })
            .collect();
        drop(held);
        for waiter in waiters {
            waiter.join().expect("no panic");
        }
        assert!(holder.room(1).now_or_never().is_some());
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn there_is_plenty_until_half_of_what_such_connections_may_hold_is_held() {
    let budget = MemoryBudget::new(800);
    let (stranger, other) = (budget.open_account(), budget.open_account());
    assert!(stranger.has_plenty(100) && !stranger.has_plenty(101));
    let held = other.reserve(60);
    assert!(stranger.has_plenty(40) && !stranger.has_plenty(41));
    stranger.set_holder(Holder::Authenticated);
    // A quarter belongs to streamers.
    assert!(stranger.has_plenty(240) && !stranger.has_plenty(241));
    drop(held);
    assert!(stranger.has_plenty(300) && !stranger.has_plenty(301));
}
