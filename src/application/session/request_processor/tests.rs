use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;
use crate::application::fair_share::FairShare;
use crate::application::locks::lock;
use crate::application::memory::MemoryBudget;
use crate::application::session::test_responder::OnRefusal;
use crate::application::test_world::{World, demo, entry, get, new_session, post};
use crate::domain::Version;

fn request(command: Command) -> Request<()> {
    Request {
        command,
        context: (),
        asked: Instant::now(),
        held: MemoryBudget::new(0).reserve(0),
    }
}

/// The clock stands still, so that idleness earns nothing.
#[tokio::test(start_paused = true)]
async fn a_long_answer_makes_its_connection_heavy_and_a_short_one_does_not() {
    for (command, expected) in [
        (Command::FinishPullRequest, false),
        (get(demo(), "/", true), true),
    ] {
        let scene = World::new().build();
        let requests = RequestQueue::default();
        requests.put(request(command));
        requests.close(End::Proper);
        let connected = SessionGuard {
            application: Arc::clone(&scene.app),
            session: new_session(1),
        };
        let share = FairShare::default().open();
        let silent = OnRefusal(|_: &RequestError| ());
        let own = Arc::clone(&share);
        let mut processor = RequestProcessor::new(&requests, own, connected, silent, |_| {});
        assert_eq!(processor.run().await, Done::NothingMore);
        assert_eq!(share.is_heavy(), expected);
    }
}

#[tokio::test]
async fn other_tasks_run_between_requests_that_have_already_arrived() {
    const REQUESTS: usize = 20;
    let scene = World::private().build();
    let requests = RequestQueue::default();
    for _ in 0..REQUESTS {
        requests.put(request(Command::FinishPullRequest));
    }
    requests.close(End::Proper);
    let connected = SessionGuard {
        application: Arc::clone(&scene.app),
        session: new_session(1),
    };
    let share = FairShare::default().open();
    // Each refusal takes longer than a slice, even if its connection is alone.
    let slow = OnRefusal(|_: &RequestError| std::thread::sleep(Duration::from_millis(1)));
    let mut processor = RequestProcessor::new(&requests, share, connected, slow, |_| {});
    let turns = Arc::new(AtomicUsize::new(0));
    let other = tokio::spawn({
        let turns = Arc::clone(&turns);
        async move {
            loop {
                turns.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    assert_eq!(processor.run().await, Done::NothingMore);
    other.abort();
    assert!(turns.load(Ordering::Relaxed) >= REQUESTS - 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_has_waited_behind_another_was_asked_for_when_it_came() {
    let mut world = World::new();
    let asked = Arc::<Mutex<Vec<Instant>>>::default();
    let noted = Arc::clone(&asked);
    let put = world.projects.expect_put_file().times(2);
    put.returning(move |file, asked, _, _, _, in_turn| {
        lock(&noted).push(asked);
        in_turn(entry(&file.path));
        Ok(Version::new(1))
    });
    let scene = world.build();
    let connected = SessionGuard {
        application: Arc::clone(&scene.app),
        session: scene.streamer().await,
    };
    let requests = RequestQueue::default();
    let mut came = Vec::new();
    for content in ["first", "second"] {
        came.push(Instant::now());
        requests.put(request(post("/a", content)));
        tokio::time::advance(Duration::from_secs(5)).await;
    }
    requests.close(End::Proper);
    let silent = OnRefusal(|_: &RequestError| ());
    let share = FairShare::default().open();
    let mut processor = RequestProcessor::new(&requests, share, connected, silent, |_| {});
    assert_eq!(processor.run().await, Done::NothingMore);
    assert_eq!(*lock(&asked), came);
}
