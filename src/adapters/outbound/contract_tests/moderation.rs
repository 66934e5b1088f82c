use super::world::{World, demo, project};
use crate::domain::{Action, Bound, ClientAddress, Deed, Moderation, Timestamp, UserName};

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("a user's name")
}

/// A moderation with one mute, one ban of addresses, slow mode and the log of these.
fn decided(muted: &str) -> Moderation {
    let mut moderation = Moderation::default();
    let deeds = [
        Deed::Mute(user(muted), 60),
        Deed::Ban(user("~zo\u{eb} \"z\""), None),
        Deed::Slow(30),
        Deed::Delete(7, Some(user(muted))),
    ];
    for deed in deeds {
        let action = Action {
            date: Timestamp::from_millis(1_234_567),
            by: user("ana"),
            deed,
        };
        let addresses = [1, u128::MAX].map(ClientAddress);
        let changes = moderation.carry_out(action, addresses, Bound::new(10, true));
        assert_eq!(changes, Ok(true));
    }
    moderation
}

pub(super) async fn where_nothing_has_been_decided_nothing_is_kept(world: World) {
    let loaded = world.moderation.load(&demo()).await.expect("loads");
    assert_eq!(loaded, Moderation::default());
    let removed = world.moderation.remove(&demo()).await;
    removed.expect("nothing is no error");
}

pub(super) async fn what_is_kept_comes_back_and_replaces_what_was_kept(world: World) {
    let store = &world.moderation;
    for muted in ["bob", "a user of a far longer name", "eve"] {
        store
            .save(&demo(), decided(muted).into())
            .await
            .expect("is kept");
        let loaded = store.load(&demo()).await.expect("loads");
        assert_eq!(loaded, decided(muted));
    }
    let nothing = Moderation::default();
    store
        .save(&demo(), nothing.clone().into())
        .await
        .expect("is kept");
    assert_eq!(store.load(&demo()).await.expect("loads"), nothing);
}

pub(super) async fn each_project_has_its_own_moderation(world: World) {
    let projects = [
        ("ana", "demo"),
        ("ana", "a/b"),
        ("ana", "a%2Fb"),
        ("bob", "demo"),
    ];
    let projects = projects.map(|(streamer, name)| project(streamer, name));
    for (number, project) in projects.iter().enumerate() {
        let kept = decided(&format!("user {number}"));
        world
            .moderation
            .save(project, kept.into())
            .await
            .expect("is kept");
    }
    for (number, project) in projects.iter().enumerate() {
        let loaded = world.moderation.load(project).await.expect("loads");
        assert_eq!(loaded, decided(&format!("user {number}")));
    }
}

pub(super) async fn the_moderation_of_a_removed_project_is_gone(world: World) {
    let (demo, other) = (demo(), project("ana", "other"));
    let store = &world.moderation;
    for project in [&demo, &other] {
        store
            .save(project, decided("bob").into())
            .await
            .expect("is kept");
    }
    store.remove(&demo).await.expect("removes");
    let gone = store.load(&demo).await.expect("loads");
    assert_eq!(gone, Moderation::default());
    let kept = store.load(&other).await.expect("loads");
    assert_eq!(kept, decided("bob"), "that of others stays");
}

pub(super) async fn of_two_that_are_kept_at_once_one_is_there_whole(world: World) {
    let saves = (0..8).map(|number| {
        let store = std::sync::Arc::clone(&world.moderation);
        tokio::spawn(async move {
            store
                .save(&demo(), decided(&format!("user {number}")).into())
                .await
        })
    });
    for saved in futures_util::future::join_all(saves).await {
        saved.expect("no panic").expect("is kept");
    }
    let loaded = world.moderation.load(&demo()).await.expect("loads");
    let names = (0..8).map(|number| decided(&format!("user {number}")));
    assert_eq!(names.filter(|one| *one == loaded).count(), 1);
}
