use crate::application::file_key::FileKey;
use crate::application::files::streamer_grace::delete_abandoned_projects;
use crate::application::files::streamer_grace::start_grace;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::application::locks::lock;
use crate::application::periodic::every_second;
use crate::application::ports::PresenceNews;
use crate::application::session::disconnect::SessionGuard;
use crate::application::test_world::{
    ANA, START, Scene, World, authenticate, demo, disk_full, other, streaming,
};

/// A world in which a project without its streamer loses its files after 30 s.
fn deleting() -> World {
    let mut world = World::new();
    world.policy.delete_abandoned_after = Some(Duration::from_secs(30));
    world
}

/// The streamer has connected and left.
async fn come_and_gone(scene: &Scene) {
    let session = scene.streamer().await;
    drop(SessionGuard {
        application: Arc::clone(&scene.app),
        session,
    });
    scene.journal.take();
}

/// Does the periodic work, and waits until it is done.
async fn tidy(scene: &Scene) {
    delete_abandoned_projects(&scene.app, scene.app.uptime());
    while !scene.app.work.is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn deleted_at(scene: &Scene, seconds: u64) -> Vec<String> {
    scene.at(START + seconds);
    tidy(scene).await;
    let mut journal = scene.journal.take();
    journal.retain(|entry| entry.starts_with("delete"));
    journal
}

const ALL: [&str; 4] = [
    "delete ana/demo /a",
    "delete ana/demo /d/b",
    "delete ana/demo /d/e/c",
    "delete ana/demo /z",
];

#[tokio::test]
async fn files_go_once_the_grace_is_over() {
    let scene = deleting().build();
    come_and_gone(&scene).await;
    assert!(deleted_at(&scene, 29).await.is_empty());
    assert_eq!(deleted_at(&scene, 30).await, ALL);
    assert!(deleted_at(&scene, 90).await.is_empty(), "only once");
}

#[tokio::test]
async fn a_clock_set_forward_or_back_does_not_change_the_grace() {
    for clock in [START + 1_000_000, 0] {
        let scene = deleting().build();
        come_and_gone(&scene).await;
        scene.set_clock(clock);
        tidy(&scene).await;
        assert_eq!(scene.journal.take(), [""; 0], "{clock}");
        scene.at(START + 29);
        scene.set_clock(clock);
        tidy(&scene).await;
        assert_eq!(scene.journal.take(), [""; 0], "{clock}");
        assert_eq!(deleted_at(&scene, 30).await, ALL, "{clock}");
    }
}

#[tokio::test]
async fn all_who_receive_the_project_are_told_of_each_file() {
    let scene = deleting().build();
    come_and_gone(&scene).await;
    scene.at(START + 30);
    tidy(&scene).await;
    let mut journal = scene.journal.take();
    journal.retain(|entry| entry.starts_with("publish"));
    assert_eq!(
        journal,
        [
            "publish updates ana/demo: deleted /a v1",
            "publish updates ana/demo: deleted /d/b v2",
            "publish updates ana/demo: deleted /d/e/c v3",
            "publish updates ana/demo: deleted /z v4",
        ]
    );
}

#[tokio::test]
async fn files_stay_by_default() {
    let scene = World::new().build();
    come_and_gone(&scene).await;
    start_grace(&scene.app).await.expect("nothing to do");
    assert!(deleted_at(&scene, 1_000_000).await.is_empty());
}

#[tokio::test]
async fn a_return_cancels_and_the_next_departure_begins_anew() {
    let scene = deleting().build();
    come_and_gone(&scene).await;
    scene.at(START + 29);
    let session = scene.streamer().await;
    assert!(deleted_at(&scene, 60).await.is_empty(), "they are there");
    drop(SessionGuard {
        application: Arc::clone(&scene.app),
        session,
    });
    assert!(deleted_at(&scene, 89).await.is_empty());
    assert_eq!(deleted_at(&scene, 90).await, ALL);
}

#[tokio::test]
async fn one_of_two_streamer_connections_is_enough() {
    let scene = deleting().build();
    let staying = scene.streamer().await;
    let leaving = scene.connect(2, ANA, streaming("ana/demo")).await;
    drop(SessionGuard {
        application: Arc::clone(&scene.app),
        session: leaving,
    });
    assert!(deleted_at(&scene, 60).await.is_empty());
    drop(staying);
}

#[tokio::test]
async fn losing_the_role_is_leaving_too() {
    let scene = deleting().build();
    let mut session = scene.streamer().await;
    let failed = authenticate("garbage", crate::domain::Sections::default());
    assert!(scene.ask(&mut session, failed).await.is_err());
    assert_eq!(deleted_at(&scene, 30).await, ALL);
}

#[tokio::test]
async fn after_a_start_every_projects_grace_starts_anew_and_is_at_least_half_a_minute() {
    for (grace, last) in [(0, 30), (30, 30), (90, 90)] {
        let mut world = deleting();
        world.policy.delete_abandoned_after = Some(Duration::from_secs(grace));
        let projects = world.projects.expect_projects();
        projects.returning(|| Ok(vec![demo()]));
        let scene = world.build();
        start_grace(&scene.app).await.expect("listed");
        assert!(deleted_at(&scene, last - 1).await.is_empty());
        assert_eq!(deleted_at(&scene, last).await, ALL);
    }
}

#[tokio::test]
async fn a_streamer_who_arrives_at_that_moment_keeps_their_files() {
    let mut world = deleting();
    // The streamer counts as present before their grace period has been cancelled.
    world.presence.expect_streamers().return_const(1_usize);
    let scene = world.build();
    start_grace(&scene.app).await.expect("listed");
    assert!(deleted_at(&scene, 30).await.is_empty());
}

#[tokio::test]
async fn what_could_not_be_deleted_is_tried_again() {
    let mut world = deleting();
    let fails = |_: &FileKey, _, _, _| Err(disk_full());
    world.projects.expect_delete_file().once().returning(fails);
    let scene = world.build();
    come_and_gone(&scene).await;
    assert!(deleted_at(&scene, 30).await.is_empty());
    assert!(deleted_at(&scene, 59).await.is_empty());
    assert_eq!(deleted_at(&scene, 60).await, ALL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_hangs_holds_up_neither_the_others_nor_the_rest_of_the_tidying() {
    let mut world = deleting();
    let (go_on, hangs) = mpsc::channel::<()>();
    let hangs = Mutex::new(hangs);
    let of_demo = |file: &FileKey, _: &_, _: &_, _: &_| file.project == demo();
    let mut hanging = world.projects.expect_delete_file();
    hanging = hanging.withf(of_demo).once();
    hanging.returning(move |_, _, _, _| {
        let _ = lock(&hangs).recv();
        Err(disk_full())
    });
    world.rooms.expect_sweep().once().return_const(());
    let scene = world.build();
    for project in [demo(), other()] {
        scene
            .app
            .abandoned
            .streamer_left(&project, scene.app.uptime());
    }
    scene.at(START + 30);
    every_second(&scene.app);
    let deleted = ALL.map(|entry| entry.replace("ana/demo", "dan/other"));
    let mut seen = Vec::new();
    while seen.len() < deleted.len() {
        tokio::task::yield_now().await;
        seen.extend(scene.journal.take());
        seen.retain(|entry| entry.starts_with("delete"));
    }
    assert_eq!(seen, deleted);
    assert!(!scene.app.work.is_empty(), "the other still hangs");
    drop(go_on);
}

/// What another server tells of the streamer.
fn hear(scene: &Scene, news: &Mutex<PresenceNews>, is_there: bool) {
    let streamers = HashMap::from([(demo(), is_there)]);
    news.lock().expect("not poisoned").streamers = streamers;
    every_second(&scene.app);
    scene.journal.take();
}

#[tokio::test]
async fn the_grace_begins_when_the_last_streamer_of_all_servers_has_gone_and_one_of_them_deletes() {
    let mut world = deleting();
    let (news, is_first) = (
        Arc::<Mutex<PresenceNews>>::default(),
        Arc::new(AtomicBool::new(false)),
    );
    let (own, first) = (Arc::clone(&news), Arc::clone(&is_first));
    let take = move || std::mem::take(&mut *own.lock().expect("not poisoned"));
    world.presence.expect_news().returning(take);
    let first = move || first.load(Ordering::Relaxed);
    world.presence.expect_is_first().returning(first);
    let scene = world.build();
    hear(&scene, &news, false);
    assert!(deleted_at(&scene, 60).await.is_empty(), "another does it");
    hear(&scene, &news, true);
    is_first.store(true, Ordering::Relaxed);
    assert!(deleted_at(&scene, 90).await.is_empty(), "they came back");
    hear(&scene, &news, false);
    assert!(deleted_at(&scene, 119).await.is_empty());
    is_first.store(false, Ordering::Relaxed);
    assert!(deleted_at(&scene, 130).await.is_empty());
    is_first.store(true, Ordering::Relaxed);
    assert_eq!(
        deleted_at(&scene, 131).await,
        ALL,
        "the other has died before"
    );
}
