//! What the share applies for the streamer's page, and where the streamer says they are looking.

mod while_sending;

use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::pty::Terminal;
use crate::pulls::world::propose_like_the_original;
use crate::real::{PATIENCE, RealServer, Share};
use crate::support::{Files, command, files, set_mode, token_of, tree, twicecast, write};

/// The streamer's page, as far as the server knows it.
struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Messages that arrived before the awaited one: an `apply` may end before it is answered.
    earlier: Vec<Value>,
}

impl Page {
    async fn open(url: &str) -> Self {
        let token = token_of("ana").await;
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut page = Self {
            socket,
            earlier: Vec::new(),
        };
        let section = json!({"username": "ana", "project": "demo", "present": false});
        let data = json!({"token": token, "file": section});
        page.send(&json!({"type": "authenticate", "data": data}))
            .await;
        page.until("authentication").await;
        page
    }

    async fn send(&mut self, request: &Value) {
        let text = Message::text(request.to_string());
        self.socket.send(text).await.unwrap();
    }

    /// Takes the oldest message of that type, or waits for one.
    async fn until(&mut self, kind: &str) -> Value {
        if let Some(at) = self
            .earlier
            .iter()
            .position(|message| message["type"] == kind)
        {
            return self.earlier.remove(at)["data"].take();
        }
        let come = async {
            loop {
                let message = self.socket.next().await.unwrap().unwrap();
                if !message.is_text() {
                    continue;
                }
                let mut message: Value = serde_json::from_slice(&message.into_data()).unwrap();
                if message["type"] == kind {
                    return message["data"].take();
                }
                assert!(message["code"] == 200, "{message} instead of {kind}");
                self.earlier.push(message);
            }
        };
        let come = timeout(PATIENCE, come).await;
        come.unwrap_or_else(|_| panic!("no {kind}, but {:?}", self.earlier))
    }

    /// Asks to apply the only open pull request.
    async fn apply(&mut self) {
        self.apply_files(Value::Null).await;
    }

    /// Asks to apply these files of the newest pull request.
    async fn apply_files(&mut self, files: Value) {
        self.send(&json!({"type": "pullrequest", "subtype": "list"}))
            .await;
        let listed = self.until("pullRequestList").await;
        let newest = listed.as_array().unwrap().last().unwrap();
        let id = newest["id"].clone();
        let data = json!({"id": id, "files": files});
        self.send(&json!({"type": "pullrequest", "subtype": "apply", "data": data}))
            .await;
        self.until("pullRequestApply").await;
    }

    /// How it ended, with the message.
    async fn ended(&mut self) -> (String, String) {
        let ended = self.until("pullRequestApplyEnded").await;
        let text = |name: &str| ended[name].as_str().unwrap().to_owned();
        (text("outcome"), text("message"))
    }
}

/// A server, a folder that is shared there, and a clone with a proposal.
struct World {
    server: RealServer,
    dir: TempDir,
}

const BEFORE: [(&str, &[u8]); 2] = [("/a", b"one\ntwo\nthree\nfour\nfive\n"), ("/b", b"b\n")];

impl World {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(flags: &'static [&'static str]) -> Self {
        let world = Self {
            server: RealServer::with(flags).await,
            dir: tempfile::tempdir().unwrap(),
        };
        write(world.dir.path(), &files(&BEFORE));
        world
    }

    fn sharing(&self, more: &[&str]) -> Vec<String> {
        let (dir, url) = (self.dir.path().to_str().unwrap(), self.server.url());
        let words = [
            "share",
            dir,
            "--url",
            &url,
            "--user",
            "ana",
            "--project",
            "demo",
        ];
        let words = [&words, &["--key", "secret"][..], more].concat();
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// Proposes these files, as bob.
    async fn propose(&self, changed: &Files) {
        self.propose_with(changed, &[]).await;
    }

    async fn propose_with(&self, changed: &Files, executables: &[&str]) {
        let (copy, url) = (tempfile::tempdir().unwrap(), self.server.url());
        let who = ["--url", &url, "--user", "bob", "--key", "secret"];
        let whose = ["--streamer", "ana", "--project", "demo"];
        let dir = copy.path().to_str().unwrap();
        let cloned = twicecast(&[&["clone", dir][..], &who, &whose].concat()).await;
        assert_eq!(cloned.code, 0, "{cloned:?}");
        write(copy.path(), changed);
        for name in executables {
            set_mode(&copy.path().join(name), 0o755);
        }
        let title = ["--title", "A change"];
        let proposed = twicecast(&[&["propose", dir][..], &who, &title].concat()).await;
        assert_eq!(proposed.code, 0, "{proposed:?}");
    }

    fn has(&self, name: &str, content: &[u8]) -> bool {
        tree(self.dir.path())
            .get(name)
            .is_some_and(|there| there == content)
    }
}

