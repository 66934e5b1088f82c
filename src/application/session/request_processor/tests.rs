use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::application::fair_share::FairShare;
use crate::application::memory::MemoryBudget;
use crate::application::session::test_responder::OnRefusal;
use crate::application::test_world::{World, new_session};

#[tokio::test]
async fn other_tasks_run_between_requests_that_have_already_arrived() {
    const REQUESTS: usize = 20;
    let scene = World::private().build();
    let requests = RequestQueue::default();
    for _ in 0..REQUESTS {
        let request = Request {
            command: Command::FinishPullRequest,
            context: (),
            held: MemoryBudget::new(0).reserve(0),
        };
        requests.put(request).await;
    }
    requests.close(End::Proper);
    let connected = SessionGuard {
        application: Arc::clone(&scene.app),
        session: new_session(1),
    };
    let share = FairShare::default().open();
    let slow = OnRefusal(|_: &RequestError| std::thread::sleep(SLICE));
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
