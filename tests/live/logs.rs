//! What the server prints and logs at its most verbose (section 9, `logFormat` and `logLevel`):
//! no token, no key, and nothing that a user wrote or sent.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::*;
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "a-key-of-ones-own-that-nobody-may-see";

/// What users write and send, each in a unique text that can be found wherever it appears.
const FILE: &str = "content-of-a-file-canary";
const PART: &str = "content-of-a-part-canary";
const REFUSED: &str = "content-that-was-refused-canary";
const CHAT: &str = "chat-message-canary";
const TITLE: &str = "title-canary\n2026-01-01T00:00:00Z ERROR forged";
const DESCRIPTION: &str = "description-canary\u{1b}[31m";
const GARBAGE: &str = "garbage-canary";
/// A name that reverses the direction of the text after it, unless it is escaped.
const BACKWARDS: &str = "\u{202e}own";
const FORGED_NAME: &str = "forged\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m\u{202e}";

/// The program and everything that it prints.
struct Talkative {
    child: Child,
    stdout: BufReader<ChildStdout>,
    printed: String,
    folder: TempDir,
    url: String,
}

impl Talkative {
    fn start(format: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_file-ws-server"))
            .current_dir(folder.path())
            .env_clear()
            .env("FILE_WS_SERVER_KEY", KEY)
            .args(["--port", "0", "--host", "127.0.0.1", "--base-dir", "base"])
            .args(["--log-level", "trace", "--log-format", format])
            .args(["--guests", "propose"])
            .args([
                "--on-streamer-disconnect",
                "delete",
                "--streamer-grace-seconds",
                "0",
            ])
            .args([
                "--max-file-bytes",
                "1000",
                "--max-failed-authentications",
                "100",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut printed = String::new();
        let url = loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).expect("text");
            assert!(read > 0, "it did not start: {printed}");
            printed.push_str(&line);
            if let Some(address) = line.trim().strip_prefix("on     ") {
                break format!("{address}/");
            }
        };
        Self {
            child,
            stdout,
            printed,
            folder,
            url,
        }
    }

    fn base(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it; returns everything that it printed and logged.
    fn said(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success());
        let rest = &mut self.printed;
        self.stdout.read_to_string(rest).expect("text");
        let log = std::fs::read_to_string(self.folder.path().join("log"));
        (std::mem::take(&mut self.printed), log.expect("a log"))
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        // It still runs if the test failed before the end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signed(user: &str, exp: u64, key: &str) -> String {
    let claims = json!({"username": user, "streamername": "ana", "streamname": "demo", "exp": exp});
    token_as_is(&claims, key.as_bytes())
}

/// A project whose name appears in the log, because its files are deleted when its streamer leaves.
async fn come_and_go(server: &Talkative, heard: &mut Vec<Value>) {
    let claims = json!({"username": "mal", "streamername": "mal", "streamname": BACKWARDS,
        "exp": now() + 1_000});
    let token = token_as_is(&claims, KEY.as_bytes());
    let mut watcher = Client::connect(&server.url).await;
    let own = json!({"username": "mal", "project": BACKWARDS});
    watcher.ok(file("watch", own.clone())).await;
    let mut mal = Client::connect(&server.url).await;
    let data = json!({"token": token, "file": own});
    ask(&mut mal, heard, authenticate(data)).await;
    ask(&mut mal, heard, post("a", FILE)).await;
    mal.send_close().await;
    heard.push(watcher.until("fileDeleted").await);
}

/// A guest comes into ana's project; returns their token.
async fn guest(server: &Talkative, ana: &str) -> String {
    let mut client = Client::connect(&server.url).await;
    let data = json!({"token": ana, "file": file_section("ana", "demo")});
    client.authenticate(data).await;
    let entry = json!({"type": "guest", "subtype": "enter",
        "data": {"name": "bob", "streamer": "ana", "project": "demo"}});
    let mut pass = client.ok(entry.clone()).await;
    client.refused(409, entry).await;
    let token = pass["token"].take();
    let damaged = format!("{}x", token.as_str().expect("a token"));
    let refused = authenticate(json!({"token": damaged}));
    Client::connect(&server.url)
        .await
        .refused(401, refused)
        .await;
    client.authenticate(json!({"token": token})).await;
    token.as_str().expect("a token").to_owned()
}

/// Tokens of every kind, good and bad.
struct Tokens {
    ana: String,
    bob: String,
    bad: Vec<String>,
}

impl Tokens {
    fn new() -> Self {
        let later = now() + 1_000;
        let ana = signed("ana", later, KEY);
        let ill_typed = json!({"username": {"claim": 1}, "exp": later});
        let bad = vec![
            signed("ana", later, "another-key-of-the-same-length-000000"),
            signed("ana", now() - 1_000, KEY),
            token_as_is(&ill_typed, KEY.as_bytes()),
            ana[..ana.len() - 4].to_owned(),
            "no-token-at-all-canary".to_owned(),
        ];
        Self {
            bob: signed("bob", later, KEY),
            ana,
            bad,
        }
    }

