//! `pulls apply` with a server that does not behave as it should.

use std::fs;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::world::World;
use crate::real::RealServer;
use crate::support::{Said, command, files, sha256, tree, twicecast, write};

/// The server's reaction to a request for a file of the project.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The file no longer exists.
    Gone,
    /// The connection ends.
    CutOff,
}

/// A server with one pull request for `/a` and `/b`, both based on `base`, which sends `parts`.
async fn server(asked: Asked, parts: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let base = sha256(b"base\n");
    let stored = |name| json!({"name": name, "size": 5, "modified": 1, "sha256": base});
    let stored = json!({"files": [stored("/a"), stored("/b")], "last": true});
    let pull = json!([{"id": "7d3f", "owner": "bob", "title": "t", "date": 2, "files": ["/a", "/b"], "bases": {"/a": base, "/b": base}}]);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let Ok(request) = serde_json::from_slice::<Value>(&message.into_data()) else {
                continue;
            };
            let of = |name: &str| request[name].as_str().unwrap_or_default();
            let answers = match (of("type"), of("subtype")) {
                ("authenticate", _) => vec![json!({"type": "authentication", "data": {}})],
                ("pullrequest", "list") => vec![json!({"type": "pullRequestList", "data": pull})],
                ("pullrequest", "get") => {
                    let parts = parts.iter().cloned();
                    let parts = parts.map(|data| json!({"type": "fileGet", "data": data}));
                    let end = json!({"type": "pullRequestGet", "data": "OK"});
                    parts.chain([end]).collect()
                }
                ("pullrequest", _) => vec![json!({"type": "pullRequestDelete", "data": "OK"})],
                ("file", "list") => vec![json!({"type": "fileList", "data": stored})],
                _ if asked == Asked::CutOff => return,
                _ => vec![json!({"code": 409, "type": "failReadFileError", "message": "gone"})],
            };
            for mut answer in answers {
                answer["ref"] = request["ref"].clone();
                if answer["code"].is_null() {
                    answer["code"] = json!(200);
                }
                let answer = Message::text(answer.to_string());
                socket.send(answer).await.unwrap();
            }
        }
    });
    url
}

fn part(name: &str, part: u64, max_part: u64, content: &str) -> Value {
    json!({"name": name, "part": part, "maxPart": max_part, "content": content})
}

/// `/a` and `/b` with the content `theirs`, one with padding and one without.
fn both() -> Vec<Value> {
    let whole = part("/a", 1, 1, "dGhlaXJzCg==");
    vec![whole, part("/b", 1, 2, "dGhl"), part("/b", 2, 2, "aXJzCg")]
}

/// `/a` is as its author got it; `/b` has changed.
async fn apply(asked: Asked, parts: Vec<Value>) -> (TempDir, Said) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/a", b"base\n"), ("/b", b"ours\n")]));
    let url = server(asked, parts).await;
    let path = dir.path().to_str().unwrap();
    let words = ["pulls", "apply", "7d3f", "--dir", path, "--url", &url];
    let who = ["--user", "ana", "--project", "broken", "--key", "secret"];
    let said = twicecast(&[&words[..], &who].concat()).await;
    (dir, said)
}

