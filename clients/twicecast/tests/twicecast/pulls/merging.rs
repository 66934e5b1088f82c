//! How `pulls apply` treats files that have changed here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::world::{TEXT, World, propose_like_the_original};
use crate::support::{command, files, tree, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_shown_and_applied_cleanly_and_what_has_changed_elsewhere_is_merged() {
    let before = files(&[("/same", b"s"), ("/a", TEXT), ("/b", TEXT), ("/gone", b"g")]);
    let world = World::new(&before).await;
    let theirs = String::from_utf8(TEXT.to_vec()).unwrap();
    write(
        world.copy.path(),
        &files(&[
            ("/a", theirs.replace("two", "TWO").as_bytes()),
            ("/b", theirs.replace("two", "TWO").as_bytes()),
            ("/new/file", b"new"),
            ("/.env", b"never proposed"),
        ]),
    );
    fs::remove_file(world.copy.path().join("gone")).unwrap();
    let id = world.propose().await;
    // It must not matter whether this has been sent to the server or not.
    let ours = theirs.replace("six", "SIX");
    fs::write(world.dir.path().join("b"), &ours).unwrap();

    let shown = world.pulls(&["show", &id]).await;
    for line in [
        "A change by bob",
        "/a: is replaced",
        "/b: is merged",
        "-two",
        "+TWO",
        "/new/file: is new",
        "+new",
        "/gone: is deleted",
        "-g",
    ] {
        assert!(shown.out.contains(line), "{line}: {shown:?}");
    }
    assert!(
        !shown.out.contains('\u{1b}'),
        "no colours where there is no terminal"
    );

    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let merged = theirs.replace("two", "TWO").replace("six", "SIX");
    let after = files(&[
        ("/same", b"s"),
        ("/a", theirs.replace("two", "TWO").as_bytes()),
        ("/b", merged.as_bytes()),
        ("/new/file", b"new"),
    ]);
    assert_eq!(tree(world.dir.path()), after);
    world.until_stored(merged.as_bytes()).await;
    let kept = World::kept(&said);
    assert_eq!(
        kept,
        files(&[("/a", TEXT), ("/b", ours.as_bytes()), ("/gone", b"g")])
    );
    assert_eq!(world.open_pulls().await, 0);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_have_changed_is_a_conflict_that_loses_neither() {
    let before = files(&[
        ("/a", TEXT),
        ("/picture", b"\0\x01"),
        ("/untouched", b"\0\x01"),
        ("/gone", b"g"),
    ]);
    let world = World::new(&before).await;
    let theirs = String::from_utf8(TEXT.to_vec())
        .unwrap()
        .replace("two", "theirs");
    write(
        world.copy.path(),
        &files(&[
            ("/a", theirs.as_bytes()),
            ("/picture", b"\0\x02"),
            ("/untouched", b"\0\x03"),
        ]),
    );
    fs::remove_file(world.copy.path().join("gone")).unwrap();
    let id = world.propose().await;
    let ours = String::from_utf8(TEXT.to_vec())
        .unwrap()
        .replace("two", "ours");
    write(
        world.dir.path(),
        &files(&[
            ("/a", ours.as_bytes()),
            ("/picture", b"\0\x09"),
            ("/gone", b"dirty"),
        ]),
    );
    // From now on only this computer has the content that the author started from.
    world.until_stored(b"dirty").await;
    world.until_stored(ours.as_bytes()).await;

    let said = world.pulls(&["apply", &id, "--keep-open"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let now = tree(world.dir.path());
    let both = "<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs";
    let conflict = ours.replace("ours", both);
    assert_eq!(now["/a"], conflict.as_bytes());
    assert_eq!(now["/untouched"], b"\0\x03");
    let kept = World::kept(&said);
    assert_eq!(kept["/a"], ours.as_bytes());
    assert_eq!(now["/picture"], b"\0\x09", "the dirty picture stays");
    assert_eq!(World::put_aside(&said), b"\0\x02");
    // It is as on the server, but not as its author saw it.
    assert_eq!(now["/gone"], b"dirty");
    // It also stays open without --keep-open, because not everything was taken.
    let said = world.pulls(&["apply", &id]).await;
    assert!(said.out.contains("stays open"), "{said:?}");
    let now = tree(world.dir.path());
    assert_eq!(now["/a"], conflict.as_bytes(), "no conflict in a conflict");
    assert_eq!(world.open_pulls().await, 1);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_client_that_knows_no_bases_what_is_as_the_server_has_it_is_replaced_and_kept() {
    let before = files(&[("/a", b"mine"), ("/picture", b"\0\x01")]);
    let world = World::new(&before).await;
    let after = files(&[("/a", b"theirs"), ("/picture", b"\0\x02")]);
    propose_like_the_original(&world.server.url(), &after).await;
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), after);
    assert_eq!(World::kept(&said), before);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_client_that_knows_no_bases_what_has_changed_meanwhile_is_a_conflict() {
    let world = World::new(&files(&[("/a", b"mine"), ("/picture", b"\0\x01")])).await;
    let proposed = files(&[("/a", b"theirs"), ("/picture", b"\0\x02")]);
    propose_like_the_original(&world.server.url(), &proposed).await;
    // It must not matter whether this is shared by then.
    let dirty = files(&[("/a", b"dirty"), ("/picture", b"\0\x09")]);
    write(world.dir.path(), &dirty);
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\ndirty\n=======\ntheirs\n>>>>>>> theirs\n";
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/a", conflict), ("/picture", b"\0\x09")])
    );
    assert_eq!(World::put_aside(&said), b"\0\x02");
    assert_eq!(World::kept(&said), files(&[("/a", b"dirty")]));
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_on_top_of_one_that_was_made_meanwhile_is_a_conflict() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    write(
        world.copy.path(),
        &files(&[("/a", b"2"), ("/new", b"theirs\n")]),
    );
    let id = world.propose().await;
    fs::write(world.dir.path().join("new"), "ours\n").unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n";
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/a", b"2"), ("/new", conflict)])
    );
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_and_a_deletion_of_what_was_edited_meanwhile_lose_no_edit() {
    let before = files(&[("/old", b"1\n"), ("/gone", b"1\n"), ("/same", b"1\n")]);
    let world = World::new(&before).await;
    let at = |name: &str| world.dir.path().join(name);
    // The server has the edits before the proposal is sent, so only the bases can tell.
    fs::write(at("old"), "edited\n").unwrap();
    fs::write(at("gone"), "also edited\n").unwrap();
    world.until_stored(b"edited\n").await;
    world.until_stored(b"also edited\n").await;
    let copy = |name: &str| world.copy.path().join(name);
    fs::rename(copy("old"), copy("new")).unwrap();
    fs::remove_file(copy("gone")).unwrap();
    fs::remove_file(copy("same")).unwrap();
    let id = world.propose().await;
    let shown = world.pulls(&["show", &id]).await;
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/old", "/gone"] {
        let line = format!("{name}: CONFLICT: it is to be deleted, and has changed here; it stays");
        assert!(
            shown.out.contains(&line) && said.out.contains(&line),
            "{said:?}"
        );
    }
    let after = files(&[
        ("/old", b"edited\n"),
        ("/new", b"1\n"),
        ("/gone", b"also edited\n"),
    ]);
    assert_eq!(tree(world.dir.path()), after);
    assert_eq!(
        world.open_pulls().await,
        1,
        "two deletions are not carried out"
    );
    // The output suggests no command that would not help. A streamer who agrees with a deletion
    // deletes the file.
    assert!(!said.out.contains("--files"), "{said:?}");
    fs::remove_file(at("old")).unwrap();
    fs::remove_file(at("gone")).unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert!(said.out.contains("reported as merged"), "{said:?}");
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_is_never_kept_in_the_shared_folder() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    fs::write(world.copy.path().join("a"), "2").unwrap();
    let id = world.propose().await;
    let (url, dir) = (world.server.url(), world.dir.path().to_str().unwrap());
    let who = [
        "--url",
        &url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ];
    let words = ["pulls", "apply", &id, "--dir", dir];
    let output = command(&[&words[..], &who].concat())
        .env("XDG_STATE_HOME", world.dir.path().join("state"))
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("XDG_STATE_HOME"));
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"1")]));
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_program_is_run_where_a_base_is_sought() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    fs::write(world.copy.path().join("a"), "theirs\n").unwrap();
    let id = world.propose().await;
    fs::write(world.dir.path().join("a"), "ours\n").unwrap();
    // Every program that is run leaves a trace.
    let programs = tempfile::tempdir().unwrap();
    let trace = programs.path().join("trace");
    let git = programs.path().join("git");
    fs::write(
        &git,
        format!("#!/bin/sh\necho run >> {}\n", trace.display()),
    )
    .unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let dir = world.dir.path().to_str().unwrap();
    let who = [
        "--url",
        &world.url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ];
    let output = command(&[&["pulls", "apply", &id, "--dir", dir][..], &who].concat())
        .env("PATH", programs.path())
        .env("XDG_CACHE_HOME", programs.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!trace.exists());
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_where_a_folder_was_and_the_reverse() {
    let world = World::new(&files(&[("/a/x", b"1"), ("/b", b"1")])).await;
    let copy = world.copy.path();
    fs::remove_dir_all(copy.join("a")).unwrap();
    fs::remove_file(copy.join("b")).unwrap();
    let after = files(&[("/a", b"2"), ("/b/y", b"2")]);
    write(copy, &after);
    let id = world.propose().await;
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), after);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_writes_into_a_file_that_was_replaced_is_kept_and_markers_end_as_lines_do() {
    use std::io::Write as _;
    let before = b"one\r\ntwo\r\n";
    let world = World::new(&files(&[("/log", b"1\n"), ("/crlf", before)])).await;
    let at = |name: &str| world.dir.path().join(name);
    fs::write(world.copy.path().join("log"), "theirs\n").unwrap();
    fs::write(world.copy.path().join("crlf"), "one\r\ntheirs\r\n").unwrap();
    let id = world.propose().await;
    fs::write(at("crlf"), "one\r\nours\r\n").unwrap();
    let mut open = fs::OpenOptions::new().append(true).open(at("log")).unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    open.write_all(b"late\n").unwrap();
    assert_eq!(World::kept(&said)["/log"], b"1\nlate\n");
    let both = fs::read_to_string(at("crlf")).unwrap();
    assert!(both.contains("=======\r\n"), "{both:?}");
    assert_eq!(both.matches('\n').count(), both.matches("\r\n").count());
    world.share.stop().await;
}
