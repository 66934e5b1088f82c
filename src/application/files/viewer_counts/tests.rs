use crate::application::periodic::every_second;
use crate::application::test_world::{World, demo, new_session, watch};

#[tokio::test]
async fn who_comes_and_goes_within_a_second_is_told_once() {
    let scene = World::new().build();
    let mut sessions: Vec<_> = (1..=3).map(new_session).collect();
    for session in &mut sessions {
        scene.ask(session, watch(demo())).await.expect("watches");
    }
    scene.journal.take();
    every_second(&scene.app);
    assert_eq!(
        scene.journal.take(),
        ["publish presence ana/demo: viewers 0"]
    );
    every_second(&scene.app);
    assert_eq!(scene.journal.take(), [""; 0], "nobody has come or gone");
}
