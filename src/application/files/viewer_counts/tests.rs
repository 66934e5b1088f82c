use super::*;
use crate::application::command::{Command, Watch, WatchProject};
use crate::application::periodic::every_second;
use crate::application::test_world::{World, demo, new_session, project, watch};

fn with_presence(project: ProjectId) -> Command {
    let watch = Watch {
        presence: true,
        ..Watch::default()
    };
    Command::WatchProject(Ok(WatchProject {
        project,
        watch: Ok(watch),
    }))
}

#[tokio::test]
async fn who_comes_and_goes_within_a_second_is_told_once() {
    let scene = World::new().build();
    let mut asks = new_session(9);
    scene
        .ask(&mut asks, with_presence(demo()))
        .await
        .expect("watches");
    let mut sessions: Vec<_> = (1..=3).map(new_session).collect();
    for session in &mut sessions {
        scene.ask(session, watch(demo())).await.expect("watches");
    }
    scene.journal.take();
    let told = || {
        every_second(&scene.app);
        scene.journal.take()
    };
    assert_eq!(told(), ["publish presence ana/demo: viewers 0"]);
    assert_eq!(told(), [""; 0], "nobody has come or gone");
    let again = Command::UnwatchProject(Ok(demo()));
    scene.ask(&mut sessions[0], again).await.expect("may stop");
    scene.journal.take();
    assert_eq!(told(), ["publish presence ana/demo: viewers 0"]);
    scene
        .ask(&mut asks, with_presence(demo()))
        .await
        .expect("asks anew");
    assert_eq!(told(), ["publish presence ana/demo: viewers 0"]);
}

#[tokio::test]
async fn nothing_is_kept_of_what_nobody_asks_for() {
    let scene = World::new().build();
    let mut session = new_session(1);
    for number in 0..100 {
        let other = || project(&format!("eve/{number}"));
        let stop = Command::UnwatchProject(Ok(other()));
        for command in [with_presence(other()), stop] {
            scene.ask(&mut session, command).await.expect("may watch");
        }
    }
    scene
        .ask(&mut session, watch(demo()))
        .await
        .expect("may watch");
    scene.journal.take();
    every_second(&scene.app);
    assert_eq!(scene.journal.take(), [""; 0]);
    let state = lock(&scene.app.viewer_counts.0);
    assert!(state.asked.is_empty() && state.changed.is_empty());
}