#[tokio::test]
async fn a_base_that_the_server_has_not_any_more_is_none() {
    let (dir, said) = apply(Asked::Gone, both()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n";
    let after = files(&[("/a", b"theirs\n"), ("/b", conflict)]);
    assert_eq!(tree(dir.path()), after);
}

#[tokio::test]
async fn what_was_replaced_before_the_connection_broke_is_kept_and_it_is_said_where() {
    let (dir, said) = apply(Asked::CutOff, both()).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(World::kept(&said), files(&[("/a", b"base\n")]));
    let after = files(&[("/a", b"theirs\n"), ("/b", b"ours\n")]);
    assert_eq!(tree(dir.path()), after);
}

#[tokio::test]
async fn parts_out_of_turn_change_nothing() {
    let mut parts = both();
    parts.swap(1, 2);
    let (dir, said) = apply(Asked::Gone, parts).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("in the wrong order"), "{said:?}");
    let before = files(&[("/a", b"base\n"), ("/b", b"ours\n")]);
    assert_eq!(tree(dir.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_named_and_once_it_is_gone_the_rest_is_taken() {
    let world = World::new(&files(&[("/a/old", b"1"), ("/c", b"1")])).await;
    let proposed = files(&[("/a/new", b"2"), ("/b", b"2"), ("/c", b"2")]);
    write(world.copy.path(), &proposed);
    fs::remove_file(world.copy.path().join("a/old")).unwrap();
    let id = world.propose().await;
    let at = |name: &str| world.dir.path().join(name);
    fs::remove_dir_all(at("a")).unwrap();
    fs::write(at("a"), "mine").unwrap();
    fs::create_dir(at("b")).unwrap();
    fs::write(at("b/mine"), "mine").unwrap();
    for words in [
        &["apply", &id][..],
        &["apply", &id, "--files", "/a/new", "/b"],
    ] {
        let said = world.pulls(words).await;
        assert_eq!(said.code, 1, "{said:?}");
        for why in [
            "/a is a file here and would have to be a folder; move it away, then try again",
            "/b is a folder here and would have to be a file; move it away, then try again",
        ] {
            assert!(said.err.contains(why), "{said:?}");
        }
        // Advice that does not help must not be given.
        assert!(!said.err.contains("name it with --files"), "{said:?}");
        assert!(said.out.contains("by hand"), "{said:?}");
    }
    assert_eq!(fs::read(at("a")).unwrap(), b"mine");
    fs::rename(at("a"), at("elsewhere")).unwrap();
    fs::rename(at("b"), at("aside")).unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("reported as merged"), "{said:?}");
    assert_eq!(fs::read(at("a/new")).unwrap(), b"2");
    assert_eq!(fs::read(at("b")).unwrap(), b"2");
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_apply_left_in_the_folder_is_taken_out_at_the_next_start() {
    let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = RealServer::start().await;
    let of = {
        use std::os::unix::fs::MetadataExt as _;
        let about = fs::metadata(dir.path()).unwrap();
        (about.dev(), about.ino())
    };
    // This is what `apply` records before it makes such a file, and keeps locked while it runs.
    let run = state.path().join("twicecast/pulls/7d3f-1");
    fs::create_dir_all(&run).unwrap();
    let note = |leaf: &str| json!({"parent": "/src", "leaf": leaf});
    let [ours, lookalike] = [".twicecast-1.tmp", ".twicecast-2.tmp"];
    let notes = format!("{}\n{}\n{}\n", json!(of), note(ours), note("mine"));
    fs::write(run.join("temporaries"), notes).unwrap();
    let all = [
        "/src/.twicecast-1.tmp",
        "/src/.twicecast-2.tmp",
        "/src/mine",
    ];
    write(
        dir.path(),
        &all.map(|name| (name.to_owned(), b"1".to_vec())).into(),
    );
    let share = || async {
        let at = dir.path().to_str().unwrap();
        let url = server.url();
        let words = ["share", at, "--once", "--url", &url, "--key", "secret"];
        let mut share = command(&[&words[..], &["--user", "ana"]].concat());
        share.env("XDG_STATE_HOME", state.path());
        share.output().await.unwrap()
    };
    let alive = fs::File::open(run.join("temporaries")).unwrap();
    alive.lock().unwrap();
    assert!(share().await.status.success());
    assert_eq!(fs::read_dir(dir.path().join("src")).unwrap().count(), 3);
    drop(alive);
    let said = share().await;
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8(said.stderr).unwrap();
    let left = run.join("left");
    assert!(said.contains(left.to_str().unwrap()), "{said}");
    assert_eq!(fs::read(left.join(ours)).unwrap(), b"1");
    assert!(!dir.path().join("src").join(ours).exists());
    assert!(dir.path().join("src").join(lookalike).exists());
    assert!(dir.path().join("src/mine").exists());
}
