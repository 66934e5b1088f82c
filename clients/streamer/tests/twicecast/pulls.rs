//! Pull requests from a clone to the streamer's own folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::real::{RealServer, Share};
use crate::support::{Files, Said, Unheard, command, files, tree, twicecast, write};

const TEXT: &[u8] = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// A streamer who shares a folder, and a viewer's clone of it.
struct World {
    server: RealServer,
    dir: TempDir,
    copy: TempDir,
    share: Unheard,
}

impl World {
    async fn new(before: &Files) -> Self {
        let server = RealServer::start().await;
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(dir.path(), before);
        let mut share = Share::start(&server.url(), dir.path(), &[]);
        share
            .until_that("synced", |synced| synced["files"] == before.len())
            .await;
        let world = Self {
            server,
            dir,
            copy,
            share: share.unheard(),
        };
        let said = world.viewer("clone", &[]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(tree(world.copy.path()), *before);
        world
    }

    async fn viewer(&self, command: &str, more: &[&str]) -> Said {
        let copy = self.copy.path().to_str().unwrap();
        let (url, names) = (
            self.server.url(),
            ["--streamer", "ana", "--project", "demo"],
        );
        let who = ["--url", &url, "--user", "bob", "--key", "secret"];
        twicecast(&[&[command, copy][..], &who, &names, more].concat()).await
    }

    async fn propose(&self) -> String {
        let said = self.viewer("propose", &["--title", "A change"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        let listed = self.pulls(&["list", "--json"]).await;
        let last = listed.out.lines().last().unwrap();
        let pull: Value = serde_json::from_str(last).unwrap();
        assert_eq!(
            (&pull["owner"], &pull["title"]),
            (&json!("bob"), &json!("A change"))
        );
        pull["id"].as_str().unwrap()[..8].to_owned()
    }

    async fn pulls(&self, words: &[&str]) -> Said {
        let (url, dir) = (self.server.url(), self.dir.path().to_str().unwrap());
        let who = [
            "--url",
            &url,
            "--dir",
            dir,
            "--user",
            "ana",
            "--project",
            "demo",
            "--key",
            "secret",
        ];
        twicecast(&[&["pulls"][..], &who, words].concat()).await
    }

    async fn open_pulls(&self) -> usize {
        self.pulls(&["list", "--json"]).await.out.lines().count()
    }

    fn kept(said: &Said) -> Files {
        let line = said
            .out
            .lines()
            .find_map(|line| line.strip_prefix("what was replaced is kept in "));
        tree(Path::new(line.expect("it says where")))
    }
}

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
    // Not yet saved to the server, or just now: it must not matter.
    let ours = theirs.replace("six", "SIX");
    fs::write(world.dir.path().join("b"), &ours).unwrap();

    let shown = world.pulls(&["show", &id]).await;
    for line in [
        "A change by bob",
        "changed /a",
        "-two",
        "+TWO",
        "new /new/file",
        "+new",
        "deleted /gone",
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

    let said = world.pulls(&["apply", &id, "--keep-open"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let now = tree(world.dir.path());
    let text = String::from_utf8(now["/a"].clone()).unwrap();
    for word in ["<<<<<<<", "ours\n", "=======", "theirs\n", ">>>>>>>"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(now["/untouched"], b"\0\x03");
    let kept = World::kept(&said);
    assert_eq!(kept["/a"], ours.as_bytes());
    assert_eq!(now["/picture"], b"\0\x09", "the dirty picture stays");
    assert_eq!(kept["/picture.proposed"], b"\0\x02");
    // Whether it was shared by then or not: the deletion took nothing away that is nowhere else.
    assert!(
        now.get("/gone")
            .or(kept.get("/gone"))
            .is_some_and(|content| content == b"dirty")
    );
    assert_eq!(world.open_pulls().await, 1);
    world.share.stop().await;
}

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
    assert!(said.err.contains("pulls list"), "{said:?}");
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_client_that_knows_no_bases_a_file_is_replaced_and_the_one_that_was_there_is_kept() {
    let world = World::new(&files(&[("/a", b"mine")])).await;
    fs::write(world.dir.path().join("a"), "mine, and dirty").unwrap();
    propose_like_the_original(&world.server, "/a", b"theirs").await;
    let listed = world.pulls(&["list", "--json"]).await;
    let pull: Value = serde_json::from_str(listed.out.trim()).unwrap();
    let said = world.pulls(&["apply", pull["id"].as_str().unwrap()]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"theirs")]));
    assert_eq!(World::kept(&said), files(&[("/a", b"mine, and dirty")]));
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_program_is_run_where_a_base_is_sought() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    fs::write(world.copy.path().join("a"), "theirs\n").unwrap();
    let id = world.propose().await;
    fs::write(world.dir.path().join("a"), "ours\n").unwrap();
    // Whatever would be run leaves a trace.
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
        &world.server.url(),
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ];
    let output = command(&[&["pulls"][..], &who, &["apply", &id, "--dir", dir]].concat())
        .env("PATH", programs.path())
        .env("XDG_CACHE_HOME", programs.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!trace.exists());
    world.share.stop().await;
}

/// As the web client does it.
async fn propose_like_the_original(server: &RealServer, name: &str, content: &[u8]) {
    let token = twicecast(&[
        "token",
        "--key",
        "secret",
        "--user",
        "bob",
        "--streamer",
        "ana",
        "--project",
        "demo",
    ]);
    let token = token.await.out.trim().to_owned();
    let (mut socket, _) = tokio_tungstenite::connect_async(server.url())
        .await
        .unwrap();
    let names = json!({"username": "bob", "streamer": "ana", "project": "demo"});
    for (request, answer) in [
        (
            json!({"type": "authenticate", "data": {"token": token, "pullrequest": names}}),
            "authentication",
        ),
        (
            json!({"type": "pullrequest", "subtype": "creation", "data": {"title": "t", "description": ""}}),
            "pullRequestCreation",
        ),
        (
            json!({"type": "file", "subtype": "post", "data": {"name": name, "content": STANDARD.encode(content)}}),
            "filePost",
        ),
        (
            json!({"type": "pullrequest", "subtype": "finish"}),
            "pullRequestFinish",
        ),
    ] {
        socket
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
        loop {
            let message = socket.next().await.unwrap().unwrap();
            let message: Value = serde_json::from_slice(&message.into_data()).unwrap();
            assert_eq!(message["code"], 200, "{message}");
            if message["type"] == answer {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_clone_and_what_has_not_changed_is_not_proposed() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    let said = world.viewer("propose", &["--title", "t"]).await;
    assert_eq!(
        (said.code, said.out.contains("nothing differs")),
        (0, true),
        "{said:?}"
    );
    fs::write(world.copy.path().join("a"), "2").unwrap();
    let said = world
        .viewer("propose", &["--title", "t", "--dry-run"])
        .await;
    assert!(
        said.code == 0 && said.out.contains("changed  /a"),
        "{said:?}"
    );
    let dir = world.dir.path().to_str().unwrap();
    let said = twicecast(&["propose", dir, "--title", "t", "--key", "secret"]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("twicecast clone"), "{said:?}");
    assert_eq!(world.open_pulls().await, 0);
    world.share.stop().await;
}
