use super::*;
use crate::application::command::Command;
use crate::application::ports::StoreError;
use crate::application::test_world::{World, demo, is_unauthorized, new_session};

fn status() -> Command {
    Command::ProjectStatus(Ok(demo()))
}

fn nobody() -> Session {
    new_session(1)
}

#[tokio::test]
async fn a_status_says_who_is_there_and_what_there_is() {
    for (streamers, viewers, streamer) in [(0_usize, 0_usize, false), (2, 3, true), (0, 3, false)] {
        let mut world = World::new();
        world.presence.expect_streamers().return_const(streamers);
        world.presence.expect_viewers().return_const(viewers);
        let scene = world.build();
        let answer = scene.ask(&mut nobody(), status()).await;
        let expected = ProjectStatus {
            streamer,
            viewers,
            files: 4,
            bytes: 77,
            max_bytes: 10_000_000,
            folders: 2,
        };
        assert_eq!(answer, Ok(vec![Reply::FileStatus(expected)]));
    }
}

#[tokio::test]
async fn a_project_that_does_not_exist_has_no_status() {
    let mut world = World::new();
    let absent = |_: &ProjectId| Err(StoreError::NotFound);
    world.projects.expect_usage().returning(absent);
    let answer = world.build().ask(&mut nobody(), status()).await;
    assert_eq!(answer, Err(RequestError::UnreadablePath));
}

#[tokio::test]
async fn where_reading_needs_a_token_so_does_the_status() {
    let scene = World::private().build();
    assert!(is_unauthorized(&scene.ask(&mut nobody(), status()).await));
    let mut viewer = scene.viewer().await;
    assert!(scene.ask(&mut viewer, status()).await.is_ok());
}
