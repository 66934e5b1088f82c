use super::world::{World, assert_says, content, demo, path, project};
use crate::application::ports::StoreError;
use crate::domain::Version;

/// All byte values, in a pattern that does not repeat at the length of any buffer.
fn noise(length: usize) -> Vec<u8> {
    let byte = |n: usize| u8::try_from((n * n + n / 251) % 256).expect("fits");
    (0..length).map(byte).collect()
}

pub(super) async fn content_comes_back_byte_for_byte(world: World) {
    let world = world.with_demo().await;
    for length in [0, 1, 255, 65_535, 65_536, 65_537, 1_500_000] {
        let sent = noise(length);
        world.put("d/file", &sent).await.expect("is written");
        let file = world.open("d/file").await.expect("is there");
        assert_eq!(file.bytes, length as u64);
        assert!(file.modified.as_millis() > 1_500_000_000_000, "in ms");
        assert!(content(&file).await.expect("reads") == sent, "{length}");
    }
}

pub(super) async fn a_name_is_kept_byte_for_byte(world: World) {
    let world = world.with_demo().await;
    let segment = "s".repeat(255);
    let names = [
        "A",
        "a",
        "\u{e9}",
        "e\u{301}",
        " ",
        "a ",
        "...",
        "-",
        "~",
        "*",
        "$(x)",
        "%2e%2e",
        "con",
        ".git",
        ".twicecast",
        "\u{1f600}",
        "a:b",
        "\u{202e}x",
        &segment,
    ];
    for name in names {
        let put = world.put(name, name.as_bytes()).await;
        put.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    for name in names {
        let read = world.read(name).await.expect("is there");
        assert_eq!(&read[..], name.as_bytes(), "{name:?}");
    }
    assert_eq!(world.tree().await.len(), names.len());
}

pub(super) async fn an_open_file_stays_as_it_was_opened(world: World) {
    let world = world.with_demo().await;
    for length in [10, 200_000] {
        world.put("f", &vec![1; length]).await.expect("is written");
        let first = world.open("f").await.expect("is there");
        world
            .put("f", &vec![2; length * 2])
            .await
            .expect("is written");
        let second = world.open("f").await.expect("is there");
        world.delete("f").await.expect("is deleted");
        assert!(content(&first).await.expect("reads") == vec![1; length]);
        assert!(content(&second).await.expect("reads") == vec![2; length * 2]);
    }
}

pub(super) async fn files_are_opened_together_as_they_are_alone(world: World) {
    let world = world.with_demo().await;
    for (name, length) in [("a", 10), ("d/b", 0), ("d/c", 200_000), ("e", 30)] {
        world.put(name, &noise(length)).await.expect("is written");
    }
    let names = ["a", "gone", "d", "d/b", "d/gone", "d/c", "e", "a/b"].map(path);
    for most in [0, 100, 1 << 20] {
        let mut left = &names[..];
        let mut opened = Vec::new();
        while !left.is_empty() {
            let some = world.projects.open_files(&demo(), left, most).await;
            let some = some.expect("a project");
            assert!(
                !some.is_empty() && some.len() <= left.len(),
                "{}",
                some.len()
            );
            left = &left[some.len()..];
            opened.extend(some);
        }
        for (path, opened) in names.iter().zip(opened) {
            let alone = world.projects.open_file(&demo(), path).await;
            match (opened, alone) {
                (Ok(opened), Ok(alone)) => {
                    assert_eq!(opened.version, alone.version, "{path:?}");
                    assert_eq!(opened.modified, alone.modified, "{path:?}");
                    let (opened, alone) = (content(&opened).await, content(&alone).await);
                    assert!(opened.expect("reads") == alone.expect("reads"), "{path:?}");
                }
                (opened, alone) => {
                    assert_says!(opened, StoreError::NotFound, "{path:?}");
                    assert_says!(alone, StoreError::NotFound, "{path:?}");
                }
            }
        }
    }
    let nobody = world
        .projects
        .open_files(&project("ana", "other"), &names, 1)
        .await;
    assert_says!(nobody, StoreError::NotFound);
}

pub(super) async fn a_large_file_is_read_in_stretches(world: World) {
    let world = world.with_demo().await;
    let sent = noise(300_001);
    world.put("f", &sent).await.expect("is written");
    let file = world.open("f").await.expect("is there");
    for (offset, length) in [(0, 1), (0, 49_152), (299_999, 2), (1_000, 0), (300_001, 0)] {
        let read = file.source.read(offset as u64, length).await;
        let read = read.expect("reads");
        assert!(read == sent[offset..offset + length], "{offset} {length}");
    }
}

pub(super) async fn more_than_the_file_has_cannot_be_read(world: World) {
    let world = world.with_demo().await;
    for length in [10_usize, 100_000] {
        world.put("f", &vec![1; length]).await.expect("is written");
        let file = world.open("f").await.expect("is there");
        for (offset, more) in [
            (0, length + 1),
            (length as u64, 1),
            (u64::MAX, 2),
            (1, usize::MAX),
        ] {
            let read = file.source.read(offset, more).await;
            assert_says!(read, StoreError::Failed(_), "{offset} {more}");
        }
    }
}

pub(super) async fn versions_grow_and_are_found_again(world: World) {
    let world = world.with_demo().await;
    let mut last = Version::UNKNOWN;
    for round in 0..20 {
        for name in ["a", "b/c"] {
            let put = world.put(name, &[round]).await.expect("is written");
            assert!(put > last, "{put:?} after {last:?}");
            assert_eq!(world.open(name).await.expect("is there").version, put);
            last = put;
        }
        let deleted = world.delete("a").await.expect("is deleted");
        assert!(deleted > last);
        last = deleted;
    }
}

pub(super) async fn a_deleted_file_is_gone(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["d/a"]).await;
    world.delete("d/a").await.expect("is deleted");
    assert_says!(world.open("d/a").await, StoreError::NotFound);
    assert_says!(world.delete("d/a").await, StoreError::NotFound);
    assert!(world.tree().await.is_empty());
    world.put("d/a", b"again").await.expect("is written");
    assert_eq!(&world.read("d/a").await.expect("is there")[..], b"again");
}

