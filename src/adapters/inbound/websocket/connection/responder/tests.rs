use std::collections::VecDeque;

use tokio::time::Instant;

use super::*;
use crate::adapters::delivery::{SendQueueClosed, SendQueueLimits};
use crate::application::Command;
use crate::application::fair_share::FairShare;
use crate::application::memory::MemoryBudget;
use crate::application::ports::{MockFileSource, StoreError};
use crate::application::session::{End, Request, RequestProcessor, RequestQueue};
use crate::application::test_world::{
    BOB, Scene, World, chatting, demo, disk_full, open_file, path, pull_request,
};
use crate::application::{Session, SessionGuard};
use crate::domain::{PullRequestId, UserName};

const LIMITS: SendQueueLimits = SendQueueLimits {
    max_bytes: 1_000_000,
    window_bytes: 100_000,
};

/// A world in which opening a file fails `failures` times.
fn closed(failures: usize) -> World {
    let mut world = World::new();
    let fails = |_: &ProjectId, _: &FilePath| -> Result<OpenFile, StoreError> { Err(disk_full()) };
    let open = world.projects.expect_open_file();
    open.times(failures).returning(fails);
    world
}

/// A world in which a file is opened `failures` times, and cannot be read each time.
fn broken(failures: usize) -> World {
    let mut world = World::new();
    let open = world.projects.expect_open_file();
    open.times(failures).returning(|_, path| {
        let mut source = MockFileSource::new();
        source.expect_read().returning(|_, _| Err(disk_full()));
        Ok(OpenFile {
            source: Arc::new(source),
            ..open_file(path)
        })
    });
    world
}

/// Sends into `queue`, and reserves from `memory`.
fn responder(
    scene: &Scene,
    memory: &MemoryBudget,
) -> (WebSocketResponder, Arc<SendQueue<WireFrame>>) {
    let account = memory.open_account();
    let queue = SendQueue::new(LIMITS, Arc::clone(&account), ());
    let responder = WebSocketResponder {
        application: Arc::clone(&scene.app),
        queue: Arc::clone(&queue),
        account,
        part_bytes: 1_000,
        long_lists: Arc::new(Semaphore::new(1)),
    };
    (responder, queue)
}

/// Why the queue is closed, and how many messages wait, after the file has changed.
async fn sent(world: World) -> (Option<SendQueueClosed>, usize) {
    let scene = world.build();
    let (responder, queue) = responder(&scene, &MemoryBudget::new(10_000_000));
    let file = FileKey {
        project: demo(),
        path: path("/a"),
    };
    let turn = queue.begin_file().await;
    responder.pending_update(turn, &file).await;
    let mut frames = VecDeque::new();
    queue.take(&mut frames, usize::MAX);
    (queue.closed(), frames.len())
}

/// What carries out the requests of a connection with this session.
fn processor<'a>(
    scene: &Scene,
    requests: &'a RequestQueue<Context>,
    session: Session,
    responder: WebSocketResponder,
) -> RequestProcessor<'a, WebSocketResponder, fn(&Session)> {
    let connected = SessionGuard {
        application: Arc::clone(&scene.app),
        session,
    };
    let share = FairShare::default().open();
    RequestProcessor::new(requests, share, connected, responder, |_| {})
}

