use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

use super::*;
use crate::application::fair_share::FairShare;
use crate::application::memory::MemoryBudget;
use crate::application::session::Request;
use crate::application::session::test_responder::OnRefusal;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, Scene, World, authenticate, new_session, streaming, viewing,
};
use crate::application::{Command, RequestError};

/// Whether a connection is privileged before it sends `command`, after it, and once its token has
/// expired.
async fn privileged(scene: &Scene, command: Command) -> [bool; 3] {
    let requests = RequestQueue::default();
    let (refusals, mut refused) = unbounded_channel();
    let (authenticated, share) = (AtomicBool::new(false), FairShare::default().open());
    let idle_timeout = IdleTimeout::new(Duration::ZERO, Duration::ZERO);
    let mut processor = RequestProcessor::new(
        &requests,
        Arc::clone(&share),
        SessionGuard {
            application: Arc::clone(&scene.app),
            session: new_session(1),
        },
        OnRefusal(move |refusal: &RequestError| {
            refusals.send(refusal.clone()).expect("the test listens");
        }),
        observer(&authenticated, Arc::clone(&share), idle_timeout),
    );
    let before = share.is_privileged();
    let client = async {
        let request = Request {
            command,
            context: (),
            asked: Instant::now(),
            held: MemoryBudget::new(0).reserve(0),
        };
        requests.put(request);
        requests.carried_out().await;
        let after = share.is_privileged();
        scene.at(EXPIRY);
        // The paused clock runs to the next time at which the token is looked at; then the updates
        // are withdrawn.
        let refusal = refused.recv().await;
        assert!(matches!(refusal, Some(RequestError::Unauthorized(_))));
        [before, after, share.is_privileged()]
    };
    tokio::select! {
        biased;
        _ = processor.run() => panic!("more could come"),
        privileged = client => privileged,
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_privileged_once_it_streams_and_until_its_token_has_expired() {
    let scene = World::private().build();
    let command = authenticate(ANA, streaming("ana/demo"));
    assert_eq!(privileged(&scene, command).await, [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_viewers_connection_is_never_privileged() {
    let scene = World::private().build();
    let command = authenticate(BOB, viewing("bob", "ana/demo"));
    assert_eq!(privileged(&scene, command).await, [false; 3]);
}
