use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use std::time::{Duration, UNIX_EPOCH};

use crate::adapters::outbound::contract_tests::world::{assert_says, demo, path, project};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{names, on_disk, restarted};
use crate::application::ports::{ProjectState, Rescanned, StoreError};
use crate::domain::{FilePath, Usage};

#[tokio::test]
async fn a_folder_that_the_server_did_not_make_is_foreign_until_adopted() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let id = project("ana", "mine");
    fs::create_dir_all(base.join("ana/mine/d")).expect("makes");
    fs::write(base.join("ana/mine/d/f"), "content").expect("writes");
    let state = world.projects.state(&id).await.expect("is known");
    assert_eq!(state, ProjectState::Foreign);
    assert_says!(world.projects.register(&id).await, StoreError::PathConflict);
    let open = world.projects.open_file(&id, &path("d/f")).await;
    assert_says!(open, StoreError::NotFound);
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);

    world.projects.adopt(&id).await.expect("adopts");
    let state = world.projects.state(&id).await.expect("is known");
    assert_eq!(state, ProjectState::Registered);
    let open = world.projects.open_file(&id, &path("d/f")).await;
    assert_eq!(open.expect("is there").bytes, 7);
    let usage = world.projects.usage(&id).await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (1, 7));
}

#[tokio::test]
async fn a_users_folder_that_the_server_did_not_make_is_foreign_until_adopted() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let id = project("src", "demo");
    fs::create_dir_all(base.join("src")).expect("makes");
    symlink("nowhere", base.join("src/link")).expect("links");
    let state = world.projects.state(&id).await.expect("is known");
    assert_eq!(state, ProjectState::Foreign, "a link is something too");
    assert_says!(world.projects.register(&id).await, StoreError::PathConflict);
    assert_says!(world.projects.adopt(&id).await, StoreError::NotFound);
    assert_eq!(names(&base.join("src")), ["link"]);
    assert_eq!(names(&base.join(".twicecast/projects")), ["ana"]);

    symlink("src", base.join("link")).expect("links");
    let linked = project("link", "x").streamer;
    let adopted = world.projects.adopt_user(&linked).await;
    assert_says!(adopted, StoreError::NotFound);
    fs::create_dir(base.join("src/there")).expect("makes");
    world
        .projects
        .adopt_user(&id.streamer)
        .await
        .expect("adopts");
    let world = restarted(world);
    let there = project("src", "there");
    let state = world.projects.state(&there).await.expect("is known");
    assert_eq!(state, ProjectState::Foreign, "not the projects in it");
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);
    world.projects.register(&id).await.expect("registers");
}

#[tokio::test]
async fn an_empty_folder_and_one_that_holds_a_project_are_a_users_own() {
    let (world, base) = on_disk(Durability::Fsync).await;
    fs::create_dir(base.join("bob")).expect("makes");
    let id = project("bob", "demo");
    world.projects.register(&id).await.expect("registers");
    fs::create_dir_all(base.join("ana/foreign")).expect("makes");
    let second = project("ana", "second");
    world.projects.register(&second).await.expect("registers");
    // Adopting a project adopts its user's folder.
    fs::create_dir_all(base.join("eve/old")).expect("makes");
    let old = project("eve", "old");
    world.projects.adopt(&old).await.expect("adopts");
    let new = project("eve", "new");
    world.projects.register(&new).await.expect("registers");
}

#[tokio::test]
async fn names_that_break_the_rules_are_skipped() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let project = base.join("ana/demo");
    for name in [&b"back\\slash"[..], b"new\nline", b"not-utf8-\xff"] {
        fs::write(project.join(OsStr::from_bytes(name)), "x").expect("writes");
        let folder = [b"d", name].concat();
        fs::create_dir(project.join(OsStr::from_bytes(&folder))).expect("makes");
        fs::write(project.join(OsStr::from_bytes(&folder)).join("f"), "x").expect("writes");
    }
    let deep = project.join(["d"; 64].join("/"));
    fs::create_dir_all(&deep).expect("makes");
    fs::write(deep.join("too-deep"), "x").expect("writes");
    world.put_all(&["ok"]).await;
    assert_eq!(world.tree().await, ["/ok"]);
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (1, 1));
}