#[tokio::test(start_paused = true)]
async fn answers_of_any_length_wait_for_memory_even_if_the_connection_holds_nothing() {
    for (command, is_sent) in [
        (Command::ChatHistory(Ok(None)), false),
        (Command::ChatMembers, false),
        (Command::LeaveRoom, true),
    ] {
        let mut world = World::new();
        world.rooms.expect_history().return_const(Vec::new());
        world.rooms.expect_members().return_const(Vec::new());
        let scene = world.build();
        let session = scene.connect(1, BOB, chatting("bob", "ana/demo")).await;
        let memory = MemoryBudget::new(10_000_000);
        let (responder, queue) = responder(&scene, &memory);
        let requests = RequestQueue::default();
        let mut processor = processor(&scene, &requests, session, responder);
        let request = Request {
            command,
            context: Context::default(),
            asked: Instant::now(),
            held: MemoryBudget::new(0).reserve(0),
        };
        requests.put(request);
        let others = memory.reserve(10_000_000);
        let mut running = Box::pin(processor.run());
        assert!(futures_util::poll!(&mut running).is_pending());
        assert_eq!(queue.is_empty(), !is_sent);
        drop(others);
        assert!(futures_util::poll!(&mut running).is_pending());
        assert!(!queue.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_closed_waits_for_no_memory_and_answers_nothing() {
    let mut world = World::new();
    world.rooms.expect_history().never();
    world.rooms.expect_members().never();
    let scene = world.build();
    let session = scene.connect(1, BOB, chatting("bob", "ana/demo")).await;
    let memory = MemoryBudget::new(10_000_000);
    let (responder, queue) = responder(&scene, &memory);
    let requests = RequestQueue::default();
    for command in [Command::ChatHistory(Ok(None)), Command::ChatMembers] {
        let request = Request {
            command,
            context: Context::default(),
            asked: Instant::now(),
            held: memory.reserve(1_000),
        };
        requests.put(request);
    }
    requests.close(End::Cut);
    let others = memory.reserve(10_000_000);
    let mut processor = processor(&scene, &requests, session, responder);
    let mut running = Box::pin(processor.run());
    assert!(futures_util::poll!(&mut running).is_pending());
    queue.close();
    running.await;
    assert_eq!(memory.used(), others.bytes());
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_that_cannot_be_read_for_a_moment_is_sent_all_the_same() {
    for failures in [1, RETRIES as usize] {
        assert_eq!(sent(closed(failures)).await, (None, 1));
        let errors = failures;
        assert_eq!(sent(broken(failures)).await, (None, errors + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_that_can_never_be_read_ends_the_connection() {
    for world in [closed, broken] {
        let missed = (Some(SendQueueClosed::Missed), 0);
        assert_eq!(sent(world(1 + RETRIES as usize)).await, missed);
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_long_lists_one_at_a_time_is_encoded_with_turns_for_others_in_between() {
    let scene = World::new().build();
    let memory = MemoryBudget::new(10_000_000);
    let (first, first_queue) = responder(&scene, &memory);
    let (mut second, second_queue) = responder(&scene, &memory);
    second.long_lists = Arc::clone(&first.long_lists);
    let names = || vec![UserName::parse(&"n".repeat(64)).expect("valid"); 1_000];
    let context = Context::default();
    let mut first = Box::pin(first.send(LongAnswer::ChatMembers(names()), &context));
    let mut second = Box::pin(second.send(LongAnswer::ChatMembers(names()), &context));
    let mut turns = 0;
    while futures_util::poll!(&mut first).is_pending() {
        assert!(futures_util::poll!(&mut second).is_pending());
        turns += 1;
    }
    assert!(turns > 1);
    assert!(!first_queue.is_empty() && second_queue.is_empty());
    let others = memory.reserve(10_000_000);
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(others);
    second.await;
    assert!(!second_queue.is_empty());
}

#[tokio::test]
async fn a_waiting_pull_request_that_ends_before_its_turn_is_not_told_of() {
    for is_open in [true, false] {
        let mut world = World::new();
        world.open = vec![pull_request(7, demo(), "bob")];
        let tell_if_open = world.pull_requests.expect_tell_if_open();
        tell_if_open.returning(move |_, tell| {
            if is_open {
                tell();
            }
        });
        let scene = world.build();
        let (responder, queue) = responder(&scene, &MemoryBudget::new(10_000_000));
        let waiting = vec![PullRequestId::from_u128(7)];
        let pages = PullRequestPages::new(demo(), waiting, None, &responder.account);
        responder.waiting_pull_requests(pages).await;
        assert_eq!(queue.is_empty(), !is_open);
    }
}
