use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::adapters::outbound::contract_tests::world::{World, assert_says, demo, project};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{assert_nothing_is_left, on_disk};
use crate::application::ports::{ProjectState, StoreError};

async fn is_as_good_as_absent(world: &World, name: &str) {
    assert_says!(world.open(name).await, StoreError::NotFound, "{name}");
    assert_says!(world.delete(name).await, StoreError::NotFound, "{name}");
    assert_says!(world.walk(name, true).await, StoreError::NotFound, "{name}");
    assert_says!(
        world.put(name, b"x").await,
        StoreError::PathConflict,
        "{name}"
    );
}

#[tokio::test]
async fn links_are_never_followed_listed_or_overwritten() {
    for durability in [Durability::Fsync, Durability::Rename] {
        let (world, base) = on_disk(durability).await;
        let project = base.join("ana/demo");
        let outside = tempfile::tempdir().expect("a temporary folder");
        fs::write(outside.path().join("secret"), "secret").expect("writes");
        world.put_all(&["d/a", "f"]).await;
        let links: [(&str, &Path); 6] = [
            ("out", outside.path()),
            ("file", &outside.path().join("secret")),
            ("in", &project.join("d")),
            ("loop", Path::new("loop")),
            ("dangling", Path::new("nowhere")),
            ("magic", Path::new("/proc/self/root")),
        ];
        for (name, target) in links {
            symlink(target, project.join(name)).expect("links");
        }
        for (name, _) in links {
            is_as_good_as_absent(&world, name).await;
            for below in ["secret", "a", "tmp"] {
                let name = format!("{name}/{below}");
                is_as_good_as_absent(&world, &name).await;
            }
        }
        assert_eq!(world.tree().await, ["/d/a", "/f"]);
        assert_eq!(fs::read_dir(outside.path()).expect("lists").count(), 1);
        let usage = world.projects.usage(&demo()).await.expect("is counted");
        assert_eq!((usage.files, usage.bytes), (2, 2));
        for (name, target) in links {
            assert_eq!(
                fs::read_link(project.join(name)).expect("is a link"),
                target
            );
        }
        // A folder that holds a link is not empty.
        symlink("x", project.join("d/l")).expect("links");
        world.delete("d/a").await.expect("is deleted");
        assert!(project.join("d/l").is_symlink());
        assert_nothing_is_left(&base);
    }
}

#[tokio::test]
async fn special_files_block_nobody() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let project = base.join("ana/demo");
    let folder = super::super::sandbox::folder::Folder::open(&project).expect("opens");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(
        &folder,
        "fifo",
        fifo,
        super::super::sandbox::folder::FILE,
        0,
    )
    .expect("makes");
    let _socket = UnixListener::bind(project.join("socket")).expect("binds");
    // Not everybody may create one, or open one everywhere.
    let device = rustix::fs::FileType::CharacterDevice;
    let zero = rustix::fs::makedev(1, 5);
    let made = rustix::fs::mknodat(
        &folder,
        "device",
        device,
        super::super::sandbox::folder::FILE,
        zero,
    );
    let has_device = made.is_ok() && fs::File::open(project.join("device")).is_ok();
    if !has_device {
        let _ = fs::remove_file(project.join("device"));
    }
    let all = async {
        for name in ["fifo", "socket", "device"] {
            if name == "device" && !has_device {
                continue;
            }
            is_as_good_as_absent(&world, name).await;
            assert_says!(
                world.put(&format!("{name}/x"), b"x").await,
                StoreError::PathConflict
            );
        }
        assert!(world.tree().await.is_empty());
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), all).await;
    ended.expect("nothing waits for the other end");
}