    /// Each token whole, and its signature by itself.
    fn forbidden(&self) -> impl Iterator<Item = &str> {
        let all = [&self.ana, &self.bob].into_iter().chain(&self.bad);
        all.flat_map(|token| [token, token.rsplit('.').next().expect("a part")])
    }
}

/// Sends a request and takes everything that results from it.
async fn ask(client: &mut Client, heard: &mut Vec<Value>, request: Value) {
    client.send(request).await;
    heard.extend(client.rest().await);
}

/// One request of each kind, good and bad; returns all answers.
async fn session(server: &Talkative, tokens: &Tokens) -> Vec<Value> {
    let mut heard = Vec::new();
    let mut ana = Client::connect(&server.url).await;
    for token in &tokens.bad {
        let data = json!({"token": token, "file": file_section("ana", "demo")});
        ask(&mut ana, &mut heard, authenticate(data)).await;
        let mut section = file_section("ana", "demo");
        section["token"] = json!(token);
        ask(&mut ana, &mut heard, file("auth", section)).await;
    }
    let token = &tokens.ana;
    let data = json!({"token": token, "file": file_section("ana", "demo"),
        "chat": chat_section("ana", "ana/demo")});
    ask(&mut ana, &mut heard, authenticate(data)).await;
    let mut bob = Client::connect(&server.url).await;
    let data = json!({"token": tokens.bob, "chat": chat_section("bob", "ana/demo"),
        "pullrequest": pull_request_section("bob", "ana", "demo")});
    ask(&mut bob, &mut heard, authenticate(data)).await;

    for request in [
        post("a", FILE),
        post("/d/\u{202e}b", FILE),
        post_part("p", PART, 1, 2),
        post_part("p", PART, 2, 2),
        post_part("left", PART, 1, 2),
        post("d", REFUSED),
        post("a/below", REFUSED),
        post("long", REFUSED.repeat(100)),
        post("../a", REFUSED),
        post(FORGED_NAME, REFUSED),
        file(
            "post",
            json!({"name": "a", "content": format!("{REFUSED}***")}),
        ),
        get("a"),
        get(FORGED_NAME),
        get_all(),
        list_all(),
        say(CHAT),
        say(&CHAT.repeat(1_000)),
        chat("history", json!({})),
        chat("mute", json!({"username": BACKWARDS, "seconds": 60})),
        chat("ban", json!({"username": FORGED_NAME})),
        chat("announce", json!({"message": CHAT})),
        chat("delete", json!({"id": 1})),
        delete("p"),
    ] {
        ask(&mut ana, &mut heard, request).await;
    }
    for request in [
        say(CHAT),
        post("a", REFUSED),
        pull_request(
            "creation",
            json!({"title": TITLE, "description": DESCRIPTION}),
        ),
        post("fix", FILE),
        finish(),
        pull_request(
            "creation",
            json!({"title": TITLE.repeat(100), "description": ""}),
        ),
        json!({"type": GARBAGE, "subtype": GARBAGE, "data": {"token": token}}),
        json!({"type": "file", "subtype": "get", "data": {"username": GARBAGE, "project": "x"}}),
        json!({"type": "file", "subtype": "post", "ref": [token], "data": {"name": GARBAGE}}),
    ] {
        ask(&mut bob, &mut heard, request).await;
    }
    // Messages that break off or are invalid.
    let half = format!(r#"{{"type":"authenticate","data":{{"token":"{token}","#);
    bob.send_text(&half).await;
    bob.send_text(GARBAGE).await;
    bob.send_binary([GARBAGE.as_bytes(), b"\xff"].concat())
        .await;
    heard.extend(bob.rest().await);
    heard.extend(ana.rest().await);
    come_and_go(server, &mut heard).await;
    broken_disk(server, &mut ana, &mut heard).await;
    broken_wire(server).await;
    heard
}

/// The disk fails under the server.
async fn broken_disk(server: &Talkative, ana: &mut Client, heard: &mut Vec<Value>) {
    let (base, aside) = (server.base().join("base"), server.base().join("aside"));
    std::fs::rename(&base, &aside).expect("moved");
    std::fs::remove_dir_all(&aside).expect("removed");
    for request in [
        post("a", FILE),
        get("a"),
        get_all(),
        list_all(),
        delete("a"),
    ] {
        ask(ana, heard, request).await;
    }
}

/// A message that is too long, which ends its connection.
async fn broken_wire(server: &Talkative) {
    let mut client = Client::connect(&server.url).await;
    client.send_text(&GARBAGE.repeat(200_000)).await;
    assert_eq!(client.closed().await, 1_009);
}

#[tokio::test]
async fn no_log_holds_a_token_a_key_or_what_users_wrote() {
    for format in ["text", "json"] {
        let tokens = Tokens::new();
        let server = Talkative::start(format);
        let guest = guest(&server, &tokens.ana).await;
        let answers = session(&server, &tokens).await;
        let folder = server.base().display().to_string();
        let (printed, log) = server.said();

        assert!(log.contains("a connection has come"), "{format}: {log}");
        assert!(log.contains("refused a token"), "{format}: {log}");
        assert!(log.contains("could not "), "the disk failed: {log}");
        assert!(log.contains("u{202e}own"), "it was deleted: {log}");
        assert!(log.contains("a moderator has acted"), "{format}: {log}");
        let mut forbidden: Vec<String> = tokens.forbidden().map(str::to_owned).collect();
        forbidden.extend(guest.rsplitn(2, '.').map(str::to_owned));
        forbidden.push(KEY.to_owned());
        forbidden.push(base64(KEY));
        for text in [FILE, PART, REFUSED, CHAT, TITLE, DESCRIPTION, GARBAGE] {
            let canary = text.lines().next().expect("a line");
            forbidden.push(canary.trim_end_matches("\u{1b}[31m").to_owned());
            // The last group of base64 depends on what follows.
            forbidden.push(base64(text)[..20].to_owned());
        }
        forbidden.push("forged".to_owned());
        for said in [&printed, &log] {
            for text in &forbidden {
                assert!(!said.contains(text), "{format}: {text} is in\n{said}");
            }
            let is_plain = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
            assert!(said.chars().all(is_plain), "{format}: {said:?}");
        }
        for line in log.lines() {
            let starts = if format == "json" {
                "{\"timestamp\""
            } else {
                "20"
            };
            assert!(line.starts_with(starts), "no line of ours: {line}");
        }
        for answer in answers {
            let answer = answer.to_string();
            assert!(!answer.contains(&folder), "{answer}");
            assert!(!answer.contains(KEY), "{answer}");
            for token in tokens.forbidden() {
                assert!(!answer.contains(token), "{answer}");
            }
        }
    }
}
