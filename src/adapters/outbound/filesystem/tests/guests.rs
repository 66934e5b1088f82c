use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::adapters::outbound::contract_tests::world::{World, demo, project};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{
    assert_nothing_is_left, names, on_disk, restarted,
};
use crate::application::ports::{StoreError, TakeNameError};
use crate::domain::{
    ClientAddress, Guest, GuestEntry, GuestError, GuestName, ProjectId, Timestamp, UserName,
};

async fn take(world: &World, project: &ProjectId, name: &str) -> Result<(), TakeNameError> {
    let entry = GuestEntry {
        guest: Guest {
            name: GuestName::parse(name).expect("a guest's name"),
            until: Timestamp::from_secs(2),
            address: Some(ClientAddress(7)),
        },
        now: Timestamp::from_secs(1),
        reserved: BTreeSet::new(),
        authors: BTreeSet::new(),
        max_guests: 100,
    };
    world.guests.take(project, entry).await
}

#[tokio::test]
async fn names_and_the_key_outlive_a_restart() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let key = world.guests.key().await.expect("a key");
    take(&world, &demo(), "bob").await.expect("is free");
    let world = restarted(world);
    assert_eq!(world.guests.key().await.expect("a key"), key);
    let (user, now) = (UserName::parse("~Bob"), Timestamp::from_secs(1));
    let user = user.expect("a guest's name");
    let found = world.guests.address_of(&demo(), &user, now).await;
    assert_eq!(found.expect("reads"), Some(ClientAddress(7)));
    let taken = take(&world, &demo(), "BOB").await;
    assert!(
        matches!(&taken, Err(TakeNameError::Guest(GuestError::Taken { .. }))),
        "{taken:?}"
    );
    let file = base.join(".twicecast/guest-key");
    let mode = fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(
        (mode & 0o777, &fs::read(&file).expect("reads")[..]),
        (0o600, &key.0[..])
    );
    let kept = base.join(".twicecast/guests/ana/demo");
    let mode = fs::metadata(&kept).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_nothing_is_left(&base);
}

#[tokio::test]
async fn a_name_that_was_taken_lately_is_refused_without_the_disk() {
    let (world, base) = on_disk(Durability::Fsync).await;
    take(&world, &demo(), "bob").await.expect("is free");
    let kept = base.join(".twicecast/guests/ana/demo");
    fs::remove_file(&kept).expect("is there");
    let taken = take(&world, &demo(), "Bob").await;
    assert!(
        matches!(&taken, Err(TakeNameError::Guest(GuestError::Taken { .. }))),
        "{taken:?}"
    );
    take(&world, &demo(), "eve").await.expect("is free");
    let written = fs::read_to_string(&kept).expect("is there again");
    assert!(
        written.contains("bob") && written.contains("eve"),
        "{written}"
    );
    world.guests.free(&demo()).await.expect("frees");
    take(&world, &demo(), "bob").await.expect("is free again");
}

#[tokio::test]
async fn nothing_is_made_before_it_is_needed_and_nothing_stays() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let state = base.join(".twicecast");
    assert!(!state.join("guest-key").exists());
    assert_eq!(names(&state.join("guests")), [""; 0]);
    let other = project("ana", "a/b");
    for project in [&demo(), &other] {
        take(&world, project, "bob").await.expect("is free");
    }
    assert_eq!(names(&state.join("guests/ana")), ["a%2Fb", "demo"]);
    for project in [&demo(), &other] {
        world.guests.free(project).await.expect("frees");
    }
    assert_eq!(names(&state.join("guests")), [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_failure_and_stays_as_it_is() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let state = base.join(".twicecast");
    for key in ["", "short", &"x".repeat(33)] {
        fs::write(state.join("guest-key"), key).expect("writes");
        let failed = world.guests.key().await;
        assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
        let kept = fs::read_to_string(state.join("guest-key")).expect("reads");
        assert_eq!(kept, key);
    }
    fs::remove_file(state.join("guest-key")).expect("removes");
    symlink("/etc/hostname", state.join("guest-key")).expect("links");
    let failed = world.guests.key().await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");

    fs::create_dir(state.join("guests/ana")).expect("makes");
    fs::write(state.join("guests/ana/demo"), "{}").expect("writes");
    let failed = take(&world, &demo(), "bob").await;
    assert!(
        matches!(failed, Err(TakeNameError::Store(StoreError::Failed(_)))),
        "{failed:?}"
    );
    assert!(world.guests.is_kept(&demo()).await.expect("is there"));
    world.guests.free(&demo()).await.expect("frees");
    take(&world, &demo(), "bob").await.expect("is free");
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_not_cut() {
    const MOST: usize = 4 * 1_024 * 1_024;
    let (world, base) = on_disk(Durability::Rename).await;
    take(&world, &demo(), "bob").await.expect("is free");
    let kept = base.join(".twicecast/guests/ana/demo");
    let mut padded = fs::read(&kept).expect("reads");
    padded.resize(MOST, b' ');
    fs::write(&kept, &padded).expect("writes");
    let world = restarted(world);
    take(&world, &demo(), "eve").await.expect("may be as long");
    padded.resize(MOST + 1, b' ');
    fs::write(&kept, &padded).expect("writes");
    let world = restarted(world);
    let failed = take(&world, &demo(), "pat").await.expect_err("fails");
    assert!(format!("{failed:?}").contains("too long"), "{failed:?}");
    assert_eq!(fs::read(&kept).expect("reads"), padded, "as it was");
}

#[tokio::test]
async fn a_second_hard_link_is_refused_and_does_not_count_as_absent() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let state = base.join(".twicecast");
    world.guests.key().await.expect("a key");
    take(&world, &demo(), "bob").await.expect("is free");
    // Until a restart, the server knows from memory which names are taken.
    let world = restarted(world);
    for name in ["guest-key", "guests/ana/demo"] {
        let (place, second) = (state.join(name), base.join("second"));
        let before = fs::read(&place).expect("reads");
        fs::hard_link(&place, &second).expect("links");
        let refused = match name {
            "guest-key" => world.guests.key().await.is_err(),
            _ => matches!(
                take(&world, &demo(), "eve").await,
                Err(TakeNameError::Store(StoreError::Failed(_)))
            ),
        };
        assert!(refused, "{name}");
        assert_eq!(fs::read(&place).expect("reads"), before, "as it was");
        fs::remove_file(second).expect("removes");
    }
    world.guests.key().await.expect("has one name again");
    take(&world, &demo(), "eve")
        .await
        .expect("has one name again");
}