#[tokio::test]
async fn a_rescan_tells_of_what_others_have_changed() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world
        .put_all(&["changed", "gone", "kept", "was/file"])
        .await;
    let last = world.put("executable", b"x").await.expect("is written");
    let project = base.join("ana/demo");
    fs::write(project.join("changed"), "longer").expect("writes");
    fs::write(project.join("new"), "new").expect("writes");
    fs::remove_file(project.join("gone")).expect("removes");
    fs::remove_dir_all(project.join("was")).expect("removes");
    fs::write(project.join("was"), "a folder").expect("writes");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.join("executable"), mode).expect("sets");
    let (told, mut differences) = tokio::sync::mpsc::unbounded_channel();
    let id = demo();
    let rescan = || {
        let told = told.clone();
        let tell = move |path: FilePath, version, rescanned| {
            assert!(version > last);
            let what = match rescanned {
                Rescanned::Changed(entry) => Some((entry.bytes, entry.executable)),
                Rescanned::Gone => None,
            };
            let _ = told.send((path.to_string(), what));
        };
        world.projects.rescan(&id, Box::new(tell))
    };
    rescan().await.expect("rescans");
    let mut found = Vec::new();
    while let Ok(difference) = differences.try_recv() {
        found.push(difference);
    }
    let expected = [
        ("/gone", None),
        ("/was/file", None),
        ("/changed", Some((6, false))),
        ("/executable", Some((1, true))),
        ("/new", Some((3, false))),
        ("/was", Some((8, false))),
    ];
    assert_eq!(found, expected.map(|(name, what)| (name.to_owned(), what)));
    rescan().await.expect("rescans");
    assert!(differences.try_recv().is_err(), "that is known now");
    assert_eq!(world.usage().await.expect("is counted").files, 5);
    world.put("changed", b"ours").await.expect("is written");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time ahead of the machine's own"
)]
#[tokio::test]
async fn what_the_operator_puts_there_is_a_file_of_unknown_version() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let written = world.put("f", b"ours").await.expect("is written");
    fs::write(base.join("ana/demo/f"), "theirs").expect("writes");
    let file = fs::File::options()
        .write(true)
        .open(base.join("ana/demo/f"));
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3_600);
    file.expect("opens").set_modified(ahead).expect("sets");
    let version = world.open("f").await.expect("is there").version;
    assert_eq!(version, crate::domain::Version::UNKNOWN);
    let next = world.put("f", b"ours").await.expect("is written");
    assert!(next > written);
    assert_eq!(world.open("f").await.expect("is there").version, next);
}

#[tokio::test]
async fn a_project_that_the_operator_removed_is_made_anew_and_empty() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let before = world.put("f", b"12345").await.expect("is written");
    fs::remove_dir_all(base.join("ana")).expect("removes");
    let state = world.projects.state(&demo()).await.expect("is known");
    assert_eq!(state, ProjectState::Absent);
    assert_says!(world.open("f").await, StoreError::NotFound);
    assert_says!(world.put("f", b"x").await, StoreError::NotFound);
    assert_says!(world.usage().await, StoreError::NotFound);
    assert_eq!(world.projects.projects().await.expect("lists"), []);

    let world = world.with_demo().await;
    assert_eq!(world.usage().await.expect("is counted"), Usage::default());
    assert!(world.put("f", b"x").await.expect("is written") > before);
    let world = restarted(world);
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);
}

#[tokio::test]
async fn a_project_ends_with_its_marker() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world.put_all(&["f"]).await;
    fs::remove_file(base.join(".twicecast/projects/ana/demo")).expect("removes");
    assert_says!(world.open("f").await, StoreError::NotFound);
    assert_says!(
        world.projects.register(&demo()).await,
        StoreError::PathConflict
    );
    assert_eq!(names(&base.join("ana/demo")), ["f"]);
}

#[tokio::test]
async fn a_project_named_like_the_servers_own_folder_is_another() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let id = project("ana", ".twicecast");
    world.projects.register(&id).await.expect("registers");
    assert!(base.join("ana/.twicecast").is_dir());
    assert_eq!(world.projects.projects().await.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_file_that_another_program_changes_in_place_is_not_read_to_its_end() {
    let (world, base) = on_disk(Durability::Rename).await;
    world
        .put("long", &vec![b'a'; 200_000])
        .await
        .expect("is written");
    let change = |bytes: &[u8]| {
        let file = fs::File::options()
            .write(true)
            .open(base.join("ana/demo/long"));
        let mut file = file.expect("opens");
        file.write_all(bytes).expect("writes");
        // Some file systems count the time in steps of milliseconds.
        let modified = Duration::from_secs(bytes.len() as u64);
        file.set_modified(UNIX_EPOCH + modified).expect("sets");
    };
    for bytes in [vec![b'b'; 200_000], vec![b'c'; 300_000]] {
        let opened = world.open("long").await.expect("is there");
        let length = usize::try_from(opened.bytes).expect("fits");
        opened
            .source
            .read(0, 100_000)
            .await
            .expect("the first half");
        change(&bytes);
        let rest = opened.source.read(100_000, length - 100_000).await;
        assert_says!(rest, StoreError::Failed(_));
    }
    // If the server itself replaces a file, the version that was opened can be read to its end.
    let opened = world.open("long").await.expect("is there");
    opened
        .source
        .read(0, 100_000)
        .await
        .expect("the first half");
    world.put("long", b"new").await.expect("is written");
    let rest = opened.source.read(100_000, 200_000).await;
    assert_eq!(rest.expect("is whole"), vec![b'c'; 200_000]);
}
