use super::*;
use crate::application::command::{Command, RequestKind, Watch};
use crate::application::connection_id::ConnectionId;
use crate::application::memory::MemoryBudget;
use crate::application::request_error::BadParameters;
use crate::application::test_world::{
    ADDRESS, BOB, EXPIRY, Scene, World, authenticate, demo, is_bad, is_unauthorized, new_session,
    other, over, path, project, watch,
};
use crate::domain::{Contents, Sections};
use std::sync::Arc;

fn nobody() -> Session {
    new_session(1)
}

fn unwatch(project: ProjectId) -> Command {
    Command::UnwatchProject(Ok(project))
}

async fn answers(
    scene: &Scene,
    session: &mut Session,
    steps: Vec<(Command, Result<Reply, RequestError>)>,
) {
    for (command, expected) in steps {
        let shown = format!("{command:?}");
        let answer = scene.ask(session, command).await;
        assert_eq!(answer, expected.map(|reply| vec![reply]), "{shown}");
    }
}

#[tokio::test]
async fn at_most_so_many_projects_are_watched() {
    let scene = World::new().build();
    let third = || project("eve/third");
    let refusal = over("maxWatches", 2);
    let steps = vec![
        (watch(demo()), Ok(Reply::Done(RequestKind::WatchProject))),
        (watch(other()), Ok(Reply::Done(RequestKind::WatchProject))),
        (watch(third()), Err(refusal)),
        (watch(demo()), Ok(Reply::Done(RequestKind::WatchProject))),
        (
            unwatch(third()),
            Ok(Reply::Done(RequestKind::UnwatchProject)),
        ),
        (
            unwatch(demo()),
            Ok(Reply::Done(RequestKind::UnwatchProject)),
        ),
        (watch(third()), Ok(Reply::Done(RequestKind::WatchProject))),
    ];
    answers(&scene, &mut nobody(), steps).await;
    assert_eq!(
        scene.journal.take(),
        [
            "subscribe #1 updates ana/demo",
            "subscribe #1 updates dan/other",
            "unsubscribe #1 updates ana/demo",
            "subscribe #1 updates eve/third",
        ]
    );
}

#[tokio::test]
async fn zero_watches_is_no_limit() {
    let scene = World::limited(|limits| limits.max_watches = 0).build();
    let mut session = nobody();
    for number in 0..50 {
        let command = watch(project(&format!("eve/{number}")));
        scene.ask(&mut session, command).await.expect("no limit");
    }
}

#[tokio::test]
async fn watches_are_reserved_until_they_end() {
    const WATCHES: usize = 16;
    let scene = World::limited(|limits| limits.max_watches = WATCHES).build();
    let memory = MemoryBudget::new(1 << 20);
    let mut session = Session::new(ConnectionId(1), ADDRESS, memory.open_account());
    let long = |number| project(&format!("{}/{number:0>255}", "s".repeat(255)));
    for number in 0..WATCHES {
        let answer = scene.ask(&mut session, watch(long(number))).await;
        answer.expect("there is no token to be shown");
        assert!(memory.used() > (number + 1) * 1_250);
    }
    let all = memory.used();
    let answer = scene.ask(&mut session, unwatch(long(0))).await;
    answer.expect("it watches it");
    assert_eq!(memory.used(), all / WATCHES * (WATCHES - 1));
    session.fail_closed(false);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn where_reading_needs_a_token_so_do_both() {
    let fault = || BadParameters::new("no project");
    let ill_typed = || {
        [
            Command::WatchProject(Err(fault())),
            Command::UnwatchProject(Err(fault())),
        ]
    };
    let commands: [fn() -> Command; 2] = [|| watch(demo()), || unwatch(demo())];
    let scene = World::private().build();
    let mut bob = scene.connect(1, BOB, Sections::default()).await;
    let mut elsewhere = scene.connect(2, "dan:dan/other", Sections::default()).await;
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut nobody(), command()).await));
        assert!(is_unauthorized(&scene.ask(&mut elsewhere, command()).await));
        assert!(scene.ask(&mut bob, command()).await.is_ok());
    }
    for command in ill_typed() {
        assert!(is_bad(&scene.ask(&mut bob, command).await));
    }
    for command in ill_typed() {
        assert!(is_unauthorized(&scene.ask(&mut nobody(), command).await));
    }
    scene.at(EXPIRY);
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut bob, command()).await));
    }
}

