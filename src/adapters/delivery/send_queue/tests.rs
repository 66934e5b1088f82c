use std::collections::BTreeMap;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::waiting_changes::WaitingChanges;
use super::*;
use crate::application::memory::{FREE_BYTES, Holder, MemoryBudget};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::adapters::delivery::send_queue::Latest;
use crate::application::FileKey;
use crate::domain::{FilePath, ProjectName, UserName};
use crate::domain::{ProjectId, Version};

/// A file at a version, a deletion, or a text of some length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    File(String, u64),
    Deleted(String, u64),
    Text(usize),
}

impl Frame for Sent {
    fn bytes(&self) -> usize {
        match self {
            Self::File(..) | Self::Deleted(..) => 10,
            Self::Text(bytes) => *bytes,
        }
    }

    fn shared_bytes(&self) -> usize {
        match self {
            Self::File(..) | Self::Deleted(..) => self.bytes(),
            Self::Text(_) => 0,
        }
    }

    fn lane(&self) -> Lane {
        Lane::Few
    }
}

pub(crate) const LIMITS: SendQueueLimits = SendQueueLimits {
    max_bytes: 2_000,
    window_bytes: 100,
};

fn queue() -> Arc<SendQueue<Sent>> {
    SendQueue::new(LIMITS, MemoryBudget::new(1_000_000).open_account(), ())
}

fn project() -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("valid"),
        name: ProjectName::parse("demo").expect("valid"),
    }
}

pub(crate) fn key(name: &str) -> Arc<FileKey> {
    Arc::new(FileKey {
        project: project(),
        path: FilePath::parse(name).expect("valid"),
    })
}

pub(crate) fn file(name: &str, version: u64) -> Sent {
    Sent::File(name.into(), version)
}

fn taken(queue: &SendQueue<Sent>) -> Vec<Sent> {
    let mut frames = VecDeque::new();
    queue.take(&mut frames, usize::MAX);
    frames.into()
}

fn update(queue: &SendQueue<Sent>, name: &str, version: u64) {
    queue.deliver_update(&key(name), Version::new(version), &[file(name, version)]);
}

fn delete(queue: &SendQueue<Sent>, name: &str, version: u64) {
    let frame = Sent::Deleted(name.into(), version);
    queue.deliver_told(&key(name), Version::new(version), &frame);
}

fn next_name(queue: &Arc<SendQueue<Sent>>) -> Option<String> {
    let (_turn, file) = queue.next_pending().now_or_never()?;
    Some(file.path.as_str().to_owned())
}

#[test]
fn a_connection_that_keeps_up_gets_every_change_as_it_came() {
    let queue = queue();
    update(&queue, "a", 1);
    update(&queue, "a", 2);
    delete(&queue, "a", 3);
    assert_eq!(
        taken(&queue),
        [file("a", 1), file("a", 2), Sent::Deleted("a".into(), 3)]
    );
}

#[test]
fn a_connection_that_lags_has_one_entry_per_file_in_order_of_first_change() {
    let queue = queue();
    queue.push(Sent::Text(100));
    for version in 0..50 {
        update(&queue, "b", 2 * version + 1);
        update(&queue, "a", 2 * version + 2);
    }
    assert!(next_name(&queue).is_none(), "no room yet");
    assert_eq!(taken(&queue), [Sent::Text(100)]);
    assert_eq!(next_name(&queue).as_deref(), Some("/b"));
    assert_eq!(next_name(&queue).as_deref(), Some("/a"));
    assert!(next_name(&queue).is_none());
}

#[test]
fn a_deletion_replaces_a_waiting_version_and_the_reverse() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 1);
    delete(&queue, "a", 2);
    delete(&queue, "b", 3);
    update(&queue, "b", 4);
    taken(&queue);
    assert_eq!(
        next_name(&queue).as_deref(),
        Some("/b"),
        "the deletion is queued on the way"
    );
    assert_eq!(taken(&queue), [Sent::Deleted("a".into(), 2)]);
}

#[test]
fn presence_keeps_its_latest_state_where_the_connection_lags() {
    let queue = queue();
    queue.push(Sent::Text(100));
    for state in [1, 2, 3] {
        queue.deliver_latest(Latest::Streamer, &project(), &Sent::Text(state));
    }
    taken(&queue);
    assert!(next_name(&queue).is_none());
    assert_eq!(taken(&queue), [Sent::Text(3)]);
}

#[test]
fn the_latest_of_each_kind_waits_where_the_connection_lags() {
    let queue = queue();
    queue.push(Sent::Text(100));
    for number in [1, 2] {
        for (kind, add) in [
            (Latest::Streamer, 0),
            (Latest::Viewers, 10),
            (Latest::Focus, 20),
        ] {
            queue.deliver_latest(kind, &project(), &Sent::Text(number + add));
        }
    }
    taken(&queue);
    assert!(next_name(&queue).is_none());
    assert_eq!(taken(&queue), [2, 12, 22].map(Sent::Text));
}

