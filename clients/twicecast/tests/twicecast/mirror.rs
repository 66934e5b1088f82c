//! `twicecast mirror` with a server that speaks the contract.

mod others;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tokio::time::timeout;

use crate::real::PATIENCE;
use crate::support::{FakeServer, Faults, Files, Live, exit_code, files, mirror_once, tree};

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
    // Messages about another project, and one with a name that no server may send.
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
    // Half a file, and then nothing.
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
async fn a_slow_reader_gets_everything_in_the_end() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let said = mirror_once(&server, &copy, &["--read-limit", "1000000"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(&copy), many());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_written_than_the_server_listed() {
    let (_dir, copy) = folder();
    let understated = vec!["/large".to_owned()];
    let faults = Faults {
        understated,
        ..Faults::default()
    };
    let server = FakeServer::start(many(), faults).await;
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let line = "/large: not written: the server lists it with 1 B and sends more";
    assert_eq!(said.err.matches(line).count(), 1, "{said:?}");
    let mut expected = many();
    expected.remove("/large");
    assert_eq!(tree(&copy), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_copy_says_so_and_nothing_stands_in_the_way_of_the_next() {
    // This server accepts connections and never says anything.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let server = FakeServer::start(many(), Faults::default()).await;
    let absent = Faults {
        absent: true,
        ..Faults::default()
    };
    let nothing = FakeServer::start(Files::new(), absent).await;
    for words in [&["clone"][..], &["mirror", "--once"]] {
        let (dir, copy) = folder();
        let words_for = |url: &str, project: &str| {
            let more = [
                copy.to_str().unwrap(),
                "--url",
                url,
                "--streamer",
                "ana",
                "--project",
                project,
            ];
            [words, &more]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let of = |words: &[String]| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            crate::support::command(&words)
        };
        let mut child = of(&words_for(&url, "other")).spawn().unwrap();
        let _connected = silent.accept().await.unwrap();
        let id = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap());
        rustix::process::kill_process(id.unwrap(), rustix::process::Signal::INT).unwrap();
        assert_eq!(exit_code(&mut child).await, 1, "{words:?}");
        let mut err = String::new();
        let mut stderr = child.stderr.take().unwrap();
        tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut err)
            .await
            .unwrap();
        assert!(err.contains("again"), "{words:?}: {err}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{words:?}");
        // With the wrong project or server, nothing is left behind either.
        let failed = of(&words_for(&nothing.url, "other"))
            .output()
            .await
            .unwrap();
        assert_eq!(failed.status.code(), Some(3), "{words:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{words:?}");
        let right = of(&words_for(&server.url, "demo")).output().await.unwrap();
        assert_eq!(right.status.code(), Some(0), "{words:?}");
        assert_eq!(tree(&copy), many());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_spoken_of_once_and_again_when_it_is_back() {
    let (_dir, copy) = folder();
    let mut server = crate::real::RealServer::start().await;
    let words = ["mirror", copy.to_str().unwrap(), "--url", &server.url()];
    let names = ["--streamer", "ana", "--project", "demo"];
    let mut child = crate::support::command(&[&words[..], &names].concat())
        .spawn()
        .unwrap();
    let mut out =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let mut until = async |wanted: &str| {
        while let Some(line) = timeout(PATIENCE, out.next_line()).await.unwrap().unwrap() {
            if line.contains(wanted) {
                return;
            }
        }
        panic!("no {wanted}");
    };
    until("not there yet").await;
    server.kill().await;
    // This is long enough for several attempts.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    server.start_again().await;
    until("ana/demo is back after").await;
    child.start_kill().unwrap();
    let mut err = String::new();
    let mut stderr = child.stderr.take().unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut err)
        .await
        .unwrap();
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains("Trying again until it is back"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streamers_executable_bit_is_followed_and_the_other_bits_are_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, copy) = folder();
    let server = FakeServer::start(files(&[("/run", b"run"), ("/b", b"b")]), Faults::default());
    let server = server.await;
    let mode = |name: &str| fs::metadata(copy.join(name)).unwrap().permissions().mode() & 0o777;
    let saved = |name: &str, content: &str, executable: bool| {
        let mut data = json!({"name": name, "content": content, "part": 1, "maxPart": 1, "username": "ana", "project": "demo"});
        if executable {
            data["executable"] = json!(true);
        }
        server.push(&json!({"code": 200, "type": "fileGet", "data": data}));
    };
    let mut live = Live::start(&server, &copy, &[]);
    live.until("complete").await;
    assert_eq!(mode("run") & 0o111, 0);
    let plain = mode("run");
    // The bit changes alone, with a content, and with a new file.
    saved("/run", "cnVu", true);
    live.until("updated /run").await;
    assert_eq!(mode("run"), plain | (plain & 0o444) >> 2);
    fs::set_permissions(copy.join("run"), fs::Permissions::from_mode(0o750)).unwrap();
    saved("/run", "QQ==", true);
    live.until("updated /run").await;
    assert_eq!(
        (mode("run"), fs::read(copy.join("run")).unwrap()),
        (0o750, b"A".to_vec())
    );
    saved("/run", "QQ==", false);
    live.until("updated /run").await;
    assert_eq!(mode("run"), 0o640);
    saved("/new", "QQ==", true);
    live.until("updated /new").await;
    assert_eq!(mode("new"), plain | (plain & 0o444) >> 2);
    assert_eq!(live.stop().await, 0);
    // The bit in a list counts, too, if the content is already here.
    fs::set_permissions(copy.join("b"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(mirror_once(&server, &copy, &[]).await.code, 0);
    assert_eq!(mode("b"), 0o644);
}