#[tokio::test]
async fn a_watch_can_be_given_up_though_the_token_names_another_project_by_now() {
    let scene = World::private().build();
    let mut bob = scene.connect(1, BOB, Sections::default()).await;
    for token in ["bob:dan/other", "bob:"] {
        assert!(scene.ask(&mut bob, watch(demo())).await.is_ok());
        let elsewhere = authenticate(token, Sections::default());
        scene.ask(&mut bob, elsewhere).await.expect("a good token");
        assert!(scene.ask(&mut bob, unwatch(demo())).await.is_ok());
        assert!(is_unauthorized(&scene.ask(&mut bob, unwatch(demo())).await));
        let back = authenticate(BOB, Sections::default());
        scene.ask(&mut bob, back).await.expect("a good token");
    }
}

fn narrowed(names: Option<&[&str]>, presence: bool) -> Command {
    let contents = names.map_or(Contents::All, |names| {
        Contents::Of(names.iter().map(|name| path(name)).collect())
    });
    let contents = Arc::new(contents);
    Command::WatchProject(Ok(WatchProject {
        project: demo(),
        watch: Ok(Watch { contents, presence }),
    }))
}

#[tokio::test]
async fn a_later_watch_replaces_what_an_earlier_one_wanted() {
    let scene = World::new().build();
    let mut session = nobody();
    for command in [
        narrowed(Some(&["/a"]), true),
        narrowed(Some(&["/a"]), true),
        narrowed(Some(&[]), false),
        narrowed(None, false),
        narrowed(Some(&["/b"]), false),
        unwatch(demo()),
        watch(demo()),
    ] {
        scene.ask(&mut session, command).await.expect("may watch");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "subscribe #1 updates ana/demo",
            "subscribe #1 presence ana/demo",
            "narrow #1 ana/demo to {\"/a\"}",
            "unsubscribe #1 presence ana/demo",
            "narrow #1 ana/demo to {}",
            "narrow #1 ana/demo to all contents",
            "narrow #1 ana/demo to {\"/b\"}",
            "unsubscribe #1 updates ana/demo",
            "subscribe #1 updates ana/demo",
        ]
    );
}

#[tokio::test]
async fn a_watch_narrows_the_updates_that_a_role_brings_until_it_ends() {
    let scene = World::new().build();
    let mut viewer = scene.viewer().await;
    scene.journal.take();
    for command in [narrowed(Some(&["/a"]), false), unwatch(demo())] {
        scene.ask(&mut viewer, command).await.expect("may watch");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "narrow #2 ana/demo to {\"/a\"}",
            "narrow #2 ana/demo to all contents",
        ]
    );
}

#[tokio::test]
async fn the_right_to_read_comes_before_what_a_watch_wants() {
    let ill_typed = |project| {
        let watch = Err(BadParameters::new("content must be …"));
        Command::WatchProject(Ok(WatchProject { project, watch }))
    };
    let scene = World::private().build();
    let mut bob = scene.connect(1, BOB, Sections::default()).await;
    assert!(is_unauthorized(
        &scene.ask(&mut bob, ill_typed(other())).await
    ));
    assert!(is_bad(&scene.ask(&mut bob, ill_typed(demo())).await));
}

#[tokio::test]
async fn the_names_of_a_watch_are_reserved() {
    let scene = World::new().build();
    let memory = MemoryBudget::new(1 << 20);
    let mut session = Session::new(ConnectionId(1), ADDRESS, memory.open_account());
    let mut used = Vec::new();
    for command in [
        watch(demo()),
        narrowed(Some(&["/a", "/b"]), false),
        watch(demo()),
    ] {
        scene.ask(&mut session, command).await.expect("may watch");
        used.push(memory.used());
    }
    assert!(used[0] < used[1] && used[0] == used[2], "{used:?}");
}
