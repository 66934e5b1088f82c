//! Pull requests from a clone to the streamer's own folder.

mod broken;
mod proposals;
mod update;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_tungstenite::tungstenite::Message;

use crate::real::{RealServer, Share, Wire, eventually};
use crate::support::{Files, Said, Unheard, command, files, tree, twicecast, write};

const TEXT: &[u8] = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// A streamer who shares a folder, and a viewer's clone of it.
struct World {
    server: RealServer,
    /// Where the streamer finds it.
    url: String,
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
            url: server.url(),
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
        let (url, dir) = (self.url.as_str(), self.dir.path().to_str().unwrap());
        let who = [
            "--url",
            url,
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

    /// Waits until the server has stored that content.
    async fn until_stored(&self, content: &[u8]) {
        let stored = || tree(self.server.base.path());
        let is_stored = || stored().values().any(|there| there == content);
        eventually("the server stores it", is_stored).await;
    }

    async fn open_pulls(&self) -> usize {
        self.pulls(&["list", "--json"]).await.out.lines().count()
    }

    /// What was put aside, where that is one file.
    fn put_aside(said: &Said) -> Vec<u8> {
        let mut pieces = said.out.split("yours stays, what is proposed is ");
        let path = pieces.nth(1).expect("it says where").lines().next();
        fs::read(path.unwrap()).unwrap()
    }

    /// The id of the one that is open.
    async fn open_pull(&self) -> String {
        let listed = self.pulls(&["list", "--json"]).await;
        let pull: Value = serde_json::from_str(listed.out.trim()).unwrap();
        pull["id"].as_str().unwrap().to_owned()
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
        "/a: is replaced",
        "/b: is merged",
        "-two",
        "+TWO",
        "/new/file: is new",
        "+new",
        "/gone: is deleted",
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
    world.until_stored(merged.as_bytes()).await;
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
    // From now on only this machine remembers what the author started from.
    world.until_stored(b"dirty").await;
    world.until_stored(ours.as_bytes()).await;

    let said = world.pulls(&["apply", &id, "--keep-open"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let now = tree(world.dir.path());
    let both = "<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs";
    let conflict = ours.replace("ours", both);
    assert_eq!(now["/a"], conflict.as_bytes());
    assert_eq!(now["/untouched"], b"\0\x03");
    let kept = World::kept(&said);
    assert_eq!(kept["/a"], ours.as_bytes());
    assert_eq!(now["/picture"], b"\0\x09", "the dirty picture stays");
    assert_eq!(World::put_aside(&said), b"\0\x02");
    // It is as the server has it, but that is not what its author saw.
    assert_eq!(now["/gone"], b"dirty");
    // Without --keep-open neither: not all of it was taken.
    let said = world.pulls(&["apply", &id]).await;
    assert!(said.out.contains("stays open"), "{said:?}");
    let now = tree(world.dir.path());
    assert_eq!(now["/a"], conflict.as_bytes(), "no conflict in a conflict");
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
async fn from_a_client_that_knows_no_bases_what_is_as_the_server_has_it_is_replaced_and_kept() {
    let before = files(&[("/a", b"mine"), ("/picture", b"\0\x01")]);
    let world = World::new(&before).await;
    let after = files(&[("/a", b"theirs"), ("/picture", b"\0\x02")]);
    propose_like_the_original(&world.server.url(), &after).await;
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), after);
    assert_eq!(World::kept(&said), before);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_client_that_knows_no_bases_what_has_changed_meanwhile_is_a_conflict() {
    let world = World::new(&files(&[("/a", b"mine"), ("/picture", b"\0\x01")])).await;
    let proposed = files(&[("/a", b"theirs"), ("/picture", b"\0\x02")]);
    propose_like_the_original(&world.server.url(), &proposed).await;
    // Whether it is shared by then or not.
    let dirty = files(&[("/a", b"dirty"), ("/picture", b"\0\x09")]);
    write(world.dir.path(), &dirty);
    let said = world.pulls(&["apply", &world.open_pull().await]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\ndirty\n=======\ntheirs\n>>>>>>> theirs\n";
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/a", conflict), ("/picture", b"\0\x09")])
    );
    assert_eq!(World::put_aside(&said), b"\0\x02");
    assert_eq!(World::kept(&said), files(&[("/a", b"dirty")]));
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_on_top_of_one_that_was_made_meanwhile_is_a_conflict() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    write(
        world.copy.path(),
        &files(&[("/a", b"2"), ("/new", b"theirs\n")]),
    );
    let id = world.propose().await;
    fs::write(world.dir.path().join("new"), "ours\n").unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n";
    assert_eq!(
        tree(world.dir.path()),
        files(&[("/a", b"2"), ("/new", conflict)])
    );
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

    // The screen is streamed: what is not shared is not on it though it is named.
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

    // Named, it is merged with what is there, which stays here all the same.
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
    // What was not taken is not gone: what is said about it can be done.
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
async fn what_tools_run_by_themselves_is_marked_and_taken_only_where_it_is_named() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    let proposed = files(&[
        ("/a", b"2"),
        ("/build.rs", b"evil"),
        ("/.vscode/tasks.json", b"{}"),
    ]);
    write(world.copy.path(), &proposed);
    let id = world.propose().await;
    let shown = world.pulls(&["show", &id]).await;
    assert_eq!(
        shown.out.matches("ATTENTION: it runs by itself").count(),
        2,
        "{shown:?}"
    );
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"2")]));
    let words = ["apply", &id, "--files", "/.vscode/tasks.json", "/build.rs"];
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
    // What is said is typed as it stands.
    let mut lines = said.out.lines();
    let line = lines.find_map(|line| line.strip_prefix("    twicecast "));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_and_a_deletion_of_what_was_edited_meanwhile_lose_no_edit() {
    let before = files(&[("/old", b"1\n"), ("/gone", b"1\n"), ("/same", b"1\n")]);
    let world = World::new(&before).await;
    let at = |name: &str| world.dir.path().join(name);
    // The server has the edits before the proposal is sent: only the bases tell.
    fs::write(at("old"), "edited\n").unwrap();
    fs::write(at("gone"), "also edited\n").unwrap();
    world.until_stored(b"edited\n").await;
    world.until_stored(b"also edited\n").await;
    let copy = |name: &str| world.copy.path().join(name);
    fs::rename(copy("old"), copy("new")).unwrap();
    fs::remove_file(copy("gone")).unwrap();
    fs::remove_file(copy("same")).unwrap();
    let id = world.propose().await;
    let shown = world.pulls(&["show", &id]).await;
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/old", "/gone"] {
        let line = format!("{name}: CONFLICT: it is to be deleted, and has changed here; it stays");
        assert!(
            shown.out.contains(&line) && said.out.contains(&line),
            "{said:?}"
        );
    }
    let after = files(&[
        ("/old", b"edited\n"),
        ("/new", b"1\n"),
        ("/gone", b"also edited\n"),
    ]);
    assert_eq!(tree(world.dir.path()), after);
    assert_eq!(
        world.open_pulls().await,
        1,
        "two deletions are not carried out"
    );
    // Nothing is said to take them that does not; who agrees with a deletion deletes.
    assert!(!said.out.contains("--files"), "{said:?}");
    fs::remove_file(at("old")).unwrap();
    fs::remove_file(at("gone")).unwrap();
    let said = world.pulls(&["apply", &id]).await;
    assert!(said.out.contains("reported as merged"), "{said:?}");
    world.share.stop().await;
}

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
async fn what_is_replaced_is_never_kept_in_the_shared_folder() {
    let world = World::new(&files(&[("/a", b"1")])).await;
    fs::write(world.copy.path().join("a"), "2").unwrap();
    let id = world.propose().await;
    let (url, dir) = (world.server.url(), world.dir.path().to_str().unwrap());
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
    let words = ["pulls", "apply", &id, "--dir", dir];
    let output = command(&[&words[..], &who].concat())
        .env("XDG_STATE_HOME", world.dir.path().join("state"))
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("XDG_STATE_HOME"));
    assert_eq!(tree(world.dir.path()), files(&[("/a", b"1")]));
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
        &world.url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ];
    let output = command(&[&["pulls", "apply", &id, "--dir", dir][..], &who].concat())
        .env("PATH", programs.path())
        .env("XDG_CACHE_HOME", programs.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!trace.exists());
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_where_a_folder_was_and_the_reverse() {
    let world = World::new(&files(&[("/a/x", b"1"), ("/b", b"1")])).await;
    let copy = world.copy.path();
    fs::remove_dir_all(copy.join("a")).unwrap();
    fs::remove_file(copy.join("b")).unwrap();
    let after = files(&[("/a", b"2"), ("/b/y", b"2")]);
    write(copy, &after);
    let id = world.propose().await;
    let said = world.pulls(&["apply", &id]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.dir.path()), after);
    world.share.stop().await;
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
    // It takes connections and never says anything.
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

/// As the web client does it.
async fn propose_like_the_original(url: &str, files: &Files) {
    propose_with_title(url, "t", files).await;
}

async fn propose_with_title(url: &str, title: &str, files: &Files) {
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
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let names = json!({"username": "bob", "streamer": "ana", "project": "demo"});
    let posts = files.iter().map(|(name, content)| {
        let data = json!({"name": name, "content": STANDARD.encode(content)});
        (
            json!({"type": "file", "subtype": "post", "data": data}),
            "filePost",
        )
    });
    let begin = [
        (
            json!({"type": "authenticate", "data": {"token": token, "pullrequest": names}}),
            "authentication",
        ),
        (
            json!({"type": "pullrequest", "subtype": "creation", "data": {"title": title, "description": title}}),
            "pullRequestCreation",
        ),
    ];
    let end = (
        json!({"type": "pullrequest", "subtype": "finish"}),
        "pullRequestFinish",
    );
    for (request, answer) in begin.into_iter().chain(posts).chain([end]) {
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
