//! `twicecast mirror` against a server that speaks the contract.

use std::fs;
use std::path::PathBuf;

use crate::support::{FakeServer, Faults, Files, Live, files, mirror_once, tree, write};
use serde_json::json;

fn many() -> Files {
    let mut all: Files = (0..60)
        .map(|i| {
            (
                format!("/d{}/f{i}", i % 7),
                vec![u8::try_from(i).unwrap(); i],
            )
        })
        .collect();
    all.insert("/empty".into(), Vec::new());
    all.insert(
        "/large".into(),
        (0..300_001_u32)
            .map(|i| u8::try_from(i % 253).unwrap())
            .collect(),
    );
    all
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    (dir, copy)
}

#[tokio::test(flavor = "multi_thread")]
async fn once_writes_the_project_and_then_only_what_differs() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), many());
    assert_eq!(server.log(), ["watch", "list", "get"]);

    server.post("/d1/f1", b"edited");
    server.post("/d2", b"now a file");
    server
        .inside
        .lock()
        .unwrap()
        .files
        .retain(|name, _| !name.starts_with("/d2/"));
    server.delete("/d3/f3");
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), server.files());
    assert_eq!(
        server.log()[3..],
        ["watch", "list", "get /d1/f1", "get /d2"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_reported_and_nothing_is_written_outside() {
    let (dir, copy) = folder();
    let hostile = files(&[
        ("/../out", b"x"),
        ("/.git/hooks/x", b"x"),
        ("/a\\b", b"x"),
        ("/.twicecast-mirror/manifest.jsonl", b"x"),
        ("//etc/x", b"x"),
        ("out", b"x"),
    ]);
    let server = FakeServer::start(
        many(),
        Faults {
            hostile,
            ..Faults::default()
        },
    )
    .await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(tree(&copy), many());
    assert!(
        said.err.contains("/.git/hooks/x: refused") && said.err.contains("6 files not written"),
        "{said:?}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_other_things_is_refused_and_its_strays_survive_force() {
    let (_dir, copy) = folder();
    write(
        &copy,
        &files(&[
            ("/mine", b"mine"),
            ("/d1/f1", b"mine too"),
            ("/.git/config", b"git"),
        ]),
    );
    let server = FakeServer::start(many(), Faults::default()).await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--force"));
    assert_eq!(tree(&copy).len(), 3);

    let said = mirror_once(&server, &copy, &["--force"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut expected = many();
    expected.extend(files(&[("/mine", b"mine"), ("/.git/config", b"git")]));
    assert_eq!(tree(&copy), expected);

    let said = mirror_once(&server, &copy, &["--delete"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    expected.remove("/mine");
    assert_eq!(tree(&copy), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_put_there_by_somebody_else_is_kept_and_reported() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    assert_eq!(mirror_once(&server, &copy, &[]).await.code, 0);
    fs::write(copy.join("notes"), "mine").unwrap();
    server.post("/notes", b"theirs");
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err
            .contains("/notes: not written: /notes is here already"),
        "{said:?}"
    );
    assert_eq!(fs::read_to_string(copy.join("notes")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_vanished_between_list_and_get_is_no_failure() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    assert_eq!(mirror_once(&server, &copy, &[]).await.code, 0);
    server.post("/new", b"new");
    server.inside.lock().unwrap().faults.vanish_after_list = vec!["/new".into()];
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), many());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_mirror_follows_every_change() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let mut live = Live::start(&server, &copy, &[]);
    live.until("complete").await;
    server.post("/d1/f1", b"edited while you watch");
    server.post("/empty2", b"");
    live.until("updated /empty2").await;
    server.delete("/large");
    live.until("removed /large").await;
    // A folder becomes a file, and a file a folder.
    server.delete("/empty");
    server.post("/empty/below", b"x");
    live.until("updated /empty/below").await;
    for name in server
        .files()
        .keys()
        .filter(|name| name.starts_with("/d2/"))
    {
        server.delete(name);
    }
    server.post("/d2", b"a file now");
    live.until("updated /d2").await;
    // Somebody else's project, and a name that no server may send.
    server.push(&json!({"code":200,"type":"fileDeleted","data":{"message":"OK","file":"/d2","username":"bob","project":"demo"}}));
    server.push(&json!({"code":200,"type":"fileGet","data":{"name":"/../x","content":"QQ==","part":1,"maxPart":1,"username":"ana","project":"demo"}}));
    server.push(&json!({"code":200,"type":"streamerDisconnected","data":{"username":"ana","project":"demo"}}));
    live.until("ana has left").await;
    assert_eq!(tree(&copy), server.files());
    assert_eq!(live.stop().await, 1, "one file was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_taken_up_again_and_what_was_missed_is_made_up() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let mut live = Live::start(&server, &copy, &[]);
    live.until("complete").await;
    // Half a file, then nothing.
    server.push(&json!({"code":200,"type":"fileGet","data":{"name":"/half","content":"QUFB","part":1,"maxPart":2,"username":"ana","project":"demo"}}));
    {
        let mut inside = server.inside.lock().unwrap();
        inside.files.remove("/d1/f1");
        inside.files.insert("/missed".into(), b"made up".to_vec());
    }
    server.drop_all();
    live.until("complete").await;
    assert_eq!(tree(&copy), server.files());
    assert_eq!(server.connections(), 2);
    assert_eq!(live.stop().await, 0);
    assert!(!copy.join(".twicecast-mirror/incoming-0").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_server_wants_a_token_and_gets_one_from_the_key() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(
        many(),
        Faults {
            private: true,
            ..Faults::default()
        },
    )
    .await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("--token"), "{said:?}");
    let said = mirror_once(&server, &copy, &["--user", "bob", "--key", "secret"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), many());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_not_there_ends_once_and_is_waited_for_live() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(
        Files::new(),
        Faults {
            absent: true,
            ..Faults::default()
        },
    )
    .await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 3, "{said:?}");
    let mut live = Live::start(&server, &copy, &[]);
    live.until("ana/demo is not there yet").await;
    server.inside.lock().unwrap().faults.absent = false;
    server.inside.lock().unwrap().files = many();
    server.push(
        &json!({"code":200,"type":"streamerConnected","data":{"username":"ana","project":"demo"}}),
    );
    live.until("complete").await;
    assert_eq!(tree(&copy), many());
    assert_eq!(live.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_mirrors_do_not_share_a_folder_and_a_folder_keeps_to_its_project() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let mut live = Live::start(&server, &copy, &[]);
    live.until("complete").await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert!(
        said.code == 2 && said.err.contains("Another `twicecast mirror`"),
        "{said:?}"
    );
    assert_eq!(live.stop().await, 0);
    let dir = copy.to_str().unwrap();
    let said = crate::support::twicecast(&[
        "mirror",
        dir,
        "--once",
        "--url",
        &server.url,
        "--streamer",
        "bob",
        "--project",
        "demo",
    ])
    .await;
    assert!(
        said.code == 2 && said.err.contains("mirror of ana/demo"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything_in_the_end() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let said = mirror_once(&server, &copy, &["--read-limit", "1000000"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), many());
}
