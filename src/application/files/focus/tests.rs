use super::*;
use crate::application::command::{Command, RequestKind};
use crate::application::request_error::BadParameters;
use crate::application::test_world::{World, is_unauthorized, new_session, path};

fn look(name: &str, line: Option<u32>) -> Command {
    Command::Focus(Ok(Focus {
        path: path(name),
        line,
    }))
}

#[tokio::test]
async fn those_who_asked_here_and_elsewhere_are_told_where_the_streamer_is_looking() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    scene.journal.take();
    for (name, line) in [("/a", Some(7)), ("/new", None)] {
        let answer = scene.ask(&mut session, look(name, line)).await;
        assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Focus)]));
    }
    assert_eq!(
        scene.journal.take(),
        [
            "tell other servers: ana/demo focus /a 7",
            "publish presence ana/demo but #1: focus /a 7",
            "tell other servers: ana/demo focus /new",
            "publish presence ana/demo but #1: focus /new",
        ]
    );
}

#[tokio::test]
async fn only_a_streamer_says_where_they_are_looking_and_the_right_comes_first() {
    let scene = World::new().build();
    let mut anyone = new_session(9);
    let wrong = || Command::Focus(Err(BadParameters::new("no name")));
    assert!(is_unauthorized(&scene.ask(&mut anyone, wrong()).await));
    let mut viewer = scene.viewer().await;
    assert!(is_unauthorized(
        &scene.ask(&mut viewer, look("/a", None)).await
    ));
}
