use std::collections::HashSet;

use super::world::{World, assert_says, below, demo, path};
use crate::application::ports::{LISTED_NAME_BYTES, StoreError};

/// In the order in which they must come.
const AWKWARD: [&str; 14] = [
    "/ ", "/!", "/d ", "/d-x", "/d.txt", "/d/b", "/d/b-", "/d/b.d/x", "/d/c/d", "/d0", "/da",
    "/z/a", "/z0/a", "/\u{e9}",
];

pub(super) async fn files_come_in_byte_order_of_their_full_names(world: World) {
    let world = world.with_demo().await;
    let mut shuffled = AWKWARD;
    shuffled.reverse();
    shuffled.swap(2, 9);
    world.put_all(&shuffled).await;
    assert_eq!(world.tree().await, AWKWARD);
    let mut sorted = AWKWARD;
    sorted.sort_unstable();
    assert_eq!(sorted, AWKWARD, "the case itself is in order");
}

pub(super) async fn sub_folders_are_left_out_unless_asked_for(world: World) {
    let world = world.with_demo().await;
    world.put_all(&AWKWARD).await;
    let top = world.walk("/", false).await.expect("walks");
    assert_eq!(
        top,
        ["/ ", "/!", "/d ", "/d-x", "/d.txt", "/d0", "/da", "/\u{e9}"]
    );
    assert_eq!(
        world.walk("d", false).await.expect("walks"),
        ["/d/b", "/d/b-"]
    );
    let below = world.walk("d", true).await.expect("walks");
    assert_eq!(below, ["/d/b", "/d/b-", "/d/b.d/x", "/d/c/d"]);
}

pub(super) async fn a_walk_goes_on_where_it_stopped(world: World) {
    let world = world.with_demo().await;
    world.put_all(&AWKWARD).await;
    for most in [1, 2, 13, 14, 15] {
        let mut walk = below("/", true);
        let mut all = Vec::new();
        loop {
            let next = world.next(&mut walk, most).await.expect("goes on");
            if next.is_empty() {
                break;
            }
            assert!(next.len() <= most);
            all.extend(next.iter().map(ToString::to_string));
        }
        assert_eq!(all, AWKWARD, "{most}");
        assert!(
            world
                .next(&mut walk, most)
                .await
                .expect("has ended")
                .is_empty()
        );
    }
}

pub(super) async fn a_walk_needs_a_folder(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["a", "d/b"]).await;
    for name in ["a", "x", "a/b", "d/b", "x/y"] {
        assert_says!(world.walk(name, true).await, StoreError::NotFound, "{name}");
    }
}

pub(super) async fn an_empty_project_has_nothing_to_walk(world: World) {
    let world = world.with_demo().await;
    assert!(world.tree().await.is_empty());
    assert!(world.walk("/", false).await.expect("walks").is_empty());
}

pub(super) async fn a_walk_during_changes_ends_and_meets_nothing_twice(world: World) {
    let world = world.with_demo().await;
    for n in 0..30 {
        world.put_all(&[&format!("d{}/f{n}", n % 5)]).await;
    }
    let mut walk = below("/", true);
    let mut met = HashSet::new();
    let mut round = 0;
    loop {
        let next = world.next(&mut walk, 2).await.expect("goes on");
        if next.is_empty() {
            break;
        }
        for file in next {
            assert!(met.insert(file.clone()), "{file} was met before");
        }
        world
            .put_all(&[&format!("d{}/new{round}", round % 5)])
            .await;
        // A whole folder vanishes during the walk.
        let _ = world.delete(&format!("d4/f{}", 4 + round * 5)).await;
        round += 1;
        assert!(round < 100, "it ends");
    }
    for n in (0..30).filter(|n| n % 5 < 4) {
        let file = path(&format!("d{}/f{n}", n % 5));
        assert!(met.contains(&file), "{file} was there all the time");
    }
}

pub(super) async fn a_walk_takes_up_few_names_at_a_time(world: World) {
    let world = world.with_demo().await;
    let long = vec!["x".repeat(255); 8].join("/");
    for n in 10..40 {
        world.put_all(&[&format!("{n}/{long}")]).await;
    }
    let (mut walk, mut met) = (below("/", true), 0);
    loop {
        let next = world.next(&mut walk, 1_000).await.expect("goes on");
        if next.is_empty() {
            break;
        }
        let names: usize = next.iter().map(|path| path.as_str().len()).sum();
        assert!(names < LISTED_NAME_BYTES + 4_096, "{names}");
        met += next.len();
    }
    assert_eq!(met, 30);
}

pub(super) async fn the_revision_changes_with_every_change_and_only_then(world: World) {
    let missing = world.projects.revision(&demo()).await;
    assert_says!(missing, StoreError::NotFound);
    let world = world.with_demo().await;
    let mut seen = vec![world.revision().await];
    world.put("a", b"1").await.expect("is written");
    seen.push(world.revision().await);
    world.put("a", b"1").await.expect("is written");
    seen.push(world.revision().await);
    world.put_executable("a", Some(true)).await;
    seen.push(world.revision().await);
    world.put("b", b"1").await.expect("is written");
    seen.push(world.revision().await);
    world.delete("a").await.expect("is deleted");
    seen.push(world.revision().await);
    for (index, revision) in seen.iter().enumerate() {
        assert!(!seen[..index].contains(revision), "{index}");
    }
    world.read("b").await.expect("is there");
    world.delete("a").await.expect_err("is gone");
    world.tree().await;
    assert_eq!(seen.last(), Some(&world.revision().await));
}
