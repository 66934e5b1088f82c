use std::fs;

use crate::adapters::outbound::contract_tests::world::{content, demo, hash, path, pull_request};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{base, names, on_disk, restarted};
use crate::domain::{PullRequestId, Version};

#[tokio::test]
async fn projects_files_and_versions_outlive_a_restart() {
    let (world, _) = on_disk(Durability::Fsync).await;
    let put = world.put("d/f", b"content").await.expect("is written");
    let mut world = world;
    for round in 0..3_u8 {
        world = restarted(world);
        assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);
        assert_eq!(&world.read("d/f").await.expect("is there")[..], b"content");
        assert_eq!(world.open("d/f").await.expect("is there").version, put);
        let later = world.put("g", &[round]).await.expect("is written");
        assert!(later > put, "versions go on");
    }
    let usage = world.usage().await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (2, 8));
}

#[tokio::test]
async fn pull_requests_outlive_a_restart_and_drafts_do_not() {
    let (world, base) = on_disk(Durability::Rename).await;
    world.put_draft(1, "a", b"kept").await;
    world.put_draft(2, "a", b"swept").await;
    world.stage(1, &[b"swept"]).await;
    let mut finished = pull_request(1, 5, &["a"], &["b"]);
    finished.bases = [(path("a"), hash('a'))].into();
    world.finish(finished.clone()).await.expect("finishes");
    world
        .finish(pull_request(3, 4, &[], &["b"]))
        .await
        .expect("finishes");

    let world = restarted(world);
    assert_eq!(names(&base.join(".twicecast/drafts")), [""; 0]);
    assert_eq!(names(&base.join(".twicecast/staging")), [""; 0]);
    let open = world
        .pull_requests
        .open(&demo(), None)
        .await
        .expect("lists");
    assert_eq!(open, [finished.id, PullRequestId::from_u128(3)]);
    let found = world.pull_requests.find(&demo(), finished.id).await;
    assert_eq!(found.expect("is open"), finished);
    let file = world
        .pull_requests
        .open_file(&demo(), finished.id, &path("a"))
        .await;
    let file = file.expect("is there");
    assert_eq!(
        (&content(&file).await.expect("reads")[..], file.version),
        (&b"kept"[..], Version::UNKNOWN)
    );
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_read_stops_nothing() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world
        .finish(pull_request(1, 1, &[], &["b"]))
        .await
        .expect("finishes");
    world
        .finish(pull_request(2, 2, &[], &["b"]))
        .await
        .expect("finishes");
    let home = base.join(".twicecast/pulls/ana/demo");
    let first = PullRequestId::from_u128(1).to_string();
    fs::write(home.join(&first).join("pull-request.json"), "{").expect("writes");
    fs::create_dir(home.join("empty")).expect("makes");
    fs::write(home.join("file"), "").expect("writes");
    // A copy under another name is not that other pull request.
    let third = home.join(PullRequestId::from_u128(3).to_string());
    fs::create_dir(&third).expect("makes");
    let second = home.join(PullRequestId::from_u128(2).to_string());
    fs::copy(
        second.join("pull-request.json"),
        third.join("pull-request.json"),
    )
    .expect("copies");

    let world = restarted(world);
    let open = world
        .pull_requests
        .open(&demo(), None)
        .await
        .expect("lists");
    assert_eq!(open, [PullRequestId::from_u128(2)]);
    assert!(home.join(first).exists(), "it is left to the operator");
}

#[tokio::test]
async fn leftovers_of_a_crash_are_swept() {
    let (world, _) = on_disk(Durability::Fsync).await;
    let state = base(&world).join(".twicecast");
    fs::write(state.join("staging/temporary-0"), "half").expect("writes");
    fs::create_dir_all(state.join("staging/temporary-1/x")).expect("makes");
    fs::create_dir_all(state.join("drafts/some")).expect("makes");
    fs::write(state.join("drafts/some/file"), "half").expect("writes");
    // A marker without a folder: the crash came in between.
    fs::create_dir_all(state.join("projects/eve")).expect("makes");
    fs::write(state.join("projects/eve/half"), "").expect("writes");
    let world = restarted(world);
    assert_eq!(names(&state.join("staging")), [""; 0]);
    assert_eq!(names(&state.join("drafts")), [""; 0]);
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);
}