fn terminal(words: &[String]) -> Terminal {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    Terminal::run(command(&words))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_applies_what_the_page_accepts_merged_with_what_has_changed_here() {
    let world = World::new().await;
    let mut share = terminal(&world.sharing(&[]));
    share.until("2 in all").await;
    let theirs = files(&[("/a", b"one\ntwo\nthree\nfour\nFIVE\n"), ("/new", b"new\n")]);
    world.propose(&theirs).await;
    write(
        world.dir.path(),
        &files(&[("/a", b"ONE\ntwo\nthree\nfour\nfive\n")]),
    );
    share.until("/a sent").await;
    let mut page = Page::open(&world.server.url()).await;
    page.apply().await;
    share.until("your page asks to apply").await;
    share.until("A change (2 files: /a, /new)").await;
    share.until("press y to apply, n to decline").await;
    assert!(
        world.has("/b", b"b\n") && !world.has("/new", b"new\n"),
        "nothing before"
    );
    share.press("y");
    assert_eq!(page.ended().await, ("applied".to_owned(), String::new()));
    assert!(world.has("/a", b"ONE\ntwo\nthree\nfour\nFIVE\n") && world.has("/new", b"new\n"));
    share.until("/a: merged with what has changed here").await;
    share.until("is reported as merged").await;
    page.send(&json!({"type": "pullrequest", "subtype": "list"}))
        .await;
    assert_eq!(page.until("pullRequestList").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_changes_nothing_and_the_pull_request_stays_open() {
    let world = World::new().await;
    let mut share = terminal(&world.sharing(&[]));
    share.until("2 in all").await;
    world.propose(&files(&[("/b", b"c\n")])).await;
    let mut page = Page::open(&world.server.url()).await;
    for _ in 0..2 {
        page.apply().await;
        share.until("press y to apply, n to decline").await;
        share.press("n");
        assert_eq!(page.ended().await.0, "declined");
        share.until("Declined").await;
    }
    assert!(world.has("/b", b"b\n"));
    // The page may close before the streamer answers.
    page.apply().await;
    share.until("press y to apply, n to decline").await;
    drop(page);
    share
        .until("The page does not ask any more; nothing was applied.")
        .await;
    share.press("y");
    let mut page = Page::open(&world.server.url()).await;
    page.apply().await;
    share.until("press y to apply, n to decline").await;
    assert!(world.has("/b", b"b\n"), "an old yes answers nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_accept_from_page_nobody_is_asked_but_for_what_is_taken_only_by_name() {
    let world = World::new().await;
    let dir = world.dir.path();
    let mut share = Share::start(&world.server.url(), dir, &["--accept-from-page"]);
    share.until("synced").await;
    world.propose(&files(&[("/b", b"c\n")])).await;
    let mut page = Page::open(&world.server.url()).await;
    page.apply().await;
    assert_eq!(page.ended().await.0, "applied");
    assert!(world.has("/b", b"c\n"));
    share.until_that("sent", |sent| sent["name"] == "/b").await;
    for (name, executables) in [("/tool", &["tool"][..]), ("/build.rs", &[])] {
        let proposed = files(&[(name, b"fn main() {}\n")]);
        world.propose_with(&proposed, executables).await;
        page.until("pullRequestCreated").await;
        page.apply().await;
        let (outcome, message) = page.ended().await;
        assert_eq!(outcome, "declined");
        assert!(message.contains("no keyboard"), "{message}");
        assert!(!world.has(name, b"fn main() {}\n"));
    }
    drop(share);
    let mut share = terminal(&world.sharing(&["--accept-from-page"]));
    share.until("sharing ana/demo").await;
    page.until("streamerConnected").await;
    page.apply().await;
    share.until("tools run these by themselves").await;
    share.press("y");
    assert_eq!(page.ended().await.0, "applied");
    assert!(world.has("/build.rs", b"fn main() {}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_like_a_pattern_brings_no_other_along() {
    let world = World::new().await;
    let dir = world.dir.path();
    let mut share = Share::start(&world.server.url(), dir, &["--accept-from-page"]);
    share.until("synced").await;
    let proposed = files(&[("/*", b"1"), ("/src/[id]", b"1"), ("/src/i", b"1")]);
    world.propose(&proposed).await;
    let mut page = Page::open(&world.server.url()).await;
    page.apply_files(json!(["/*", "/src/[id]"])).await;
    assert_eq!(page.ended().await.0, "partly");
    assert!(world.has("/*", b"1") && world.has("/src/[id]", b"1"));
    assert!(!world.has("/src/i", b"1"), "nobody has chosen it");
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_taken_is_told_however_long_its_names_and_short_its_message() {
    const SHORT: &[&str] = &["--max-chat-bytes", "16"];
    for more in [&[], SHORT] {
        let world = World::with(more).await;
        let dir = world.dir.path();
        let mut share = Share::start(&world.server.url(), dir, &["--accept-from-page"]);
        share.until("synced").await;
        let below = |number: u32| format!("/a/{number}/{}", vec!["n".repeat(200); 15].join("/"));
        let long = [below(1), below(2), below(3)];
        let proposed = long.iter().map(|name| (name.clone(), b"x".to_vec()));
        let proposed: Files = proposed
            .chain([("/ok".to_owned(), b"x".to_vec())])
            .collect();
        propose_like_the_original(&world.server.url(), &proposed).await;
        let mut page = Page::open(&world.server.url()).await;
        page.apply().await;
        let (outcome, message) = page.ended().await;
        assert_eq!(outcome, "partly");
        assert_eq!(
            message.contains("not taken: /a/1/"),
            more.is_empty(),
            "{message}"
        );
        assert!(world.has("/ok", b"x"));
        page.apply_files(json!(["/ok"])).await;
        assert_eq!(page.ended().await.0, "partly", "it is free for the next");
        assert_eq!(share.stop().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_tells_viewers_where_the_streamer_is_looking() {
    let world = World::new().await;
    let dir = world.dir.path();
    let url = world.server.url();
    let mut share = Share::start(&url, dir, &[]);
    share.until("synced").await;
    let mut page = Page::open(&url).await;
    let data = json!({"username": "ana", "project": "demo", "presence": true});
    page.send(&json!({"type": "file", "subtype": "watch", "data": data}))
        .await;
    page.until("fileWatch").await;
    let focus = async |file: &Path, more: &[&str]| {
        let who = ["--user", "ana", "--project", "demo", "--key", "secret"];
        let words = ["focus", file.to_str().unwrap(), "--url", &url];
        twicecast(&[&words[..], &who, more].concat()).await
    };
    let said = focus(&dir.join("a"), &["--line", "3"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let told = page.until("focusChanged").await;
    assert_eq!((&told["name"], &told["line"]), (&json!("/a"), &json!(3)));
    let said = focus(&dir.join("a:4"), &[]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(page.until("focusChanged").await["line"], json!(4));
    let said = focus(&dir.join("a:5:17"), &[]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(page.until("focusChanged").await["line"], json!(5));
    for (file, more) in [
        ("a:0", &[][..]),
        ("a:b", &[]),
        ("a:+4", &[]),
        ("a:4", &["--line", "3"]),
    ] {
        let said = focus(&dir.join(file), more).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("cannot be found"), "{said:?}");
    }
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    let said = focus(elsewhere.path(), &[]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no folder that is shared"), "{said:?}");
}