pub(super) async fn a_folder_in_the_files_place_is_in_the_way(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["d/e/f"]).await;
    for name in ["d", "d/e"] {
        assert_says!(
            world.put(name, b"y").await,
            StoreError::PathConflict,
            "{name}"
        );
    }
    assert_eq!(world.tree().await, ["/d/e/f"]);
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (1, 1));
}

pub(super) async fn a_file_where_a_folder_is_needed_is_in_the_way(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["a", "d/b"]).await;
    for name in ["a/x", "a/x/y", "d/b/x"] {
        assert_says!(
            world.put(name, b"y").await,
            StoreError::PathConflict,
            "{name}"
        );
        assert_says!(world.open(name).await, StoreError::NotFound, "{name}");
        assert_says!(world.delete(name).await, StoreError::NotFound, "{name}");
    }
    assert_eq!(world.tree().await, ["/a", "/d/b"]);
    assert_eq!(&world.read("a").await.expect("is there")[..], b"x");
}

pub(super) async fn emptied_folders_vanish(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["d/e/f/g", "d/x"]).await;
    world.delete("d/e/f/g").await.expect("is deleted");
    assert_says!(world.walk("d/e", true).await, StoreError::NotFound);
    world.put("d/e", b"a file now").await.expect("is written");
    world.delete("d/e").await.expect("is deleted");
    world.delete("d/x").await.expect("is deleted");
    assert_says!(world.walk("d", true).await, StoreError::NotFound);
    assert!(world.tree().await.is_empty(), "the project itself stays");
}

pub(super) async fn a_delete_takes_no_sibling_along(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["d/a", "d/ab", "d/b/c", "da"]).await;
    world.delete("d/a").await.expect("is deleted");
    assert_eq!(world.tree().await, ["/d/ab", "/d/b/c", "/da"]);
}

pub(super) async fn a_folder_is_no_file(world: World) {
    let world = world.with_demo().await;
    world.put_all(&["d/a"]).await;
    assert_says!(world.open("d").await, StoreError::NotFound);
    assert_says!(world.delete("d").await, StoreError::NotFound);
    assert_eq!(world.tree().await, ["/d/a"]);
}

pub(super) async fn the_deepest_name_is_kept(world: World) {
    let world = world.with_demo().await;
    let deep = format!("/{}", ["d"; 64].join("/"));
    let long = format!("/{}", vec!["s".repeat(203); 20].join("/"));
    world.put_all(&[&deep, &long]).await;
    assert_eq!(world.tree().await, [deep.as_str(), &long]);
    world.delete(&deep).await.expect("is deleted");
    world.delete(&long).await.expect("is deleted");
    assert!(world.tree().await.is_empty());
}

pub(super) async fn a_file_stays_as_executable_as_it_was_unless_a_put_says_otherwise(world: World) {
    let world = world.with_demo().await;
    for (says, is) in [
        (None, false),
        (Some(true), true),
        (None, true),
        (Some(true), true),
        (Some(false), false),
        (None, false),
    ] {
        assert_eq!(world.put_executable("f", says).await, is, "told");
        assert_eq!(world.open("f").await.expect("opens").executable, is);
        assert_eq!(world.find("f").await.expect("is known").executable, is);
    }
    world.put_executable("f", Some(true)).await;
    world.delete("f").await.expect("is deleted");
    assert!(!world.put_executable("f", None).await, "a new file");
}
