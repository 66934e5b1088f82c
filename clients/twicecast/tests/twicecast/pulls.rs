//! Pull requests from a clone to the streamer's own folder.

mod broken;
mod choosing;
mod merging;
mod proposals;
mod update;
pub mod world;

use std::fs;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::real::{RealServer, Share};
use crate::support::{Unheard, command, files, tree, twicecast, write};
use world::{World, propose_like_the_original, propose_with_title};

#[tokio::test(flavor = "multi_thread")]
async fn the_count_of_pull_requests_goes_down_when_one_is_merged() {
    let (server, dir) = (RealServer::start().await, tempfile::tempdir().unwrap());
    write(dir.path(), &files(&[("/a", b"1")]));
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share.until("synced").await;
    let (url, path) = (server.url(), dir.path().to_str().unwrap().to_owned());
    propose_like_the_original(&url, &files(&[("/a", b"2")])).await;
    let told = share.until("pullRequest").await;
    let id = told["id"].as_str().unwrap();
    let words = ["pulls", "apply", id, "--url", &url, "--dir", &path];
    let who = ["--user", "ana", "--project", "demo", "--key", "secret"];
    let said = twicecast(&[&words[..], &who].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let gone = share.until("pullRequestClosed").await;
    assert_eq!(gone["id"], told["id"]);
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_not_there_is_refused_and_not_made() {
    let server = RealServer::start().await;
    let url = server.url();
    let who = [
        "--url",
        &url,
        "--user",
        "ana",
        "--project",
        "typo",
        "--key",
        "secret",
    ];
    let said = twicecast(&[&["pulls", "list"][..], &who].concat()).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("--project"), "{said:?}");
    assert!(!server.base.path().join("ana").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_remembers_its_server_and_is_neither_overwritten_nor_proposed_elsewhere() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    fs::write(world.copy.path().join("a"), "2").unwrap();
    let said = world.viewer("clone", &[]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(tree(world.copy.path()), files(&[("/a", b"2")]));
    let copy = world.copy.path().to_str().unwrap();
    let words = [
        "propose", copy, "--title", "t", "--user", "bob", "--key", "secret",
    ];
    let said = twicecast(&[&words[..], &["--project", "other"]].concat()).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("ana/demo"), "{said:?}");
    let said = twicecast(&words).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(world.open_pulls().await, 1);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_was_stopped_is_none() {
    // This server accepts connections and never says anything.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    let names = ["--streamer", "ana", "--project", "demo"];
    let words = ["clone", copy.to_str().unwrap(), "--url", &url];
    let mut child = command(&[&words[..], &names].concat()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _connected = silent.accept().await.unwrap();
    assert_eq!(Unheard::new(child, lines).stop().await, 1);
    assert!(!copy.join(".twicecast-mirror/bases.json").exists());
    let said = twicecast(&[
        "propose",
        copy.to_str().unwrap(),
        "--title",
        "t",
        "--key",
        "k",
    ])
    .await;
    assert_eq!(said.code, 2, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_pull_request_steers_the_terminal() {
    const HOSTILE: &str = "\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{2066}x\r";
    let world = World::new(&files(&[("/a", b"1\n")])).await;
    let content = format!("{HOSTILE}\n2\n").into_bytes();
    let name = "/b\u{202e}\u{200f}c";
    let proposed = files(&[("/a", &content), (name, &content)]);
    propose_with_title(&world.server.url(), HOSTILE, &proposed).await;
    let id = world.open_pull().await;
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["show", &id],
        &["apply", &id],
    ] {
        let said = world.pulls(words).await;
        for text in [&said.out, &said.err] {
            let steers = |c: &char| {
                c.is_control() && !"\n\t".contains(*c)
                    || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert_eq!(text.chars().find(steers), None, "{words:?}: {text:?}");
        }
        assert!(!said.out.is_empty(), "{words:?}");
    }
    assert_eq!(tree(world.dir.path())["/a"], content);
    world.share.stop().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_while_a_clone_is_still_coming_is_a_change_to_propose() {
    let (server, dir) = (RealServer::start().await, tempfile::tempdir().unwrap());
    let long = vec![b'z'; 40_000_000];
    write(dir.path(), &files(&[("/a", b"1"), ("/z", &long)]));
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share
        .until_that("synced", |synced| synced["files"] == 2)
        .await;
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("copy");
    let (at, url) = (copy.to_str().unwrap(), server.url());
    let names = ["--streamer", "ana", "--project", "demo", "--url", &url];
    let cloning = command(&[&["clone", at][..], &names].concat()).spawn();
    let cloning = cloning.unwrap();
    // Edits the file as soon as it exists, before the rest is cloned.
    let edited = copy.join("a");
    tokio::task::block_in_place(|| {
        while !edited.exists() {
            std::thread::yield_now();
        }
    });
    fs::write(&edited, "2").unwrap();
    let done = cloning.wait_with_output().await.unwrap();
    assert!(done.status.success(), "{done:?}");
    let said = twicecast(&["propose", at, "--title", "t", "--dry-run"]).await;
    assert!(said.out.contains("/a"), "{said:?}");
    share.stop().await;
}
