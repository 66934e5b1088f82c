//! `twicecast share --once` with a server that speaks the contract.

use std::fs;

use crate::support::{FakeServer, Faults, Files, files, share_once, tree, twicecast, write};

fn many() -> Files {
    let mut all: Files = (0..150)
        .map(|i| {
            (
                format!("/d{}/f{i}", i % 7),
                vec![u8::try_from(i).unwrap(); i],
            )
        })
        .collect();
    all.insert("/empty".into(), Vec::new());
    all.insert("/binary".into(), (0..=255).collect());
    all.insert(
        "/large".into(),
        (0..1_000_003_u32)
            .map(|i| u8::try_from(i % 253).unwrap())
            .collect(),
    );
    all.insert("/exact".into(), vec![9; 2 * 4 * 49_152]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_byte_for_byte_whatever_the_order_of_the_acknowledgements() {
    for reverse_acks in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &many());
        let server = FakeServer::start(
            Files::new(),
            Faults {
                reverse_acks,
                ..Faults::default()
            },
        )
        .await;
        let said = share_once(&server, dir.path()).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(server.files(), many());
        assert!(said.out.contains("154 files sent"), "{said:?}");
        assert_eq!(server.inside.lock().unwrap().open_uploads_seen, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_sends_only_what_differs_and_files_and_folders_trade_places() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &many());
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    assert_eq!(share_once(&server, dir.path()).await.code, 0);
    let before = server.log().len();

    let said = share_once(&server, dir.path()).await;
    assert_eq!(server.log()[before..], ["authenticate", "list"], "{said:?}");

    fs::write(dir.path().join("d1/f1"), "edited").unwrap();
    fs::remove_dir_all(dir.path().join("d2")).unwrap();
    fs::write(dir.path().join("d2"), "a file now").unwrap();
    fs::remove_file(dir.path().join("binary")).unwrap();
    fs::create_dir_all(dir.path().join("binary/sub")).unwrap();
    fs::write(dir.path().join("binary/sub/file"), "a folder now").unwrap();
    fs::remove_dir_all(dir.path().join("d3")).unwrap();
    let before = server.log().len();
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(server.files(), tree(dir.path()));
    let posts: Vec<_> = server.log()[before..]
        .iter()
        .filter(|line| line.starts_with("post"))
        .cloned()
        .collect();
    assert_eq!(posts, ["post /binary/sub/file", "post /d1/f1", "post /d2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_is_named_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &many());
    let refuse = [
        ("/large".to_owned(), (413, "maxFileBytes is 5")),
        ("/d1/f1".to_owned(), (409, "File cannot be written")),
    ];
    let server = FakeServer::start(
        Files::new(),
        Faults {
            refuse: refuse.into(),
            ..Faults::default()
        },
    )
    .await;
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let mut expected = many();
    expected.remove("/large");
    expected.remove("/d1/f1");
    assert_eq!(server.files(), expected);
    assert!(
        said.err
            .contains("/large: over a limit of the server (maxFileBytes is 5)"),
        "{said:?}"
    );
    assert!(
        said.err.contains("/d1/f1: ") && said.err.lines().count() == 2,
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_cannot_read_is_named_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/a", b"a"), ("/mine", b"m")]));
    let server = FakeServer::start(
        files(&[("/gone", b"g"), ("/locked", b"l"), ("/mine", b"?")]),
        Faults {
            unreadable: vec!["/locked".into(), "/mine".into()],
            ..Faults::default()
        },
    )
    .await;
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(
        server.files(),
        files(&[("/a", b"a"), ("/locked", b"l"), ("/mine", b"m")])
    );
    assert!(
        said.err.contains("/locked: cannot be read by the server"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_a_sentence_and_the_next_run_finishes_the_work() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &many());
    let server = FakeServer::start(
        Files::new(),
        Faults {
            drop_after_posts: Some(30),
            ..Faults::default()
        },
    )
    .await;
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("was lost") && said.err.contains("Run it again"),
        "{said:?}"
    );
    server.inside.lock().unwrap().faults.drop_after_posts = None;
    assert_eq!(share_once(&server, dir.path()).await.code, 0);
    assert_eq!(server.files(), many());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_meanwhile_is_not_called_a_wrong_key() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/a", b"a"), ("/b", b"b")]));
    let refuse = [("/b".to_owned(), (401, "the token has expired"))];
    let server = FakeServer::start(
        Files::new(),
        Faults {
            refuse: refuse.into(),
            ..Faults::default()
        },
    )
    .await;
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("the token has expired") && said.err.contains("Run it again"),
        "{said:?}"
    );
    assert!(!said.err.contains("Give the same --key"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_sent_is_named_and_what_no_client_has_sent_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &files(&[
            ("/a", b"a"),
            ("/.git/config", b"s"),
            ("/base/.twicecast/x", b"s"),
            ("/base/bob/p", b"s"),
        ]),
    );
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
    let server = FakeServer::start(
        files(&[
            ("/.git/theirs", b"t"),
            ("/base/theirs", b"t"),
            ("/link/theirs", b"t"),
            ("/old", b"o"),
        ]),
        Faults::default(),
    )
    .await;
    let said = share_once(&server, dir.path()).await;
    assert_eq!(said.code, 0, "{said:?}");
    // Files that no client can have sent stay on the server; the rest is made equal to what is
    // shared.
    assert_eq!(
        server.files(),
        files(&[("/a", b"a"), ("/.git/theirs", b"t")])
    );
    for named in ["/link: a link", "/base: a server's base folder"] {
        assert!(said.out.contains(named), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_not_getting_in_has_its_sentence_and_code_3() {
    let dir = tempfile::tempdir().unwrap();
    for (code, message, word) in [
        (401, "wrong key", "--key"),
        (400, "not adopted", "file-ws-server adopt 'ana/demo'"),
    ] {
        let server = FakeServer::start(
            Files::new(),
            Faults {
                refuse_authentication: Some((code, message)),
                ..Faults::default()
            },
        )
        .await;
        let said = share_once(&server, dir.path()).await;
        assert_eq!(said.code, 3, "{said:?}");
        assert!(
            said.err.contains(word) && said.err.contains(message),
            "{said:?}"
        );
    }
    // A port that was free a moment ago. With wss, the refused connection must be reported before
    // anything about certificates.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for scheme in ["ws", "wss"] {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let said = twicecast(&[
            "share",
            dir.path().to_str().unwrap(),
            "--once",
            "--url",
            &url,
            "--user",
            "ana",
            "--project",
            "demo",
            "--key",
            "secret",
        ])
        .await;
        assert_eq!(said.code, 3, "{said:?}");
        assert!(
            said.err.contains(&format!(
                "The connection to {url} was refused: is the server running?"
            )),
            "{said:?}"
        );
    }
    // TLS with a server that does not speak it must end in a sentence, and not in a panic because
    // no crypto provider is installed.
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    let url = server.url.replace("ws:", "wss:");
    let said = twicecast(&[
        "share",
        dir.path().to_str().unwrap(),
        "--once",
        "--url",
        &url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ])
    .await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("No secure connection"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_useless_command_line_is_code_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".twicecast")).unwrap();
    let base = dir.path().to_str().unwrap();
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let key = ["--user", "ana", "--project", "demo", "--key", "secret"];
    for (words, word) in [
        (vec!["share", base], "base folder"),
        (vec!["share", "/nowhere/at/all"], "There is no folder"),
        (vec!["share", empty, "--url", "ftp://x"], "ws://HOST:PORT"),
    ] {
        let said = twicecast(&[&words[..], &key].concat()).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(word), "{said:?}");
    }
    let said = twicecast(&["share", empty, "--user", "ana"]).await;
    assert!(said.code == 2 && said.err.contains("--key"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_and_nothing_else() {
    let said = twicecast(&[
        "token",
        "--user",
        "bob",
        "--streamer",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ])
    .await;
    assert_eq!(
        (
            said.code,
            said.out.trim().split('.').count(),
            said.err.as_str()
        ),
        (0, 3, "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_delete_much_is_asked_for_shown_and_done_only_with_a_word() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/a", b"a")]));
    let there: Files = (0..8).map(|i| (format!("/f{i}"), vec![i])).collect();
    let server = FakeServer::start(there.clone(), Faults::default()).await;
    let run = async |more: &[&str]| {
        let dir = dir.path().to_str().unwrap();
        let who = ["--user", "ana", "--project", "demo", "--key", "secret"];
        twicecast(
            &[
                &["share", dir, "--url", &server.url, "--once"][..],
                &who,
                more,
            ]
            .concat(),
        )
        .await
    };
    for more in [&[][..], &["--json"]] {
        let said = run(more).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("8 of the 8 files"), "{said:?}");
        assert!(
            said.err.contains("/f0, /f1") && said.err.contains("--yes"),
            "{said:?}"
        );
        assert_eq!(server.files(), there);
    }
    let said = run(&["--dry-run"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for line in ["would send  /a", "would delete  /f7", "nothing was done"] {
        assert!(said.out.contains(line), "{said:?}");
    }
    assert_eq!(server.files(), there);
    assert_eq!(run(&["--yes"]).await.code, 0);
    assert_eq!(server.files(), files(&[("/a", b"a")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn push_is_gone_and_says_what_takes_its_place() {
    for words in [
        &["push"][..],
        &["push", "dir", "--user", "ana", "--key", "k"],
    ] {
        let said = twicecast(words).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("share DIR --once"), "{said:?}");
    }
}
