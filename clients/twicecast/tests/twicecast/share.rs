//! `twicecast share` as people run it.

mod rules;

use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use twicecast_client::Client;

use crate::real::{RealServer, Share, Wire, eventually};
use crate::support::{FakeServer, Faults, Files, Live, claims, files, tree, twicecast, write};

/// The project's files among all those of a server.
fn stored(server: &RealServer) -> Files {
    tree(&server.base.path().join("ana/demo"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_sent_at_first_and_what_changes_from_then_on() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let before = files(&[("/same", b"1"), ("/edited", b"2"), ("/gone", b"3")]);
    write(dir.path(), &before);
    let share = Share::start(&server.url(), dir.path(), &[]);
    eventually("all is there", || stored(&server) == before).await;
    assert_eq!(share.stop().await, 0);

    fs::write(dir.path().join("edited"), "other").unwrap();
    fs::remove_file(dir.path().join("gone")).unwrap();
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    let sending = share.until("sending").await;
    assert_eq!(sending["files"], 1, "{sending}");
    assert_eq!(sending["deletions"], 1, "{sending}");
    share.until("synced").await;
    assert_eq!(stored(&server), tree(dir.path()));

    fs::create_dir_all(dir.path().join("new/deep")).unwrap();
    fs::write(dir.path().join("new/deep/file"), "x").unwrap();
    let sent = share.until("sent").await;
    assert_eq!(
        sent,
        json!({"event": "sent", "name": "/new/deep/file", "bytes": 1})
    );
    fs::rename(dir.path().join("new"), dir.path().join("moved")).unwrap();
    share
        .until_that("sent", |sent| sent["name"] == "/moved/deep/file")
        .await;
    // The old name is deleted a moment later, because it might come back.
    eventually("all is moved", || stored(&server) == tree(dir.path())).await;

    // A file that is touched, or rewritten with the same content, is not sent.
    fs::write(dir.path().join("edited"), "other").unwrap();
    fs::write(dir.path().join("last"), "x").unwrap();
    let sent = share.until("sent").await;
    assert_eq!(sent["name"], "/last");
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_and_goes_is_counted_long_before_it_would_be_asked_again() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    let count = async |share: &mut Share, count: u64| {
        let told = share.until_that("viewers", |event| event["count"] == count);
        let in_time = timeout(Duration::from_secs(10), told).await;
        assert!(in_time.is_ok(), "{count} viewers");
    };
    count(&mut share, 0).await;
    let mut bob = Client::connect(&server.url()).await.unwrap();
    bob.watch("ana", "demo").await.unwrap();
    count(&mut share, 1).await;
    bob.leave().await;
    count(&mut share, 0).await;
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_watched_is_looked_through() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let mut share = Share::start(&server.url(), dir.path(), &["--poll"]);
    share.until("synced").await;
    fs::write(dir.path().join("a"), "x").unwrap();
    share.until_that("sent", |sent| sent["name"] == "/a").await;
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_server_was_away_only_what_differs_is_sent() {
    let (dir, mut server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let wire = Wire::to(&server).await;
    let name = |number: u32| format!("/d{}/f{number}", number % 9);
    let all: Files = (0..300)
        .map(|number| (name(number), vec![b'x'; 4_000]))
        .collect();
    write(dir.path(), &all);
    let mut share = Share::start(&wire.url(), dir.path(), &[]);
    share.until("synced").await;
    server.kill().await;
    share.until("lost").await;
    let changed: Files = (0..50)
        .map(|number| (name(number), vec![b'y'; 4_000]))
        .collect();
    write(dir.path(), &changed);
    let before = wire.bytes_sent();
    server.start_again().await;
    let sending = share
        .until_that("sending", |sending| sending["files"] != 0)
        .await;
    assert_eq!(
        (&sending["files"], &sending["deletions"]),
        (&json!(50), &json!(0))
    );
    share.until("synced").await;
    assert_eq!(stored(&server), tree(dir.path()));
    // 50 files in base64, and what surrounds them.
    let sent = wire.bytes_sent() - before;
    assert!(sent < 50 * (4_000 * 4 / 3 + 300), "{sent} bytes");
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_server_refuses_is_named_once_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &files(&[("/large", b"12345"), ("/small", b"1")]),
    );
    let refuse = [("/large".to_owned(), (413, "maxFileBytes is 3"))];
    let faults = Faults {
        refuse: refuse.into(),
        ..Faults::default()
    };
    let server = FakeServer::start(Files::new(), faults).await;
    let mut share = Share::start(&server.url, dir.path(), &[]);
    let failed = share.until("failed").await;
    assert_eq!(failed["name"], "/large");
    let why = failed["why"].as_str().unwrap();
    assert!(
        why.contains("maxFileBytes is 3") && why.contains("make it smaller"),
        "{why}"
    );
    share.until("synced").await;
    assert_eq!(server.files(), files(&[("/small", b"1")]));
    assert_eq!(share.stop().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_not_sent_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/large", b"12345")]));
    let refuse = [("/large".to_owned(), (413, "maxFileBytes is 3"))];
    let faults = Faults {
        refuse: refuse.into(),
        ..Faults::default()
    };
    let server = FakeServer::start(Files::new(), faults).await;
    let mut share = Share::start(&server.url, dir.path(), &["--poll"]);
    share.until("failed").await;
    // It has been checked three times whether anything differs.
    for _ in 0..3 {
        share.until("synced").await;
    }
    let posts = server
        .log()
        .iter()
        .filter(|line| *line == "post /large")
        .count();
    assert_eq!(posts, 1);
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_folder_is_replaced_by_another_nothing_is_deleted_and_it_ends() {
    let (place, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let dir = place.path().join("demo");
    let all = files(&[("/a", b"1"), ("/b/c", b"2")]);
    write(&dir, &all);
    let mut share = Share::start(&server.url(), &dir, &[]);
    share
        .until_that("synced", |synced| synced["files"] == 2)
        .await;
    fs::rename(&dir, place.path().join("moved")).unwrap();
    fs::create_dir(&dir).unwrap();
    let stopped = share.until("stopped").await;
    assert!(
        stopped["why"]
            .as_str()
            .unwrap()
            .contains("moved, removed or replaced"),
        "{stopped}"
    );
    assert_eq!(stored(&server), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_put_there_during_a_cut_is_not_deleted_without_a_word() {
    let (dir, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = RealServer::start().await;
    let wire = Wire::to(&server).await;
    write(dir.path(), &files(&[("/mine", b"1")]));
    let other: Files = (0..6).map(|i| (format!("/theirs{i}"), vec![i])).collect();
    write(theirs.path(), &other);
    let mut share = Share::start(&wire.url(), dir.path(), &[]);
    share
        .until_that("synced", |synced| synced["files"] == 1)
        .await;
    wire.cut();
    share.until("lost").await;
    let url = server.url();
    let words = ["share", theirs.path().to_str().unwrap(), "--once", "--yes"];
    let who = ["--url", &url, "--user", "ana", "--project", "demo"];
    let said = twicecast(&[&words[..], &who, &["--key", "secret"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    wire.mend();
    let stopped = share.until("stopped").await;
    let why = stopped["why"].as_str().unwrap();
    assert!(
        why.contains("6 files") && why.contains("/theirs0, /theirs1") && why.contains("--yes"),
        "{why}"
    );
    assert_eq!(stored(&server), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_few_minutes_left_is_spoken_of_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"username": "ana", "exp": now + 300});
    let key = jsonwebtoken::EncodingKey::from_secret(b"k");
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let words = ["share", dir.path().to_str().unwrap(), "--once", "--url"];
    let who = ["--user", "ana", "--project", "demo", "--token", &token];
    let said = twicecast(&[&words[..], &[&server.url], &who].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("5 more minutes"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_link_that_was_shared_leads_elsewhere_nothing_is_deleted_and_it_ends() {
    let (place, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let (one, other) = (place.path().join("one"), place.path().join("other"));
    let link = place.path().join("demo");
    let all = files(&[("/a", b"1")]);
    write(&one, &all);
    write(&other, &files(&[("/b", b"2")]));
    std::os::unix::fs::symlink(&one, &link).unwrap();
    let mut share = Share::start(&server.url(), &link, &[]);
    share.until("synced").await;
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    let stopped = share.until("stopped").await;
    let why = stopped["why"].as_str().unwrap();
    assert!(why.contains("moved, removed or replaced"), "{why}");
    assert_eq!(stored(&server), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_has_waited_is_announced() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = RealServer::start().await;
    write(dir.path(), &files(&[("/a", b"1")]));
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share
        .until_that("synced", |synced| synced["files"] == 1)
        .await;
    share.stop().await;
    let (url, copy) = (
        server.url(),
        copy.path().join("clone").display().to_string(),
    );
    let who = [
        "--url",
        &url,
        "--user",
        "bob",
        "--key",
        "secret",
        "--streamer",
        "ana",
        "--project",
        "demo",
    ];
    let said = twicecast(&[&["clone", &copy][..], &who].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    fs::write(format!("{copy}/a"), "2").unwrap();
    let said = twicecast(&[&["propose", &copy, "--title", "waits"][..], &who].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    let told = share.until("pullRequest").await;
    assert_eq!(
        (&told["author"], &told["title"]),
        (&json!("bob"), &json!("waits"))
    );
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_announced_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    let mut share = Share::start(&server.url, dir.path(), &[]);
    share.until("synced").await;
    let created = json!({"code": 200, "type": "pullRequestCreated", "data": {
        "id": "7d3f", "owner": "bob", "title": "A better sort", "description": "", "date": 1, "data": 1,
        "files": ["/a"], "deleted": [],
    }});
    server.tell_all(&created);
    let told = share.until("pullRequest").await;
    assert_eq!(
        told,
        json!({"event": "pullRequest", "id": "7d3f", "author": "bob", "title": "A better sort"})
    );
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_is_enough_also_where_the_system_does_not_say_who_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut share = Share::of_nobody(dir.path());
    let invitation = share.until("invitation").await;
    let command = invitation["command"].as_str().unwrap();
    let token = command.split(['=', ' ']).nth(1).unwrap();
    assert_eq!(claims(token)["streamername"], "streamer", "{command}");
    share.until("connected").await;
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_starts_a_server_and_says_how_to_see_the_folder() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(dir.path(), &files(&[("/hello", b"world")]));
    let mut share = Share::local(dir.path(), &[]);
    let invitation = share.until("invitation").await;
    share.until("synced").await;
    let words: Vec<_> = invitation["command"].as_str().unwrap().split(' ').collect();
    let dir_itself = dir.path().canonicalize().unwrap();
    let beside = format!("{}-copy", dir_itself.display());
    assert_eq!(&words[2..4], ["mirror", beside.as_str()]);
    let (token, url) = (words[0].split_once('=').unwrap().1, words[5]);
    let mut mirror = Live::of(url, copy.path(), &["--token", token]);
    mirror.until("complete").await;
    assert_eq!(tree(copy.path()), tree(dir.path()));
    assert_eq!(share.stop().await, 0);
    mirror.stop().await;
    assert_eq!(
        tree(dir.path()),
        files(&[("/hello", b"world")]),
        "nothing lies in the folder"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_share_from_beginning_is_a_sentence_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().to_str().unwrap();
    let refusing = FakeServer::start(
        Files::new(),
        Faults {
            refuse_authentication: Some((401, "the token has expired")),
            ..Faults::default()
        },
    )
    .await;
    let nobody = "ws://127.0.0.1:1";
    for (words, code, said) in [
        (vec!["share", "/nowhere", "--key", "k"], 2, "no folder"),
        (vec!["share", at], 2, "--local"),
        (
            vec!["share", at, "--url", "ftp://x", "--key", "k"],
            2,
            "ws://",
        ),
        (
            vec!["share", at, "--url", nobody, "--key", "k"],
            3,
            "is the server running",
        ),
        (
            vec!["share", at, "--url", &refusing.url, "--key", "k"],
            3,
            "same --key",
        ),
        (
            vec!["share", at, "--url", &refusing.url, "--token", "t"],
            3,
            "get a fresh one",
        ),
        (
            vec!["share", at, "--local", "--allow", "[z-a]"],
            2,
            "--allow",
        ),
        (vec!["share", at, "--local", "--url", nobody], 2, "--local"),
    ] {
        let result =
            twicecast(&[&words[..], &["--user", "ana", "--project", "demo"]].concat()).await;
        assert_eq!(result.code, code, "{words:?}: {result:?}");
        assert!(
            result.err.to_lowercase().contains(&said.to_lowercase()),
            "{words:?}: {result:?}"
        );
    }
}
