//! Every wrong start ends with a sentence that says what to do, and with its exit code.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{FakeServer, Faults, Files, twicecast};

/// Answers every request with this status, as a proxy or a web server might.
async fn answering(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

async fn fake(faults: Faults) -> String {
    FakeServer::start(Files::new(), faults).await.url
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_start_says_what_to_do() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("ws://{}", listener.local_addr().unwrap())
    };
    let dir = tempfile::tempdir().unwrap();
    let (dir, new) = (dir.path().to_str().unwrap(), dir.path().join("new"));
    let mirror = [
        "mirror",
        new.to_str().unwrap(),
        "--once",
        "--streamer",
        "ana",
        "--project",
        "demo",
        "--url",
    ];
    let pulls = [
        "pulls",
        "list",
        "--user",
        "ana",
        "--project",
        "demo",
        "--token",
        "x",
        "--url",
    ];
    let denied = Faults {
        refuse_authentication: Some((401, "a reason")),
        ..Faults::default()
    };
    let absent = Faults {
        absent: true,
        ..Faults::default()
    };
    let plain = answering(200).await.replace("ws:", "https:");
    let with = |words: &[&str], url: String| -> Vec<String> {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .chain([url])
            .collect()
    };
    let table: Vec<(Vec<String>, i32, &str)> = vec![
        (vec![], 2, "twicecast share ."),
        (
            with(&["nonsense"], String::new()),
            2,
            "unrecognized subcommand",
        ),
        (with(&mirror, "ftp://h".into()), 2, "ws://HOST:PORT"),
        (with(&mirror, nobody.clone()), 3, "is the server running?"),
        (
            with(&mirror, nobody.replace("ws:", "http:")),
            3,
            "is the server running?",
        ),
        (with(&mirror, answering(404).await), 3, "use / or /ws"),
        (with(&mirror, answering(403).await), 3, "ask its operator"),
        (
            with(&mirror, answering(502).await),
            3,
            "not the server behind it (502)",
        ),
        (with(&mirror, answering(503).await), 3, "try again later"),
        (with(&mirror, plain), 3, "speaks no TLS"),
        (with(&pulls, fake(denied).await), 3, "get a fresh one"),
        (with(&mirror, fake(absent).await), 3, "ana/demo"),
        (
            with(&["propose", "--title", "t"], dir.to_owned()),
            2,
            "twicecast clone",
        ),
        (
            with(&["status", "--ca"], "/nonexistent.pem".into()),
            2,
            "PEM",
        ),
        (
            with(&["status", "--ca"], "/dev/zero".into()),
            2,
            "only files and pipes are read",
        ),
        (
            with(&["status", "--token-file"], "/dev/zero".into()),
            2,
            "only files and pipes are read",
        ),
    ];
    for (words, code, expected) in table {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = twicecast(&words).await;
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        let text = said.out.clone() + &said.err;
        assert!(text.contains(expected), "{words:?}: {said:?}");
        for debug in ["Os {", "Error(", "InvalidCertificate", "panicked"] {
            assert!(!text.contains(debug), "{words:?}: {said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_nothing_in_the_place_of_a_folder_is_said_to_be_that() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (file, missing) = (file.to_str().unwrap(), dir.path().join("missing"));
    let names = ["--streamer", "ana", "--project", "demo"];
    let here = "is a file and no folder; give the folder that it lies in";
    for (words, expected) in [
        (&["share", file, "--local"][..], here),
        (
            &["share", missing.to_str().unwrap(), "--local"],
            "There is no folder",
        ),
        (&["propose", file, "--title", "t"], here),
        (
            &[&["clone", file][..], &names].concat(),
            "something else than a folder; choose another path",
        ),
    ] {
        let said = twicecast(words).await;
        assert_eq!(said.code, 2, "{words:?}: {said:?}");
        assert!(said.err.contains(expected), "{words:?}: {said:?}");
        assert!(!said.err.contains("os error"), "{words:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_where_they_are_asked_for() {
    for (when, has) in [("auto", false), ("never", false), ("always", true)] {
        let said = twicecast(&["status", "--color", when, "--url", "ws://127.0.0.1:1"]).await;
        assert_eq!(said.out.contains("\u{1b}["), has, "{when}: {said:?}");
    }
}
