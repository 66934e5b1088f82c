use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::world::{
    AMPLE, World, assert_says, content, demo, demo_file, memory, path, project, pull_request,
};
use crate::application::locks::lock;
use crate::application::ports::{InTurn, ProjectState, StoreError, TellRemoved, TellRescanned};
use crate::domain::{FilePath, PullRequestId};

pub(super) async fn a_project_is_absent_until_it_is_registered(world: World) {
    let state = world.projects.state(&demo()).await;
    assert_eq!(state.expect("is known"), ProjectState::Absent);
    world.projects.register(&demo()).await.expect("registers");
    let state = world.projects.state(&demo()).await;
    assert_eq!(state.expect("is known"), ProjectState::Registered);
    let other = world.projects.state(&project("ana", "other")).await;
    assert_eq!(other.expect("is known"), ProjectState::Absent);
}

pub(super) async fn registering_twice_keeps_what_is_there(world: World) {
    let world = world.with_demo().await;
    world.put("a", b"kept").await.expect("is written");
    world.projects.register(&demo()).await.expect("registers");
    assert_eq!(&world.read("a").await.expect("is there")[..], b"kept");
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (1, 4));
}

pub(super) async fn all_projects_are_named(world: World) {
    assert_eq!(world.projects.projects().await.expect("lists"), []);
    let mut ids = [
        project("ana", "demo"),
        project("ana", ".other"),
        project("bob", "demo"),
        project("Zo\u{eb} 1", "\u{1f600}"),
        project("ana", "a/b"),
        project("ana", "a%2Fb"),
        project("ana", "a\\b"),
    ];
    for id in &ids {
        world.projects.register(id).await.expect("registers");
    }
    let mut listed = world.projects.projects().await.expect("lists");
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed, ids);
}

pub(super) async fn what_is_not_there_cannot_be_adopted(world: World) {
    assert_says!(world.projects.adopt(&demo()).await, StoreError::NotFound);
    let state = world.projects.state(&demo()).await;
    assert_eq!(state.expect("is known"), ProjectState::Absent);
    let world = world.with_demo().await;
    world.projects.adopt(&demo()).await.expect("is one already");
}

pub(super) async fn projects_of_similar_names_are_different_ones(world: World) {
    let ids =
        ["a", "a/b", "a%2Fb", "a%252Fb", "a\\b", "../a", "100%"].map(|name| project("ana", name));
    for id in &ids {
        let state = world.projects.state(id).await;
        assert_eq!(state.expect("is known"), ProjectState::Absent, "{id}");
        world.projects.register(id).await.expect("registers");
        world.put_in(id, "b/f", id.name.as_str().as_bytes()).await;
    }
    for (number, id) in (1..).zip(&ids) {
        let file = world.projects.open_file(id, &path("b/f")).await;
        let read = content(&file.expect("is there")).await;
        assert_eq!(&read.expect("reads")[..], id.name.as_str().as_bytes());
        let usage = world.projects.usage(id).await.expect("is counted");
        assert_eq!(usage.files, 1, "{id}");
        let mut proposed = pull_request(number, 5, &[], &["b/f"]);
        proposed.project = id.clone();
        world.finish(proposed).await.expect("finishes");
        let open = world.pull_requests.open(id, None).await.expect("lists");
        assert_eq!(open, [PullRequestId::from_u128(number)]);
        let found = world.pull_requests.find(id, open[0]).await;
        assert_eq!(found.expect("is open").project, *id);
    }
}

pub(super) async fn a_user_who_has_a_project_is_one_already(world: World) {
    let ana = demo().streamer;
    let adopted = world.projects.adopt_user(&ana).await;
    assert_says!(adopted, StoreError::NotFound);
    let world = world.with_demo().await;
    world.put_all(&["kept"]).await;
    let adopted = world.projects.adopt_user(&ana).await;
    adopted.expect("is one already");
    assert_eq!(world.tree().await, ["/kept"]);
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);
}

