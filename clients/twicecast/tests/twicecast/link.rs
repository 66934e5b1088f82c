//! Links to a project's page, as `twicecast link` and `share --local` print them.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::pty::Terminal;
use crate::real::{RealServer, Share};
use crate::support::{
    FakeServer, Faults, Said, claims, command, files, token_of, twicecast, write,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/hello", b"world")]));
    dir
}

/// A person with a connection that is not authenticated at first.
struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Browser {
    async fn at(link: &str) -> Self {
        let origin = link.split('/').take(3).collect::<Vec<_>>().join("/");
        let (socket, _) = connect_async(origin.replace("http", "ws")).await.unwrap();
        Self { socket }
    }

    /// The data of the answer, or the code of the error.
    async fn ask(&mut self, request: Value) -> Result<Value, u64> {
        let request = Message::text(request.to_string());
        self.socket.send(request).await.unwrap();
        let answer = timeout(PATIENCE, self.socket.next()).await.unwrap();
        let answer = answer.unwrap().unwrap().into_text().unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        match answer["code"].as_u64().unwrap() {
            200 => Ok(answer["data"].take()),
            code => Err(code),
        }
    }

    async fn show(&mut self, token: &str) -> Result<Value, u64> {
        self.ask(json!({"type": "authenticate", "data": {"token": token}}))
            .await
    }

    async fn status(&mut self) -> Result<Value, u64> {
        let whose = json!({"username": "ana", "project": "demo"});
        self.ask(json!({"type": "file", "subtype": "status", "data": whose}))
            .await
    }

    async fn enter(&mut self) -> Result<Value, u64> {
        let data = json!({"name": "bob", "streamer": "ana", "project": "demo"});
        self.ask(json!({"type": "guest", "subtype": "enter", "data": data}))
            .await
    }
}

