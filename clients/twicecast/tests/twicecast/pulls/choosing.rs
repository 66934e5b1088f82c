//! Which files of a pull request are taken: those that the rules share, and those that are named.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::{TEXT, World, propose_like_the_original};
use crate::real::{RealServer, Share, Wire};
use crate::support::{files, set_mode, tree, twicecast, write};

#[tokio::test(flavor = "multi_thread")]
async fn some_files_can_be_picked_and_a_pull_request_can_be_closed() {
    let before = files(&[("/src/a", b"1"), ("/src/b", b"1"), ("/c", b"1")]);
    let world = World::new(&before).await;
    write(
        world.copy.path(),
        &files(&[("/src/a", b"2"), ("/src/b", b"2"), ("/c", b"2")]),
    );
    let id = world.propose().await;
    let said = world
        .pulls(&["apply", &id, "--keep-open", "--files", "src/*", "!b"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/src/a", b"2"), ("/src/b", b"1"), ("/c", b"1")])
    );
    let said = world.pulls(&["close", &id]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(world.open_pulls().await, 0);
    let said = world.pulls(&["show", &id]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains(" list` shows those"), "{said:?}");
    world.share.stop().await;
}

const MARK: &[u8] = b"planted-7f3a";

fn holds(content: &[u8], mark: &[u8]) -> bool {
    content.windows(mark.len()).any(|window| window == mark)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_shared_is_neither_shown_nor_applied_and_no_secret_leaves_though_it_is_named() {
    let (server, dir) = (RealServer::start().await, tempfile::tempdir().unwrap());
    let wire = Wire::to(&server).await;
    let secret = [MARK, b"\n"].concat();
    write(
        dir.path(),
        &files(&[
            ("/a", b"mine"),
            ("/.gitignore", b"private.txt\n"),
            ("/private.txt", &secret),
            ("/.env", &secret),
            ("/.twicecast-0123.tmp", &secret),
        ]),
    );
    let mut share = Share::start(&wire.url(), dir.path(), &[]);
    share
        .until_that("synced", |synced| synced["files"] == 2)
        .await;
    let world = World {
        url: wire.url(),
        server,
        dir,
        copy: tempfile::tempdir().unwrap(),
        share: share.unheard(),
    };
    let proposed = files(&[
        ("/a", b"theirs"),
        ("/.gitignore", b"\n"),
        ("/private.txt", b"theirs\n"),
        ("/.env", b"theirs\n"),
    ]);
    propose_like_the_original(&wire.url(), &proposed).await;
    let id = world.open_pull().await;

    let shown = world.pulls(&["show", &id]).await;
    assert!(!holds(shown.out.as_bytes(), MARK), "{shown:?}");
    for line in [
        "/.gitignore: is replaced",
        "ATTENTION: it holds the rules",
        "/private.txt: not shown: ignored by `private.txt`",
        "/.env: not shown: held back as a secret",
    ] {
        assert!(shown.out.contains(line), "{line}: {shown:?}");
    }

    // The screen is streamed: files that are not shared must not be shown even if they are named.
    let named = ["show", &id, "--files", "/private.txt", "/.env"];
    let shown = world.pulls(&named).await;
    assert!(!holds(shown.out.as_bytes(), MARK), "{shown:?}");
    assert!(shown.out.contains("/.env: CONFLICT"), "{shown:?}");

    let said = world.pulls(&["apply", &id, "--keep-open"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/.gitignore", "/private.txt", "/.env"] {
        let line = format!("{name}: left out: ");
        assert!(said.err.contains(&line), "{said:?}");
    }
    let now = tree(world.dir.path());
    assert_eq!(
        (&now["/a"][..], &now["/private.txt"]),
        (&b"theirs"[..], &secret)
    );
    assert_eq!(
        (&now["/.gitignore"][..], &now["/.env"]),
        (&b"private.txt\n"[..], &secret)
    );

    // A file that is named is merged with what is here; that stays as well.
    let said = world
        .pulls(&["apply", &id, "--files", "./private.txt", "/.env"])
        .await;
    assert_eq!(said.code, 1, "{said:?}");
    let now = tree(world.dir.path());
    for name in ["/private.txt", "/.env"] {
        assert!(
            holds(&now[name], MARK) && holds(&now[name], b">>>>>>>"),
            "{name}"
        );
    }
    fs::write(world.dir.path().join("end"), "the end").unwrap();
    world.until_stored(b"the end").await;
    world.share.stop().await;
    for (name, content) in tree(world.server.base.path()) {
        assert!(!holds(&content, MARK), "{name} is on the server's disk");
    }
    for message in wire.messages() {
        if let Some(content) = message["data"]["content"].as_str() {
            let content = STANDARD.decode(content).unwrap();
            assert!(
                !holds(&content, MARK),
                "{} was sent",
                message["data"]["name"]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_taken_are_named_and_the_others_are_applied() {
    let world = World::new(&files(&[("/a", b"mine")])).await;
    let bad = files(&[("/.git/config", b"[core]"), ("/.twicecast-x", b"x")]);
    propose_like_the_original(&world.url, &bad).await;
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("stays open"), "{said:?}");
    world.pulls(&["close", &world.open_pull().await]).await;
    let mut both = bad;
    both.extend(files(&[("/a", b"theirs")]));
    propose_like_the_original(&world.url, &both).await;
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/.git/config", "/.twicecast-x"] {
        assert!(
            said.err.contains(&format!("{name}: not applied: ")),
            "{said:?}"
        );
    }
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"theirs")]));
    assert!(said.out.contains("stays open"), "{said:?}");
    assert_eq!(world.open_pulls().await, 1);
    let id = world.open_pull().await;
    let said = world.pulls(&["close", &id, "--merged"]).await;
    assert!(said.out.contains("reported as merged"), "{said:?}");
    assert_eq!(world.open_pulls().await, 0);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_that_meet_nothing_and_another_folder_change_nothing() {
    let world = World::new(&files(&[("/src/a", b"1"), ("/b", b"1")])).await;
    write(world.copy.path(), &files(&[("/src/a", b"2"), ("/b", b"2")]));
    let id = world.propose().await;
    let said = world.pulls(&["apply", &id, "--files", "nothing*"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    let elsewhere = tempfile::tempdir().unwrap();
    for command in ["apply", "show"] {
        let words = [command, &id, "--dir", elsewhere.path().to_str().unwrap()];
        let url = world.server.url();
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
        let said = twicecast(&[&["pulls"], &words[..], &who].concat()).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("does not look like"), "{said:?}");
    }
    assert_eq!(world.open_pulls().await, 1);
    let said = world.pulls(&["apply", &id, "--files", "./src/*"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("/b: not taken"), "{said:?}");
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/src/a", b"2"), ("/b", b"1")])
    );
    // What was not taken is not lost: the suggested commands work.
    let words = ["apply", &id, "--files", "/b"];
    assert!(said.out.contains(&words.join(" ")), "{said:?}");
    assert_eq!(world.open_pulls().await, 1);
    let said = world.pulls(&words).await;
    assert_eq!(tree(world.dir.path())["/b"], b"2", "{said:?}");
    assert!(said.out.contains("reported as merged"), "{said:?}");
    assert_eq!(world.open_pulls().await, 0);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tools_run_by_themselves_or_becomes_executable_is_marked_and_taken_only_by_name() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    let proposed = files(&[
        ("/a", b"2"),
        ("/build.rs", b"evil"),
        ("/.vscode/tasks.json", b"{}"),
        ("/tool", b"#!/bin/sh\n"),
    ]);
    write(world.copy.path(), &proposed);
    set_mode(&world.copy.path().join("tool"), 0o755);
    let id = world.propose().await;
    let shown = world.pulls(&["show", &id]).await;
    assert_eq!(
        shown.out.matches("ATTENTION: it runs by itself").count(),
        2,
        "{shown:?}"
    );
    assert!(
        shown.out.contains("ATTENTION: it becomes executable"),
        "{shown:?}"
    );
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"2")]));
    let words = [
        "apply",
        &id,
        "--files",
        "/.vscode/tasks.json",
        "/build.rs",
        "/tool",
    ];
    assert!(said.out.contains(&words.join(" ")), "{said:?}");
    let said = world.pulls(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), proposed);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_and_solved_is_left_alone_while_the_rest_is_taken() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    let text = String::from_utf8(TEXT.to_vec()).unwrap();
    let theirs = text.replace("two", "theirs");
    let proposed = files(&[("/a", theirs.as_bytes()), ("/build.rs", b"fn main() {}")]);
    write(world.copy.path(), &proposed);
    let id = world.propose().await;
    let at = |name: &str| world.dir.path().join(name);
    fs::write(at("a"), text.replace("two", "ours")).unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert!(said.out.contains("/a: CONFLICT"), "{said:?}");
    fs::write(at("a"), text.replace("two", "solved")).unwrap();
    // The suggested command can be typed as it is.
    let mut lines = said.out.lines();
    let program = format!("    {} ", env!("CARGO_BIN_EXE_twicecast"));
    let line = lines.find_map(|line| line.strip_prefix(&program));
    let words: Vec<_> = line.unwrap().split(' ').collect();
    assert!(!words.contains(&"secret"), "{words:?}");
    let shown = world.pulls(&["show", &id]).await;
    assert!(shown.out.contains("/a: was taken before"), "{shown:?}");
    let said = twicecast(&[&words[..], &["--key", "secret"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("reported as merged"), "{said:?}");
    let after = files(&[
        ("/a", text.replace("two", "solved").as_bytes()),
        ("/build.rs", b"fn main() {}"),
    ]);
    assert_eq!(tree(world.dir.path()), after);
    assert_eq!(world.open_pulls().await, 0);
    world.share.stop().await;
}
