//! How a mirror treats folders and files that are not its own.

use std::fs;

use tokio::time::timeout;

use super::{folder, many};
use crate::real::PATIENCE;
use crate::support::{FakeServer, Faults, Live, files, mirror_once, tree, write};

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
async fn a_file_that_was_edited_stays_live_and_after_a_restart_and_is_named_once() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let mut live = Live::start(&server, &copy, &[]);
    live.until("complete").await;
    for name in ["d1/f1", "d1/f8", "d1/f15"] {
        fs::write(copy.join(name), "my edit").unwrap();
    }
    server.post("/d1/f1", b"new");
    server.post("/d1/f1", b"newer");
    server.delete("/d1/f8");
    server.post("/last", b"x");
    live.until("updated /last").await;
    assert_eq!(live.stop().await, 1, "one file is not as in the project");
    // Another file is edited while no mirror runs; all others are brought up to date.
    server.post("/d1/f15", b"new");
    server.post("/d2/f2", b"new");
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/d1/f1", "/d1/f15"] {
        let refusal = format!("{name}: not written: {name} was edited here");
        assert_eq!(said.err.matches(&refusal).count(), 1, "{said:?}");
    }
    let mut expected = server.files();
    for name in ["/d1/f1", "/d1/f8", "/d1/f15"] {
        expected.insert(name.into(), b"my edit".to_vec());
    }
    assert_eq!(tree(&copy), expected);
    // Only --force overwrites, and its help says what.
    let said = mirror_once(&server, &copy, &["--force"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut expected = server.files();
    expected.insert("/d1/f8".into(), b"my edit".to_vec());
    assert_eq!(tree(&copy), expected);
    let help = crate::support::twicecast(&["mirror", "--help"]).await.out;
    assert!(help.contains("--force overwrites"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_a_clone_and_a_shared_folder_are_refused_by_the_others_commands() {
    let (dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    assert_eq!(mirror_once(&server, &copy, &[]).await.code, 0);
    let (clone, shared) = (dir.path().join("clone"), dir.path().join("shared"));
    let run = async |words: &[&str]| {
        let who = ["--url", &server.url, "--streamer", "ana"];
        let more = ["--project", "demo", "--key", "secret", "--user", "ana"];
        crate::support::twicecast(&[words, &who, &more].concat()).await
    };
    let path = |dir: &std::path::Path| dir.to_str().unwrap().to_owned();
    let (copy, clone, shared) = (path(&copy), path(&clone), path(&shared));
    assert_eq!(run(&["clone", &clone]).await.code, 0);
    write(shared.as_ref(), &many());
    let mut share = crate::real::Share::start(&server.url, shared.as_ref(), &[]);
    share.until("synced").await;
    share.stop().await;
    let before = [&copy, &clone, &shared].map(|dir| tree(dir.as_ref()));
    let inside = format!("{clone}/d1");
    for (words, advice) in [
        (&["mirror", &clone, "--once"][..], "twicecast update"),
        (&["mirror", &clone, "--once", "--force"], "twicecast update"),
        (&["mirror", &inside, "--once", "--force"], "elsewhere"),
        (&["clone", &clone], "twicecast update"),
        (&["share", &clone], "twicecast propose"),
        (&["share", &inside], "twicecast propose"),
        (&["clone", &copy], "another folder"),
        (&["update", &copy], "twicecast clone"),
        (&["propose", &copy, "--title", "t"], "twicecast clone"),
        (&["share", &copy], "another folder"),
        (&["mirror", &shared, "--once", "--force"], "was shared"),
        (&["clone", &shared], "not shared any more, remove"),
        (&["pulls", "apply", "7d", "--dir", &clone], "with --dir"),
        (&["pulls", "show", "7d", "--dir", &copy], "with --dir"),
        (&["update", &shared], "twicecast clone"),
        (&["propose", &shared, "--title", "t"], "twicecast clone"),
    ] {
        let said = run(words).await;
        assert_eq!(said.code, 2, "{words:?}: {said:?}");
        assert!(said.err.contains(advice), "{words:?}: {said:?}");
    }
    assert_eq!(
        [&copy, &clone, &shared].map(|dir| tree(dir.as_ref())),
        before
    );
    assert_eq!(server.files(), many());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_is_once_what_stood_in_the_way_is_gone() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(files(&[("/a/x", b"1"), ("/b", b"2")]), Faults::default()).await;
    fs::create_dir(&copy).unwrap();
    std::os::unix::fs::symlink("elsewhere", copy.join("a")).unwrap();
    let mut live = Live::start(&server, &copy, &["--force"]);
    live.until("complete").await;
    assert_eq!(tree(&copy), files(&[("/b", b"2")]));
    fs::remove_file(copy.join("a")).unwrap();
    live.until("updated /a/x").await;
    assert_eq!(tree(&copy), server.files());
    assert_eq!(live.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_killed_at_any_time_takes_nothing_of_its_own_for_edited() {
    let (_dir, copy) = folder();
    let server = FakeServer::start(many(), Faults::default()).await;
    let words = ["mirror", copy.to_str().unwrap(), "--url", &server.url];
    let names = ["--streamer", "ana", "--project", "demo"];
    for round in 0..15_u64 {
        for name in many().keys() {
            let content = format!("{round} of {name}").repeat(50);
            let mut inside = server.inside.lock().unwrap();
            inside.files.insert(name.clone(), content.into_bytes());
        }
        let mut child = crate::support::command(&[&words[..], &names].concat())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let mut out = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(out));
        let first = timeout(PATIENCE, out.next_line()).await.unwrap();
        let first = first.unwrap().unwrap();
        assert!(first.starts_with("mirroring"), "{first}");
        tokio::time::sleep(std::time::Duration::from_micros(700 * round)).await;
        child.kill().await.unwrap();
    }
    let said = mirror_once(&server, &copy, &[]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(tree(&copy), server.files());
    let left = fs::read_dir(copy.join(".twicecast-mirror")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        left.into_iter()
            .all(|name| ["lock", "manifest.jsonl"].contains(&name.as_str()))
    );
}
