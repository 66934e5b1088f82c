use std::collections::BTreeSet;

use super::world::{World, demo, project};
use crate::application::ports::TakeNameError;
use crate::domain::{
    ClientAddress, GUEST_LIFETIME, Guest, GuestEntry, GuestError, GuestName, Timestamp, UserName,
};

/// The entry of somebody who asks for the name at this second.
fn wanted(name: &str, now: u64) -> GuestEntry {
    GuestEntry {
        guest: Guest {
            name: GuestName::parse(name).expect("a guest's name"),
            until: Timestamp::from_secs(now).plus(GUEST_LIFETIME),
            address: Some(ClientAddress(7)),
        },
        now: Timestamp::from_secs(now),
        reserved: BTreeSet::new(),
        authors: BTreeSet::new(),
        max_guests: 100,
    }
}

fn suggestion(taken: Result<(), TakeNameError>) -> String {
    match taken {
        Err(TakeNameError::Guest(GuestError::Taken { free })) => free.as_str().to_owned(),
        other => panic!("{other:?} instead of a suggestion"),
    }
}

pub(super) async fn a_name_is_taken_until_its_time_is_over(world: World) {
    let take = async |name, now| world.guests.take(&demo(), wanted(name, now)).await;
    let over = 100 + GUEST_LIFETIME.as_secs() + 60;
    take("Zoë \"z\"", 100).await.expect("is free");
    take("bob", 100).await.expect("is free");
    assert_eq!(suggestion(take("zOË \"Z\"", over - 1).await), "zOË \"Z\"-2");
    assert_eq!(suggestion(take("BOB", over - 1).await), "BOB-2");
    take("zoë \"z\"", over).await.expect("is free again");
    take("bob", over).await.expect("is free again");
    let full = GuestEntry {
        max_guests: 2,
        ..wanted("pat", over)
    };
    assert!(matches!(
        world.guests.take(&demo(), full).await,
        Err(TakeNameError::Guest(GuestError::TooMany))
    ));
    take("pat", over).await.expect("there is room");
}

pub(super) async fn each_project_has_its_own_guests(world: World) {
    let names = [
        ("ana", "demo"),
        ("ana", "a/b"),
        ("ana", "a%2Fb"),
        ("bob", "demo"),
    ];
    for (streamer, name) in names {
        let project = project(streamer, name);
        let taken = world.guests.take(&project, wanted("bob", 1)).await;
        taken.expect("is free there");
    }
}

pub(super) async fn from_where_a_name_was_taken_is_known_as_long_as_it_is_theirs(world: World) {
    let user = |name| UserName::parse(name).expect("a user's name");
    let of = async |project, name, now| {
        let now = Timestamp::from_secs(now);
        let found = world.guests.address_of(project, &user(name), now).await;
        found.expect("reads")
    };
    let (demo, other) = (demo(), project("ana", "other"));
    assert_eq!(of(&demo, "~bob", 100).await, None);
    let taken = world.guests.take(&demo, wanted("bob", 100)).await;
    taken.expect("is free");
    let over = 100 + GUEST_LIFETIME.as_secs() + 60;
    assert_eq!(of(&demo, "~Bob", over - 1).await, Some(ClientAddress(7)));
    assert_eq!(of(&demo, "~bob", over).await, None);
    assert_eq!(of(&other, "~bob", 100).await, None);
    world.guests.free(&demo).await.expect("frees");
    assert_eq!(of(&demo, "~bob", 100).await, None);
}

pub(super) async fn of_guests_who_want_one_name_at_once_one_gets_it(world: World) {
    let all = (0..8).map(|number| {
        let guests = std::sync::Arc::clone(&world.guests);
        let name = if number % 2 == 0 { "bob" } else { "Bob" };
        tokio::spawn(async move { guests.take(&demo(), wanted(name, 1)).await })
    });
    let mut given = 0;
    for taken in futures_util::future::join_all(all).await {
        match taken.expect("no panic") {
            Ok(()) => given += 1,
            refused => drop(suggestion(refused)),
        }
    }
    assert_eq!(given, 1);
}

pub(super) async fn whether_anything_is_kept_of_a_projects_guests_is_known(world: World) {
    let (demo, other) = (demo(), project("ana", "other"));
    let is_kept = async |project| world.guests.is_kept(project).await.expect("looks");
    assert!(!is_kept(&demo).await);
    let none = GuestEntry {
        max_guests: 0,
        ..wanted("bob", 1)
    };
    let refused = world.guests.take(&demo, none).await;
    refused.expect_err("there is no room");
    assert!(!is_kept(&demo).await);
    let taken = world.guests.take(&demo, wanted("bob", 1)).await;
    taken.expect("is free");
    assert!(is_kept(&demo).await && !is_kept(&other).await);
    world.guests.free(&demo).await.expect("frees");
    assert!(!is_kept(&demo).await);
}

pub(super) async fn names_of_a_removed_project_are_free(world: World) {
    let (demo, other) = (demo(), project("ana", "other"));
    for project in [&demo, &other] {
        world.guests.free(project).await.expect("none is no error");
        let taken = world.guests.take(project, wanted("bob", 1)).await;
        taken.expect("is free");
    }
    world.guests.free(&demo).await.expect("frees");
    let taken = world.guests.take(&other, wanted("bob", 1)).await;
    assert_eq!(suggestion(taken), "bob-2", "those of others stay");
    let taken = world.guests.take(&demo, wanted("bob", 1)).await;
    taken.expect("is free again");
}

pub(super) async fn the_key_is_made_once(world: World) {
    let keys = futures_util::future::join_all((0..8).map(|_| world.guests.key())).await;
    let first = keys[0].clone().expect("a key");
    for key in keys {
        assert_eq!(key.expect("a key"), first);
    }
    let other = World::in_memory().guests.key().await;
    assert_ne!(other.expect("a key"), first, "random");
    assert!(!format!("{first:?}").contains(&first.0[0].to_string()));
}
