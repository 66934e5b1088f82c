//! `twicecast doctor`: one problem at a time, with its sentence and exit code.

use std::path::Path;

use serde_json::{Value, json};

use crate::real::RealServer;
use crate::room::Room;
use crate::support::{Said, command, twicecast};

/// A folder with nothing wrong in it.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.rs"), "fn main() {}").unwrap();
    dir
}

async fn doctor(dir: &Path, flags: &[&str]) -> Said {
    twicecast(&[&["doctor", dir.to_str().unwrap()], flags].concat()).await
}

/// The severity and the sentence of a finding.
fn finding(said: &Said, name: &str) -> (String, String) {
    let mut lines = said.out.lines().filter_map(|line| {
        let (head, says) = line.split_once(": ")?;
        let (severity, found) = head.split_once(' ')?;
        (found.trim() == name).then(|| (severity.to_owned(), says.to_owned()))
    });
    lines
        .next()
        .unwrap_or_else(|| panic!("no {name}: {said:?}"))
}

fn has(said: &Said, severity: &str, code: i32, name: &str) -> String {
    let (found, says) = finding(said, name);
    assert_eq!((said.code, found.as_str()), (code, severity), "{said:?}");
    says
}

async fn token(user: &str, flags: &[&str]) -> String {
    let words = ["token", "--user", user, "--project", "demo", "--key", "k"];
    let said = twicecast(&[&words, flags].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out.trim().to_owned()
}

/// With the token in a variable, which others cannot see.
async fn with_token(dir: &Path, token: &str, flags: &[&str]) -> Said {
    let words = [&["doctor", dir.to_str().unwrap()], flags].concat();
    let output = command(&words).env("TWICECAST_TOKEN", token).output().await;
    let output = output.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(!out.contains(token), "{out}");
    Said {
        code: output.status.code().unwrap(),
        out,
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn room() -> Room {
    let room = Room::open().await;
    room.with(|inside| {
        inside.version = Some(env!("CARGO_PKG_VERSION"));
        inside.status = Some(json!({
            "streamer": false, "viewers": 3, "files": 12, "bytes": 2_048, "maxBytes": 1 << 30
        }));
    });
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_it_says_so_and_the_server_is_left_as_it_was() {
    let (server, dir) = (RealServer::start().await, folder());
    let flags = ["--url", &server.url(), "--user", "ana", "--key", "secret"];
    let said = doctor(dir.path(), &flags).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.ends_with("0 errors, 0 warnings\n"), "{said:?}");
    let says = finding(&said, "project").1;
    assert!(says.contains("sharing makes it"), "{said:?}");
    let made: Vec<_> = std::fs::read_dir(server.base.path()).unwrap().collect();
    assert_eq!(made.len(), 1, "no user, no project: {made:?}");
    let said = doctor(dir.path(), &[&flags[..], &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &report["worst"]), (0, &json!("ok")), "{said:?}");
    assert_eq!(report["findings"][0]["name"], "rules");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_and_nothing_is_kept() {
    let (room, dir, state) = (room().await, folder(), tempfile::tempdir().unwrap());
    let token = token("ana", &[]).await;
    let words = ["doctor", dir.path().to_str().unwrap(), "--url", &room.url];
    let mut command = command(&words);
    command.env("TWICECAST_TOKEN", &token);
    command.env("XDG_STATE_HOME", state.path());
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(room.log(), ["authenticate", "file/status"]);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_an_error() {
    let dir = folder();
    let flags = [
        "--url",
        "ws://127.0.0.1:1",
        "--user",
        "ana",
        "--key",
        "secret",
    ];
    let said = doctor(dir.path(), &flags).await;
    let says = has(&said, "error", 2, "server-unreachable");
    assert!(says.contains("is the server running?"), "{said:?}");
    let tls = [
        "--url",
        "wss://127.0.0.1:1",
        "--user",
        "ana",
        "--key",
        "secret",
    ];
    has(
        &doctor(dir.path(), &tls).await,
        "error",
        2,
        "server-unreachable",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_told_beside_what_the_folder_says() {
    let said = doctor(folder().path(), &["--url", "localhost"]).await;
    let says = has(&said, "error", 2, "command-line");
    assert!(says.contains("ws://HOST:PORT"), "{said:?}");
    assert_eq!(finding(&said, "rules").0, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_token_is_told_and_the_token_is_not() {
    let (room, dir) = (room().await, folder());
    let url = ["--url", room.url.as_str()];
    let of_ana = token("ana", &[]).await;
    let said = with_token(dir.path(), "nonsense", &url).await;
    has(&said, "error", 2, "token-unreadable");
    let said = with_token(
        dir.path(),
        &of_ana,
        &[&url[..], &["--user", "bob"]].concat(),
    )
    .await;
    let says = has(&said, "error", 2, "token-of-another");
    assert!(says.contains("ana's") && says.contains("bob"), "{says}");
    let project = [&url[..], &["--project", "other"]].concat();
    let said = with_token(dir.path(), &of_ana, &project).await;
    has(&said, "error", 2, "token-of-another-project");
    let limited = token("ana", &["--rights", "read,chat"]).await;
    let said = with_token(dir.path(), &limited, &url).await;
    has(&said, "error", 2, "token-limited");
    let viewers = token("bob", &["--streamer", "ana"]).await;
    let said = with_token(dir.path(), &viewers, &url).await;
    has(&said, "error", 2, "token-of-another");
    // Its hour has already started.
    let short = token("ana", &["--hours", "1"]).await;
    let said = with_token(dir.path(), &short, &url).await;
    assert!(
        ["token-ends-soon", "token:"]
            .iter()
            .any(|name| said.out.contains(name))
    );
    let said = doctor(dir.path(), &[&url[..], &["--token", &of_ana]].concat()).await;
    has(&said, "warning", 1, "token-seen");
    assert!(!said.out.contains(&of_ana), "{said:?}");
    let said = doctor(dir.path(), &url).await;
    has(&said, "warning", 1, "token-missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_yesterday_has_ended() {
    let (room, dir) = (room().await, folder());
    // {"username":"ana","streamername":"ana","streamname":"demo","exp":1000000000}
    let ended = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VybmFtZSI6ImFuYSIsInN0cmVhbWVybmFtZSI6ImFuYSIsInN0cmVhb\
                 W5hbWUiOiJkZW1vIiwiZXhwIjoxMDAwMDAwMDAwfQ.AAAA";
    let said = with_token(dir.path(), ended, &["--url", &room.url]).await;
    let says = has(&said, "error", 2, "token-expired");
    assert!(says.contains("2001-09-"), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_take_or_has_otherwise_is_told() {
    let (room, dir) = (room().await, folder());
    let token = token("ana", &[]).await;
    let url = ["--url", room.url.as_str()];
    room.with(|inside| inside.status.as_mut().unwrap()["streamer"] = json!(true));
    let said = with_token(dir.path(), &token, &url).await;
    has(&said, "warning", 1, "sharer-live");
    room.with(|inside| {
        inside.status.as_mut().unwrap()["streamer"] = json!(false);
        inside.status.as_mut().unwrap()["maxBytes"] = json!(3);
        inside.version = Some("7.8.9");
    });
    let said = with_token(dir.path(), &token, &url).await;
    has(&said, "warning", 1, "project-too-large");
    assert!(has(&said, "warning", 1, "server-other-version").contains("7.8.9"));
    room.with(|inside| {
        inside.version = None;
        inside.refuse_authentication = Some((401, "the token is wrong"));
    });
    let said = with_token(dir.path(), &token, &url).await;
    has(&said, "warning", 2, "server-unnamed");
    assert!(has(&said, "error", 2, "token-refused").contains("the token is wrong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_folder_is_told() {
    let (room, dir) = (room().await, folder());
    let flags = [
        "--url",
        &room.url,
        "--user",
        "ana",
        "--key",
        "secret",
        "--project",
        "demo",
    ];
    let said = doctor(&dir.path().join("none"), &flags).await;
    assert!(has(&said, "error", 2, "folder-unusable").contains("There is no folder"));
    has(
        &doctor(&dir.path().join("main.rs"), &flags).await,
        "error",
        2,
        "folder-unusable",
    );
    std::fs::write(dir.path().join(".tcignore"), "main.sr\n").unwrap();
    std::fs::write(dir.path().join(".env"), "PASSWORD=hunter2").unwrap();
    let said = doctor(dir.path(), &flags).await;
    let says = has(&said, "warning", 1, "rule-matches-nothing");
    assert!(says.contains(".tcignore, line 1: main.sr"), "{says}");
    let says = finding(&said, "secrets").1;
    assert!(
        says.contains("1 file held back") && says.contains("twicecast why /.env"),
        "{says}"
    );
    assert!(!said.out.contains("hunter2"), "{said:?}");
    std::fs::create_dir(dir.path().join(".ignore")).unwrap();
    has(
        &doctor(dir.path(), &flags).await,
        "error",
        2,
        "rules-unreadable",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_as_everywhere() {
    let dir = folder();
    let flags = [
        "--url",
        "ws://127.0.0.1:1",
        "--key",
        "secret",
        "--user",
        "ana",
    ];
    let plain = doctor(dir.path(), &flags).await;
    assert!(!plain.out.contains('\u{1b}'), "{plain:?}");
    let coloured = doctor(dir.path(), &[&flags[..], &["--color", "always"]].concat()).await;
    assert!(coloured.out.contains("\u{1b}[31merror"), "{coloured:?}");
}