#[test]
fn nothing_of_another_file_comes_while_one_is_being_sent() {
    let queue = queue();
    let turn = queue.begin_file().now_or_never().expect("the turn is free");
    update(&queue, "a", 1);
    delete(&queue, "b", 2);
    queue.deliver(Sent::Text(7));
    assert_eq!(taken(&queue), [Sent::Text(7)], "chat may come between");
    assert!(queue.begin_file().now_or_never().is_none());
    drop(turn);
    assert_eq!(next_name(&queue).as_deref(), Some("/a"));
}

#[test]
fn a_file_that_is_sent_supersedes_what_waits_unless_that_is_newer() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 5);
    update(&queue, "b", 6);
    update(&queue, "c", 7);
    queue.supersede(&key("a"), Version::new(5));
    queue.supersede(&key("b"), Version::new(5));
    queue.supersede(&key("c"), Version::UNKNOWN);
    taken(&queue);
    assert_eq!(next_name(&queue).as_deref(), Some("/b"));
    assert_eq!(next_name(&queue).as_deref(), Some("/c"));
    assert!(next_name(&queue).is_none());
}

#[test]
fn a_project_that_is_forgotten_leaves_nothing_waiting_and_its_turn_is_withdrawn() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 1);
    update(&queue, "b", 2);
    delete(&queue, "c", 3);
    queue.deliver_latest(Latest::Streamer, &project(), &Sent::Text(1));
    taken(&queue);
    let (turn, _) = queue.next_pending().now_or_never().expect("/a waits");
    let other = ProjectId {
        name: ProjectName::parse("other").expect("valid"),
        ..project()
    };
    queue.forget(&other);
    assert!(turn.is_wanted());
    queue.forget(&project());
    assert!(
        !turn.is_wanted(),
        "whether or not it has been opened by now"
    );
    drop(turn);
    assert!(next_name(&queue).is_none());
    assert!(taken(&queue).is_empty());
    update(&queue, "d", 4);
    assert_eq!(taken(&queue), [file("d", 4)], "what comes later is new");
}

#[test]
fn an_answer_waits_for_the_file_that_is_being_sent_if_it_is_about_that() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 1);
    taken(&queue);
    let (turn, _) = queue.next_pending().now_or_never().expect("/a waits");
    queue.answer_change(&key("b"), file("b", 3));
    queue.answer_change(&key("a"), file("a", 2));
    assert!(queue.changes_answered().now_or_never().is_none());
    queue.push(file("a", 1));
    drop(turn);
    assert!(queue.changes_answered().now_or_never().is_some());
    assert_eq!(taken(&queue), [file("b", 3), file("a", 1), file("a", 2)]);
}

#[test]
fn an_answer_waits_for_the_file_that_is_being_sent_of_a_project_that_is_forgotten() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 1);
    taken(&queue);
    let (turn, _) = queue.next_pending().now_or_never().expect("/a waits");
    queue.forget(&project());
    queue.answer_change(&key("a"), file("a", 2));
    queue.push(file("a", 1));
    drop(turn);
    assert_eq!(taken(&queue), [file("a", 1), file("a", 2)]);
}

#[test]
fn no_answer_waits_for_a_turn_in_a_mailbox_that_is_closed() {
    let queue = queue();
    queue.push(Sent::Text(100));
    update(&queue, "a", 1);
    taken(&queue);
    let (_turn, _) = queue.next_pending().now_or_never().expect("/a waits");
    queue.answer_change(&key("a"), file("a", 2));
    queue.close();
    queue.answer_change(&key("a"), file("a", 3));
    assert!(queue.changes_answered().now_or_never().is_some());
}

#[test]
fn messages_that_cannot_be_skipped_close_a_full_mailbox() {
    let queue = queue();
    queue.deliver(Sent::Text(2_000));
    assert_eq!(queue.closed(), None, "at the limit");
    queue.deliver(Sent::Text(1));
    assert_eq!(queue.closed(), Some(SendQueueClosed::Overflow));
    assert!(taken(&queue).is_empty(), "and free what waited");
}

#[test]
fn waiting_names_may_fill_a_queue_to_its_last_byte_and_one_more_closes_it() {
    const NAMES: usize = 10;
    let frame = Sent::Text(100);
    let names = NAMES * WaitingChanges::<Sent>::ENTRY_BYTES;
    for (spare, closed) in [(0, None), (1, Some(SendQueueClosed::Overflow))] {
        let limits = SendQueueLimits {
            max_bytes: frame.bytes() + names - spare,
            window_bytes: 100,
        };
        let account = MemoryBudget::new(1_000_000).open_account();
        let queue = SendQueue::new(limits, Arc::clone(&account), ());
        queue.push(frame.clone());
        for index in 0..NAMES {
            update(&queue, &format!("f{index}"), index as u64 + 1);
        }
        assert_eq!(queue.closed(), closed);
        let held = if closed.is_none() { names } else { 0 };
        assert_eq!(
            account.held(),
            held,
            "they are reserved for as long as they wait"
        );
    }
}

