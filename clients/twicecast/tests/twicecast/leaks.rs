//! Nothing that is held back gets out: marks are placed in files of every kind that is held back,
//! and searched for in the server's whole folder and in every message that a share sends or a
//! viewer gets.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::real::{RealServer, Share, Wire, eventually};
use crate::support::{Live, files, tree, twicecast, write};

const MARK: &str = "planted-9c41";

/// A token that no service has issued, but that looks real, next to a mark.
fn token() -> String {
    // The alphabet is reversed because its beginning would count as an example from documentation.
    let made: String = ('A'..='Z').rev().chain('h'..='q').collect();
    format!("{MARK}\ntoken = ghp_{made}\n{MARK}\n")
}

fn holds(content: &[u8]) -> bool {
    content
        .windows(MARK.len())
        .any(|window| window == MARK.as_bytes())
}

/// Whether a message contains the mark, plain or encoded.
fn tells(message: &Value) -> bool {
    match message {
        Value::String(text) => {
            holds(text.as_bytes()) || STANDARD.decode(text).is_ok_and(|content| holds(&content))
        }
        Value::Array(all) => all.iter().any(tells),
        Value::Object(members) => members.values().any(tells),
        _ => false,
    }
}

/// A home folder, and in it a repository, with everything that is held back.
fn planted(home: &Path, dir: &Path) -> Vec<String> {
    write(
        home,
        &files(&[
            ("/.gitconfig", b"[include] path = more # of mine\n"),
            ("/more", b"[core] excludesFile = \"~/everywhere\"\n"),
            ("/everywhere", b"*.global\n"),
        ]),
    );
    write(
        dir,
        &files(&[
            ("/.git/HEAD", b"ref: refs/heads/main\n"),
            ("/.git/refs/x", b""),
            ("/.git/objects/x", b""),
            ("/.git/info/exclude", b"/excluded\n"),
            ("/.gitignore", b"bin\\\nignored/\n*.private\n"),
            ("/sub/.ignore", b"local\n"),
            ("/.tcignore", b"notes\n"),
            ("/shared", b"harmless"),
        ]),
    );
    let names = [
        "/a.global",
        "/excluded",
        "/ignored/a",
        "/sub/b.private",
        "/sub/local",
        "/notes",
        // Names that look like secrets.
        "/.env",
        "/keys/server.pem",
        "/.ssh/config",
        "/serviceAccountKey.json",
        "/token.json",
        "/auth.json",
        "/local.settings.json",
        "/.mylogin.cnf",
        "/home/.config/gh/hosts.yml",
        "/.docker/config.json",
        "/.bash_history",
        "/p/logins.json",
        "/p/key4.db",
        "/p/Cookies",
        "/login.keyring",
        "/terraform.tfstate",
        "/x-firebase-adminsdk-1.json",
        "/.env.bak",
        // Leftovers of editors and systems.
        "/.shared.swp",
        "/.gone.rs.swo",
        "/.shared.un~",
        "/shared~",
        "/#shared#",
        "/.#shared",
        "/.shared.kate-swp",
        "/4913",
        "/shared___jb_tmp___",
        "/shared___jb_old___",
        "/.~lock.talk.odp#",
        "/~$talk.pptx",
        "/.goutputstream-A1B2C3",
        "/.DS_Store",
        "/Thumbs.db",
        "/desktop.ini",
        "/._shared",
        "/.nfs00000000014a2e2f00000001",
        "/.git/config.x",
    ];
    for name in names {
        write(dir, &files(&[(name, MARK.as_bytes())]));
    }
    // Secrets in the contents, in one part and in several.
    let long = [MARK, &"x\n".repeat(300_000), &token()].concat();
    let held = [("/config.toml", token()), ("/sub/log.txt", long)];
    for (name, content) in &held {
        write(dir, &files(&[(name, content.as_bytes())]));
    }
    names
        .map(str::to_owned)
        .into_iter()
        .chain(held.map(|(name, _)| name.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_held_back_is_stored_or_told_to_anybody() {
    let (place, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (place.path().join("home"), place.path().join("home/project"));
    let planted = planted(&home, &dir);
    let server = RealServer::start().await;
    let (sharing, viewing) = (Wire::to(&server).await, Wire::to(&server).await);
    let mut share = Share::at_home(&sharing.url(), &dir, &home);
    let note = share.until_that("note", |note| {
        note["text"].as_str().unwrap().contains("line 1")
    });
    let note = note.await;
    assert!(
        note["text"]
            .as_str()
            .unwrap()
            .contains("`bin\\` is no usable rule"),
        "{note}"
    );
    share
        .until_that("synced", |synced| synced["files"] != 0)
        .await;
    let mut viewer = Live::of(&viewing.url(), copy.path(), &[]);
    viewer.until("complete").await;

    // A harmless file that comes to contain a secret is deleted on the server, and sent again
    // without it.
    fs::write(dir.join("later.rs"), "harmless").unwrap();
    share
        .until_that("sent", |sent| sent["name"] == "/later.rs")
        .await;
    fs::write(dir.join("later.rs"), token()).unwrap();
    share
        .until_that("deleted", |deleted| deleted["name"] == "/later.rs")
        .await;
    fs::write(dir.join("later.rs"), "harmless again").unwrap();
    share
        .until_that("sent", |sent| sent["name"] == "/later.rs")
        .await;
    eventually("the viewer has it", || {
        tree(copy.path())
            .get("/later.rs")
            .is_some_and(|content| content == b"harmless again")
    })
    .await;

    let stored = tree(server.base.path());
    assert!(stored.contains_key("/ana/demo/shared"));
    for (name, content) in stored {
        assert!(!holds(&content), "{name} is on the server's disk");
    }
    for name in planted {
        assert!(
            !copy.path().join(name.trim_start_matches('/')).exists(),
            "{name} is a viewer's"
        );
    }
    let told = [
        sharing.messages(),
        sharing.answers(),
        viewing.messages(),
        viewing.answers(),
    ];
    assert!(told.iter().all(|messages| messages.len() > 2));
    for message in told.iter().flatten() {
        assert!(!tells(message), "{message}");
    }
    viewer.stop().await;
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shared_where_somebody_allows_it_and_why_says_what_holds_it_back() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    write(dir.path(), &files(&[("/fixture.rs", token().as_bytes())]));
    let at = dir.path().to_str().unwrap();
    let file = format!("{at}/fixture.rs");
    let said = twicecast(&["why", &file, "--dir", at]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("holds what looks like a GitHub token"),
        "{said:?}"
    );
    assert!(!said.out.contains("ghp_"), "{said:?}");
    let said = twicecast(&["why", &file, "--dir", at, "--allow", "fixture.rs"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut share = Share::start(&server.url(), dir.path(), &["--allow", "fixture.rs"]);
    share
        .until_that("sent", |sent| sent["name"] == "/fixture.rs")
        .await;
    share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_has_from_before_and_holds_a_secret_is_deleted_there() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    write(
        dir.path(),
        &files(&[("/a.rs", token().as_bytes()), ("/b", b"1")]),
    );
    let mut share = Share::start(&server.url(), dir.path(), &["--allow", "a.rs"]);
    share
        .until_that("synced", |synced| synced["files"] == 2)
        .await;
    share.stop().await;
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share
        .until_that("deleted", |deleted| deleted["name"] == "/a.rs")
        .await;
    share.stop().await;
    assert_eq!(
        tree(&server.base.path().join("ana/demo")),
        files(&[("/b", b"1")])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_across_the_edge_of_two_parts_leaves_with_neither() {
    /// Where the eighth part begins, far beyond what is searched first.
    const EDGE: usize = 7 * 196_608;
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let sharing = Wire::to(&server).await;
    // The first half of the token, with the mark, is before the edge, and the second half after it.
    let secret = token();
    let half = secret.find("ghp_").unwrap() + 20;
    let content = ["\n".repeat(EDGE - half), secret, "x\n".repeat(50_000)].concat();
    let named = [("/long.txt", content.as_bytes()), ("/other", b"plain")];
    write(dir.path(), &files(&named));
    let mut share = Share::start(&sharing.url(), dir.path(), &[]);
    share
        .until_that("leftOut", |left| left["secrets"][0] == "/long.txt")
        .await;
    share
        .until_that("synced", |synced| synced["files"] == 1)
        .await;
    let messages = sharing.messages();
    let posted = |name: &str| {
        let mut all = messages.iter().map(|message| &message["data"]["name"]);
        all.any(|posted| posted == name)
    };
    assert!(posted("/long.txt") && posted("/other"), "parts were sent");
    assert!(messages.iter().all(|message| !tells(message)));
    assert_eq!(
        tree(server.base.path())
            .values()
            .filter(|it| holds(it))
            .count(),
        0
    );
    let at = dir.path().to_str().unwrap();
    let said = twicecast(&["why", &format!("{at}/long.txt"), "--dir", at]).await;
    assert!(said.out.contains("a GitHub token"), "{said:?}");
    share.stop().await;
}