#[tokio::test]
async fn a_link_in_the_place_of_a_user_or_a_project_is_foreign() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(outside.path().join("demo")).expect("makes");
    symlink(outside.path(), base.join("eve")).expect("links");
    symlink(outside.path(), base.join("ana/link")).expect("links");
    fs::write(base.join("ana/file"), "").expect("writes");
    for id in [
        project("eve", "demo"),
        project("eve", "new"),
        project("ana", "link"),
        project("ana", "file"),
    ] {
        let state = world.projects.state(&id).await.expect("is known");
        assert_eq!(state, ProjectState::Foreign, "{id}");
        assert_says!(
            world.projects.register(&id).await,
            StoreError::PathConflict,
            "{id}"
        );
        assert_says!(
            world.projects.adopt(&id).await,
            StoreError::NotFound,
            "{id}"
        );
    }
    assert_eq!(world.projects.projects().await.expect("lists"), [demo()]);

    // A project's folder that becomes a link is not a project any more.
    world.put_all(&["a"]).await;
    fs::rename(base.join("ana/demo"), outside.path().join("moved")).expect("moves");
    symlink(outside.path().join("moved"), base.join("ana/demo")).expect("links");
    assert_says!(world.open("a").await, StoreError::NotFound);
    assert_says!(world.put("b", b"x").await, StoreError::NotFound);
    assert_says!(world.usage().await, StoreError::NotFound);
    assert!(!outside.path().join("moved/b").exists());
}

/// `LINK_SWAPS` is how often files are written while the folder is swapped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_swapped_for_a_link_leads_nobody_outside() {
    let set = std::env::var("LINK_SWAPS").ok();
    let rounds: u32 = set.map_or(400, |text| text.parse().expect("a number"));
    for durability in [Durability::Fsync, Durability::Rename] {
        let (world, base) = on_disk(durability).await;
        let outside = tempfile::tempdir().expect("a temporary folder");
        fs::write(outside.path().join("kept"), "kept").expect("writes");
        let project = base.join("ana/demo");
        world.put_all(&["d/x"]).await;
        symlink(outside.path(), project.join("l")).expect("links");

        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let swapping = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let (d, l) = (project.join("d"), project.join("l"));
                let _ = rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &d,
                    rustix::fs::CWD,
                    &l,
                    rustix::fs::RenameFlags::EXCHANGE,
                );
            }
        });
        let mut written = 0;
        for round in 0..rounds {
            let content = round.to_le_bytes();
            for name in ["d/x", "d/kept", "d/n/y"] {
                match world.put(name, &content).await {
                    Ok(_) => written += 1,
                    Err(StoreError::PathConflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            if let Ok(read) = world.read("d/kept").await {
                assert_ne!(&read[..], b"kept", "read from outside");
            }
            let _ = world.delete("d/kept").await;
            let _ = world.walk("/", true).await.expect("walks");
        }
        done.store(true, Ordering::SeqCst);
        swapping.join().expect("ends");
        assert!(written > 0);
        assert_eq!(super::names(outside.path()), ["kept"]);
        let kept = fs::read(outside.path().join("kept")).expect("is there");
        assert_eq!(kept, b"kept");
        assert_nothing_is_left(&base);
    }
}

#[tokio::test]
async fn a_file_with_a_second_hard_link_is_as_good_as_absent_until_it_has_one_again() {
    for durability in [Durability::Fsync, Durability::Rename] {
        let (world, base) = on_disk(durability).await;
        let outside = tempfile::tempdir().expect("a temporary folder");
        let secret = outside.path().join("secret");
        fs::write(&secret, "secret").expect("writes");
        fs::create_dir_all(base.join("ana/demo/d")).expect("makes");
        fs::hard_link(&secret, base.join("ana/demo/linked")).expect("links");
        fs::hard_link(&secret, base.join("ana/demo/d/linked")).expect("links");
        world.put_all(&["f"]).await;
        for name in ["linked", "d/linked"] {
            is_as_good_as_absent(&world, name).await;
        }
        assert_eq!(world.tree().await, ["/f"]);
        // A file that is known already and gets a second link later.
        let (known, copy) = (base.join("ana/demo/f"), outside.path().join("copy"));
        fs::hard_link(&known, &copy).expect("links");
        is_as_good_as_absent(&world, "f").await;
        assert_eq!(fs::read(&secret).expect("is there"), b"secret");
        fs::remove_file(&copy).expect("removes");
        world.put("f", b"again").await.expect("is a file again");
        assert_nothing_is_left(&base);
    }
}