#[test]
fn while_the_budget_is_exhausted_only_connections_far_behind_are_closed() {
    let limits = SendQueueLimits {
        max_bytes: 1_000_000,
        window_bytes: 100,
    };
    for (behind, spent, closed) in [
        (65_536, 75, None),
        (65_537, 75, Some(SendQueueClosed::Overflow)),
        (65_537, 74, None),
        (0, 75, None),
    ] {
        let budget = MemoryBudget::new(100);
        let queue = SendQueue::new(limits, budget.open_account(), ());
        let _charge = budget.reserve(spent);
        queue.push(Sent::Text(behind));
        queue.deliver(Sent::Text(1));
        assert_eq!(queue.closed(), closed, "{behind} behind, {spent} spent");
    }
}

#[test]
fn a_connection_that_waits_for_its_own_answers_is_not_closed_before_one_that_holds_more() {
    let budget = MemoryBudget::new(1_000_000);
    let (answered, asks) = (budget.open_account(), budget.open_account());
    let queue = SendQueue::new(LIMITS, Arc::clone(&answered), ());
    let mut held = Vec::new();
    for _ in 0..3 {
        queue.push(Sent::Text(100_000));
        held.push(answered.reserve(100_000));
    }
    let _all = (budget.reserve(450_000), asks.reserve(300_001));
    assert!(budget.evict_largest());
    assert!(asks.is_evicted(), "what waits is reserved once");
}

#[test]
fn shared_frames_count_for_a_connection_for_as_long_as_they_wait() {
    let budget = MemoryBudget::new(1_000_000);
    let _all = budget.reserve(1_000_000);
    let (lags, asks) = (budget.open_account(), budget.open_account());
    let queue = SendQueue::new(LIMITS, Arc::clone(&lags), ());
    let _held = (lags.reserve(20_000), asks.reserve(20_009));
    let shared = |number| file("a", number);
    queue.deliver(shared(1));
    queue.push(Sent::Text(50));
    queue.deliver(shared(2));
    queue.take(&mut VecDeque::new(), 60);
    assert!(budget.evict_largest());
    assert!(lags.is_evicted() && !asks.is_evicted(), "10 bytes more");
    let (lags, asks) = (budget.open_account(), budget.open_account());
    let queue = SendQueue::new(LIMITS, Arc::clone(&lags), ());
    let _held = (lags.reserve(20_100), asks.reserve(20_101));
    queue.deliver(shared(1));
    taken(&queue);
    assert!(budget.evict_largest());
    assert!(asks.is_evicted() && !lags.is_evicted(), "all are written");
}

#[test]
fn as_much_is_taken_at_once_as_fits_but_something_in_any_case() {
    let queue = queue();
    for bytes in [70, 40, 60, 1] {
        queue.push(Sent::Text(bytes));
    }
    let taken = || {
        let mut frames = VecDeque::new();
        queue.take(&mut frames, 50);
        frames.iter().map(Frame::bytes).collect::<Vec<_>>()
    };
    assert_eq!(taken(), [70], "longer than asked for");
    assert_eq!(taken(), [40], "60 more are too much");
    assert_eq!(taken(), [60]);
    assert_eq!(taken(), [1]);
    for bytes in [30, 20, 1] {
        queue.push(Sent::Text(bytes));
    }
    let mut frames = VecDeque::new();
    queue.take(&mut frames, 50);
    assert_eq!(frames, [Sent::Text(30), Sent::Text(20)], "exactly");
}

#[tokio::test(start_paused = true)]
async fn exhausted_memory_holds_back_all_connections_but_those_that_hold_little() {
    let budget = MemoryBudget::new(100);
    let account = budget.open_account();
    account.set_holder(Holder::Authenticated);
    let queue = SendQueue::new(LIMITS, Arc::clone(&account), ());
    let others = budget.reserve(100);
    let mut own = account.reserve(FREE_BYTES);
    assert!(queue.room().now_or_never().is_some(), "it holds little");
    own.set(FREE_BYTES + 1);
    assert!(queue.room().now_or_never().is_none());
    queue.push(Sent::Text(1));
    update(&queue, "a", 1);
    assert_eq!(taken(&queue), [Sent::Text(1)], "the file waits as a name");
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.next_pending().await.1 }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(own);
    assert_eq!(waiting.await.expect("it is told of room"), key("a"));
    drop(others);
    assert_eq!(budget.used(), 0, "names that are gone take up nothing");
}