pub(super) async fn a_project_that_is_not_registered_has_no_files(world: World) {
    let (id, file) = (demo(), demo_file("a"));
    let none = || -> InTurn { Box::new(|_| panic!("nothing has changed")) };
    let put = world.projects.put_file(
        &file,
        Instant::now(),
        memory(b"x"),
        None,
        AMPLE,
        Box::new(|_| panic!("nothing has changed")),
    );
    assert_says!(put.await, StoreError::NotFound);
    let wanted = Box::new(|| true);
    let delete = world
        .projects
        .delete_file(&file, Instant::now(), wanted, none());
    assert_says!(delete.await, StoreError::NotFound);
    assert_says!(world.find("a").await, StoreError::NotFound);
    assert_says!(world.open("a").await, StoreError::NotFound);
    assert_says!(world.walk("/", true).await, StoreError::NotFound);
    assert_says!(world.projects.usage(&id).await, StoreError::NotFound);
    let state = world.projects.state(&id).await;
    assert_eq!(state.expect("is known"), ProjectState::Absent);
}

pub(super) async fn a_removed_project_is_gone_and_each_of_its_files_is_told_of(world: World) {
    let (told, mut removed) = tokio::sync::mpsc::unbounded_channel();
    let tell = |told: &tokio::sync::mpsc::UnboundedSender<_>| -> TellRemoved {
        let told = told.clone();
        Box::new(move |path: FilePath, version| {
            let _ = told.send((path.to_string(), version));
        })
    };
    let none = world.projects.remove(&demo(), tell(&told)).await;
    assert_says!(none, StoreError::NotFound);
    let world = world.with_demo().await;
    let other = project("ana", "other");
    world.projects.register(&other).await.expect("registers");
    world.put_in(&other, "kept", b"x").await;
    world.put_all(&["a", "d/b", "d/e/c"]).await;
    let last = world.put("z", b"x").await.expect("is written");
    let gone = world.projects.remove(&demo(), tell(&told)).await;
    gone.expect("removes");
    let mut names = Vec::new();
    while let Ok((name, version)) = removed.try_recv() {
        assert!(version > last);
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(names, ["/a", "/d/b", "/d/e/c", "/z"]);
    let state = world.projects.state(&demo()).await;
    assert_eq!(state.expect("is known"), ProjectState::Absent);
    assert_says!(world.put("a", b"x").await, StoreError::NotFound);
    assert_says!(world.open("a").await, StoreError::NotFound);
    let again = world.projects.remove(&demo(), tell(&told)).await;
    assert_says!(again, StoreError::NotFound);

    let world = world.with_demo().await;
    assert_eq!(world.tree().await, [""; 0]);
    assert!(world.put("a", b"x").await.expect("is written") > last);
    let kept = world.projects.usage(&other).await;
    assert_eq!(kept.expect("is counted").files, 1);
}

pub(super) async fn a_removal_comes_after_all_changes_that_were_told_of(world: World) {
    let world = world.with_demo().await;
    let told = Arc::new(Mutex::new(BTreeMap::new()));
    let putting = (0..50).map(|number| {
        let (world, told) = (world.clone(), Arc::clone(&told));
        tokio::spawn(async move {
            let file = demo_file(&format!("f{number}"));
            let (own, noted) = (Arc::clone(&told), file.path.clone());
            let in_turn = Box::new(move |_| {
                lock(&own).insert(noted, true);
            });
            let content = memory(b"x");
            let put = world
                .projects
                .put_file(&file, Instant::now(), content, None, AMPLE, in_turn);
            assert!(matches!(put.await, Ok(_) | Err(StoreError::NotFound)));
        })
    });
    let putting: Vec<_> = putting.collect();
    tokio::task::yield_now().await;
    let own = Arc::clone(&told);
    let tell = Box::new(move |path, _| {
        lock(&own).insert(path, false);
    });
    world.projects.remove(&demo(), tell).await.expect("removes");
    for put in putting {
        put.await.expect("ends");
    }
    let left: Vec<_> = lock(&told)
        .iter()
        .filter(|(_, is_there)| **is_there)
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(left, [""; 0], "they would stay with the viewers");
}

pub(super) async fn a_rescan_tells_of_nothing_that_the_store_has_done_itself(world: World) {
    let tell = || -> TellRescanned { Box::new(|path, _, _| panic!("{path} is as it was")) };
    assert_says!(
        world.projects.rescan(&demo(), tell()).await,
        StoreError::NotFound
    );
    let world = world.with_demo().await;
    world.put_all(&["a", "d/b", "d/c"]).await;
    world.delete("d/b").await.expect("is deleted");
    let rescanned = world.projects.rescan(&demo(), tell()).await;
    rescanned.expect("rescans");
    assert_eq!(world.tree().await, ["/a", "/d/c"]);
    world.put("a", b"later").await.expect("is written");
}
