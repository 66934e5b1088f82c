use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use crate::adapters::outbound::contract_tests::world::{World, demo, project};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{
    assert_nothing_is_left, names, on_disk, restarted,
};
use crate::application::memory::MemoryBudget;
use crate::application::ports::{StoreError, StoreResources};
use crate::domain::{Action, Bound, Deed, Moderation, Timestamp, UserName};

/// A moderation in which somebody is banned.
fn decided() -> Moderation {
    let user = |name| UserName::parse(name).expect("a user's name");
    let action = Action {
        date: Timestamp::from_secs(1),
        by: user("ana"),
        deed: Deed::Ban(user("bob"), None),
    };
    let mut moderation = Moderation::default();
    moderation
        .carry_out(action, [], Bound::new(1, true))
        .expect("has room");
    moderation
}

async fn keep(world: &World) {
    let kept = world.moderation.save(&demo(), decided().into()).await;
    kept.expect("is kept");
}

async fn is_failure(world: &World) -> bool {
    let loaded = world.moderation.load(&demo()).await;
    matches!(loaded, Err(StoreError::Failed(_)))
}

#[tokio::test]
async fn what_was_decided_outlives_a_restart_and_nobody_else_may_read_it() {
    let (world, base) = on_disk(Durability::Rename).await;
    keep(&world).await;
    let world = restarted(world);
    let loaded = world.moderation.load(&demo()).await.expect("loads");
    assert_eq!(loaded, decided());
    let kept = base.join(".twicecast/moderation/ana/demo");
    let mode = fs::metadata(&kept).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_nothing_is_left(&base);
}

#[tokio::test]
async fn nothing_is_made_before_it_is_needed_and_nothing_stays() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let state = base.join(".twicecast/moderation");
    world.moderation.load(&demo()).await.expect("loads");
    assert_eq!(names(&state), [""; 0]);
    let other = project("ana", "a/b");
    for project in [&demo(), &other] {
        let kept = world.moderation.save(project, decided().into()).await;
        kept.expect("is kept");
    }
    assert_eq!(names(&state.join("ana")), ["a%2Fb", "demo"]);
    for project in [&demo(), &other] {
        world.moderation.remove(project).await.expect("removes");
    }
    assert_eq!(names(&state), [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_failure_and_never_nothing_and_stays_as_it_is() {
    let (world, base) = on_disk(Durability::Fsync).await;
    keep(&world).await;
    let kept = base.join(".twicecast/moderation/ana/demo");
    let whole = fs::read(&kept).expect("reads");
    for damaged in [
        &b""[..],
        b"{}",
        b"\0\0\0\0",
        &whole[..whole.len() - 1],
        &whole[1..],
    ] {
        fs::write(&kept, damaged).expect("writes");
        assert!(is_failure(&world).await);
        assert_eq!(fs::read(&kept).expect("reads"), damaged);
    }
    for make in [
        |place: &std::path::Path| symlink("/etc/hostname", place),
        |place: &std::path::Path| fs::create_dir(place),
        |place: &std::path::Path| {
            let elsewhere = place.with_file_name("elsewhere");
            fs::write(
                &elsewhere,
                r#"{"format":1,"muted":[],"banned":[],"slow":0,"log":[]}"#,
            )?;
            fs::hard_link(elsewhere, place)
        },
    ] {
        fs::remove_file(&kept).expect("removes");
        make(&kept).expect("makes");
        assert!(is_failure(&world).await, "it is there, but no file");
        let _ = fs::remove_dir(&kept);
        let _ = fs::remove_file(&kept);
        fs::write(&kept, &whole).expect("writes");
    }
    let loaded = world.moderation.load(&demo()).await.expect("is mended");
    assert_eq!(loaded, decided());
    fs::write(&kept, "damaged").expect("writes");
    world.moderation.remove(&demo()).await.expect("removes");
    let loaded = world.moderation.load(&demo()).await.expect("loads");
    assert_eq!(loaded, Moderation::default());
}

#[tokio::test]
async fn what_is_too_long_for_the_memory_is_not_read() {
    let resources = StoreResources {
        memory: MemoryBudget::new(1 << 20),
        ..StoreResources::default()
    };
    let place = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let world = World::with(Arc::clone(&place), Durability::Fsync, resources);
    let world = world.with_demo().await;
    keep(&world).await;
    let kept = place.path().join(".twicecast/moderation/ana/demo");
    let whole = fs::read(&kept).expect("reads");
    // Spaces at the end do not change the JSON.
    for (bytes, is_read) in [
        ((1 << 20) / 16, true),
        ((1 << 20) / 16 + 1, false),
        (1 << 40, false),
    ] {
        let file = fs::File::options().write(true).open(&kept).expect("opens");
        file.set_len(bytes).expect("is sparse");
        if is_read {
            let spaces = vec![b' '; usize::try_from(bytes).expect("fits") - whole.len()];
            fs::write(&kept, [&whole[..], &spaces].concat()).expect("writes");
        }
        assert_eq!(is_failure(&world).await, !is_read, "{bytes}");
    }
}

#[tokio::test]
async fn a_base_folder_that_was_removed_unbans_nobody() {
    let (world, base) = on_disk(Durability::Fsync).await;
    keep(&world).await;
    fs::remove_dir_all(&base).expect("removes");
    assert!(is_failure(&world).await);
    fs::create_dir(&base).expect("makes it again, for the end of the test");
}