/// The answer that a browser gets for a page.
async fn page(port: u16, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn token(link: &str) -> &str {
    link.split_once("#token=").expect("a token").1
}

fn port(link: &str) -> u16 {
    let host = link.split('/').nth(2).unwrap();
    host.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Runs `twicecast link` in a folder.
async fn link_in(dir: &Path, more: &[&str]) -> Said {
    let mut command = command(&[&["link"], more].concat());
    let output = command.current_dir(dir).output().await.unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn link_to(server: &str, more: &[&str]) -> Said {
    let words = ["link", "--url", server, "--streamer", "ana"];
    twicecast(&[&words[..], &["--project", "demo"], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_link_of_a_local_share_reads_and_chats_under_a_name_of_their_own() {
    let dir = folder();
    let mut share = Share::local(dir.path(), &[]);
    let told = share.until("link").await;
    share.until("synced").await;
    let link = told["link"].as_str().unwrap();
    let claims = claims(token(link));
    assert_eq!(claims["rights"], json!(["read"]));
    assert_eq!(claims["username"], "viewer");
    assert_eq!(claims["exp"], told["until"]);
    assert!(link.starts_with("http://127.0.0.1:") && link.contains("/ana/demo#token="));

    let opened = page(port(link), "127.0.0.1", "/ana/demo").await;
    assert!(
        opened.starts_with("HTTP/1.1 200") && opened.contains("text/html"),
        "{opened}"
    );

    let mut browser = Browser::at(link).await;
    assert_eq!(browser.status().await, Err(401), "not without the token");
    assert_eq!(browser.enter().await, Err(401));
    browser.show(token(link)).await.unwrap();
    let status = browser.status().await.unwrap();
    assert_eq!(
        (&status["files"], &status["guests"]),
        (&json!(1), &json!("chat"))
    );
    let you = &status["you"];
    assert_eq!(
        (&you["listen"], &you["chat"]),
        (&json!(true), &json!(false))
    );
    let pass = browser.enter().await.unwrap();
    assert_eq!(pass["rights"], json!(["read", "chat"]));
    browser.show(pass["token"].as_str().unwrap()).await.unwrap();
    assert_eq!(browser.status().await.unwrap()["you"]["chat"], true);
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_may_be_let_do_less_or_more() {
    for (what, rights) in [
        ("read", Err(401)),
        ("propose", Ok(json!(["read", "chat", "propose"]))),
    ] {
        let dir = folder();
        let mut share = Share::local(dir.path(), &["--viewers", what, "--public"]);
        let told = share.until("link").await;
        share.until("synced").await;
        let link = told["link"].as_str().unwrap();
        assert!(
            link.ends_with("/ana/demo"),
            "no token where all may read: {link}"
        );
        let mut browser = Browser::at(link).await;
        let pass = browser.enter().await;
        assert_eq!(pass.map(|pass| pass["rights"].clone()), rights, "{what}");
        let you = &browser.status().await.unwrap()["you"];
        assert_eq!(you["listen"], json!(what != "read"), "{what}");
        assert_eq!(share.stop().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_folder_of_a_local_share_the_link_is_the_same_and_ones_own_only_where_asked_for() {
    let dir = folder();
    let mut share = Share::local(dir.path(), &["--public-url", "https://live.example"]);
    let told = share.until("link").await;
    let invitation = share.until("invitation").await;
    share.until("synced").await;
    let theirs = told["link"].as_str().unwrap();
    assert!(theirs.starts_with("https://live.example/ana/demo#token="));
    let mirror = invitation["command"].as_str().unwrap();
    assert!(mirror.ends_with("--url wss://live.example"), "{mirror}");
    let said = link_in(dir.path(), &[]).await;
    assert_eq!((said.code, said.out.trim()), (0, theirs), "{said:?}");

    let said = link_in(dir.path(), &["--own"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let own = said.out.trim();
    assert!(own.starts_with("https://live.example/ana/demo#token="));
    assert_eq!(
        said.out.lines().count(),
        1,
        "no code of it unless asked for"
    );
    let claims = claims(token(own));
    assert_eq!(
        (&claims["username"], &claims["rights"]),
        (&json!("ana"), &Value::Null)
    );
    assert_eq!(share.stop().await, 0);
    let gone = link_in(dir.path(), &["--own"]).await;
    assert_ne!(gone.code, 0, "it ends with the share: {gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_tunnel_the_server_answers_under_its_public_name_and_no_other() {
    // A port that was free a moment ago; there is no other way to choose one.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let dir = folder();
    let number = port.to_string();
    let more = ["--public-url", "https://live.example/", "--port", &number];
    let mut share = Share::local(dir.path(), &more);
    share.until("synced").await;
    for (host, is_answered) in [
        ("live.example", true),
        ("127.0.0.1", true),
        ("rebound.example", false),
    ] {
        let answer = page(port, host, "/").await;
        let is_refused = answer.starts_with("HTTP/1.1 403");
        assert_eq!(is_refused, !is_answered, "{host}: {answer}");
    }
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_address_the_link_names_it_and_the_share_works_there() {
    let dir = folder();
    let mut share = Share::local(dir.path(), &["--host", "127.0.0.2"]);
    let told = share.until("link").await;
    share.until("synced").await;
    let link = told["link"].as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.2:"), "{link}");
    let mut browser = Browser::at(link).await;
    browser.show(token(link)).await.unwrap();
    browser.status().await.unwrap();
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_that_others_run_a_link_holds_a_token_only_where_reading_needs_one() {
    let server = RealServer::start().await;
    let dir = folder();
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share.until("synced").await;
    let page = format!("http://127.0.0.1:{}/ana/demo", server.port);
    for more in [&[][..], &["--key", "secret"], &["--token", "t"]] {
        let said = link_to(&server.url(), more).await;
        assert_eq!((said.code, said.out.trim()), (0, &*page), "{said:?}");
    }
    let said = link_in(dir.path(), &[]).await;
    assert_eq!(
        (said.code, said.out.trim()),
        (0, &*page),
        "the folder knows: {said:?}"
    );
    let odd = [
        "link",
        "--url",
        &server.url(),
        "--streamer",
        "ana",
        "--project",
        "C/C++ 100%",
    ];
    let said = twicecast(&odd).await;
    assert!(
        said.out.trim().ends_with("/ana/C%2FC%2B%2B%20100%25"),
        "{said:?}"
    );
    assert!(said.err.contains("has no ana/C/C++ 100% yet"), "{said:?}");
    assert_eq!(share.stop().await, 0);

    let private = RealServer::with(&["--public-read", "false"]).await;
    let mut share = Share::start(&private.url(), dir.path(), &["--yes"]);
    share.until("synced").await;
    let said = link_to(&private.url(), &["--key", "secret", "--hours", "2"]).await;
    let link = said.out.trim();
    let reader = claims(token(link));
    assert_eq!(
        (&reader["username"], &reader["rights"]),
        (&json!("viewer"), &json!(["read"]))
    );
    let mut browser = Browser::at(link).await;
    browser.show(token(link)).await.unwrap();
    browser.status().await.unwrap();

    let ana = token_of("ana").await;
    let said = link_to(&private.url(), &["--token", &ana]).await;
    assert_eq!((said.code, &*said.out), (3, ""), "{said:?}");
    assert!(said.err.contains("--own prints your own link"), "{said:?}");
    for own in [
        &["--token", &ana][..],
        &["--key", "secret", "--user", "ana"],
    ] {
        let said = link_to(&private.url(), &[own, &["--own"]].concat()).await;
        let claims = claims(token(said.out.trim()));
        assert_eq!(
            (&claims["username"], &claims["rights"]),
            (&json!("ana"), &Value::Null)
        );
    }
    let said = link_to(&private.url(), &["--own"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(share.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_share_says_first_is_the_link_and_with_qr_its_code() {
    let dir = folder();
    let words = [
        "share",
        dir.path().to_str().unwrap(),
        "--local",
        "--user",
        "ana",
    ];
    let more = ["--project", "demo", "--qr", "--color", "never"];
    let mut terminal = Terminal::run(command(&[&words[..], &more].concat()));
    let said = terminal.until("Ctrl-C stops").await;
    let mut lines = said.lines().map(str::trim_end);
    let first = lines.find(|line| !line.is_empty()).unwrap();
    assert!(first.starts_with("http://127.0.0.1:"), "{first}");
    for part in ["\u{2580}", "read, and chat", "only this computer"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    terminal.press("q");
    assert_eq!(terminal.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_terminal_a_link_comes_with_its_code_and_ones_own_with_a_warning() {
    const BLOCK: char = '\u{2580}';
    let server = RealServer::with(&["--public-read", "false"]).await;
    let url = server.url();
    let words = [
        "link",
        "--url",
        &url,
        "--streamer",
        "ana",
        "--project",
        "demo",
    ];
    for (more, last, has_code) in [
        (&[][..], "It opens the project until", true),
        (&["--no-qr"], "It opens the project until", false),
        (&["--own"], "Anyone who has this link is you", false),
        (&["--own", "--qr"], "Anyone who has this link is you", true),
    ] {
        let user = ["--key", "secret", "--user", "ana"];
        let mut terminal = Terminal::run(command(&[&words[..], &user, more].concat()));
        let said = terminal.until(last).await;
        assert!(said.contains("/ana/demo#token="), "{said}");
        assert_eq!(said.contains(BLOCK), has_code, "{more:?}: {said}");
        assert_eq!(terminal.code().await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_of_a_local_share_that_make_no_sense_are_named_with_what_would() {
    let dir = folder();
    let at = dir.path().to_str().unwrap();
    let local = |more: &[&'static str]| [&["share", at, "--local"][..], more].concat();
    for (words, said) in [
        (
            vec!["share", at, "--viewers", "chat", "--key", "k"],
            "--local",
        ),
        (vec!["share", at, "--qr", "--key", "k"], "--local"),
        (local(&["--viewers", "write"]), "propose"),
        (local(&["--host", "0.0.0.0"]), "that viewers can use"),
        (local(&["--host", "192.0.2.1"]), "does not have"),
        (local(&["--host", "example.org"]), "IP address"),
        (
            local(&["--public-url", "live.example"]),
            "https://code.example.org",
        ),
        (
            local(&["--public-url", "https://a.example/x"]),
            "https://code.example.org",
        ),
        (local(&["--qr", "--json"]), "--json"),
        (local(&["--port", "70000"]), "70000"),
    ] {
        let result = twicecast(&words).await;
        assert_eq!(result.code, 2, "{words:?}: {result:?}");
        assert!(result.err.contains(said), "{words:?}: {result:?}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let result = twicecast(&["share", at, "--local", "--port", &port]).await;
    assert_eq!(result.code, 2, "{result:?}");
    assert!(result.err.contains("cannot start"), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_and_a_streamer_without_a_page_have_no_link() {
    let nobody = link_to("ws://127.0.0.1:9", &[]).await;
    assert_eq!((nobody.code, &*nobody.out), (3, ""), "{nobody:?}");
    let server = FakeServer::start(files(&[]), Faults::default()).await;
    let dash = [
        "link",
        "--url",
        &server.url,
        "--streamer",
        "-",
        "--project",
        "demo",
    ];
    let dash = twicecast(&dash).await;
    assert_eq!(dash.code, 2, "{dash:?}");
}