/// One step of a random history over a few files.
#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    Delete(u8),
    /// A `get` opens the file, and sends it some steps later.
    BeginGet(u8),
    EndGet,
    SendPending,
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4).prop_map(Step::Put),
        2 => (0_u8..4).prop_map(Step::Delete),
        1 => (0_u8..4).prop_map(Step::BeginGet),
        2 => Just(Step::EndGet),
        2 => Just(Step::SendPending),
        2 => (0_usize..40).prop_map(Step::Take),
    ]
}

/// What a receiver has seen of each file. Checks that no file goes backwards.
#[derive(Default)]
struct Seen(BTreeMap<String, (u64, bool)>);

impl Seen {
    fn take(&mut self, queue: &SendQueue<Sent>, max_bytes: usize) {
        let mut frames = VecDeque::new();
        queue.take(&mut frames, max_bytes);
        for frame in frames {
            let (name, version, there) = match frame {
                Sent::File(name, version) => (name, version, true),
                Sent::Deleted(name, version) => (name, version, false),
                Sent::Text(_) => continue,
            };
            let before = self.0.insert(name.clone(), (version, there));
            assert!(
                before.is_none_or(|(old, _)| old <= version),
                "{name} went backwards"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_receiver_sees_a_file_go_backwards_and_all_converge(
        steps in proptest::collection::vec(step(), 0..200)
    ) {
        let queue = SendQueue::new(
            SendQueueLimits { max_bytes: 2_000, window_bytes: 30 },
            MemoryBudget::new(1_000_000).open_account(),
            (),
        );
        // The store: each file's newest version, and whether it exists.
        let mut store: BTreeMap<String, (u64, bool)> = BTreeMap::new();
        let mut version = 0;
        let mut seen = Seen::default();
        let mut getting: Option<(FileTransferGuard<Sent>, Sent)> = None;
        let name = |file: u8| format!("/f{file}");
        for step in steps {
            match step {
                Step::Put(index) => {
                    version += 1;
                    store.insert(name(index), (version, true));
                    update(&queue, &name(index), version);
                }
                Step::Delete(index) => {
                    if store.get(&name(index)).is_some_and(|(_, there)| *there) {
                        version += 1;
                        store.insert(name(index), (version, false));
                        delete(&queue, &name(index), version);
                    }
                }
                Step::BeginGet(index) => {
                    if let Some((opened, true)) = store.get(&name(index)).copied()
                        && let Some(turn) = queue.begin_file().now_or_never()
                    {
                        queue.supersede(&key(&name(index)), Version::new(opened));
                        getting = Some((turn, file(&name(index), opened)));
                    }
                }
                Step::EndGet => {
                    if let Some((turn, sent)) = getting.take() {
                        queue.push(sent);
                        drop(turn);
                    }
                }
                Step::SendPending => send_pending(&queue, &store),
                Step::Take(bytes) => seen.take(&queue, bytes),
            }
        }
        if let Some((turn, sent)) = getting.take() {
            queue.push(sent);
            drop(turn);
        }
        while !queue.is_empty() {
            seen.take(&queue, usize::MAX);
            send_pending(&queue, &store);
        }
        prop_assert_eq!(queue.closed(), None);
        for (name, (version, there)) in &store {
            let (sent, sent_there) = seen.0[name];
            prop_assert_eq!((sent, sent_there), (*version, *there), "{} did not converge", name);
        }
    }
}

fn send_pending(queue: &Arc<SendQueue<Sent>>, store: &BTreeMap<String, (u64, bool)>) {
    while let Some((turn, key)) = queue.next_pending().now_or_never() {
        let name = key.path.as_str();
        if let (opened, true) = store[name] {
            queue.supersede(&key, Version::new(opened));
            queue.push(file(name, opened));
        }
        drop(turn);
    }
}

/// Notes which lane each call takes.
struct Lanes(Arc<std::sync::Mutex<Vec<Lane>>>);

impl FlushCall for Lanes {
    fn call(&self, lane: Lane) {
        self.0.lock().expect("not poisoned").push(lane);
    }
}

#[tokio::test]
async fn a_file_that_was_asked_for_waits_behind_what_is_for_few() {
    let lanes = Arc::default();
    let account = MemoryBudget::new(1_000_000).open_account();
    let queue = SendQueue::new(LIMITS, account, Lanes(Arc::clone(&lanes)));
    queue.push(Sent::Text(1));
    taken(&queue);
    let transfer = queue.begin_file().await;
    queue.push(file("a", 1));
    taken(&queue);
    drop(transfer);
    queue.push(Sent::Text(1));
    assert_eq!(
        *lanes.lock().expect("not poisoned"),
        [Lane::Few, Lane::Many, Lane::Few]
    );
}
