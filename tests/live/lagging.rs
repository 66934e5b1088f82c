//! A connection that reads slowly, and what must not wait for it: the end of its right, its own
//! answers, pings, closes and shutdown (sections 1, 3, 4 and 5).

use std::time::{Duration, Instant};

use crate::support::*;
use serde_json::{Value, json};

const FILES: usize = 150;

/// Enough that most of it waits at the server for a client that reads nothing.
fn content(round: usize) -> Vec<u8> {
    let mut content = noise(60_000);
    content[..8].copy_from_slice(&round.to_be_bytes());
    content
}

async fn fill(client: &mut Client, round: usize) {
    for number in 0..FILES {
        let name = format!("f{number:03}");
        client.ok(post(&name, content(round))).await;
    }
}

/// Waits until the project's status, as its streamer sees it, shows this many viewers.
async fn until_viewers(client: &mut Client, count: u64) {
    loop {
        let status = client.ok(file("status", project())).await;
        if status["viewers"] == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_members(client: &mut Client, names: Value) {
    while client.ok(chat("members", json!({}))).await != names {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn expiring(name: &str, seconds: u64) -> String {
    let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
        "room": "r", "exp": now() + seconds});
    token(claims)
}

/// All messages up to the file of that name. Whatever waited when it was posted comes before it.
async fn until_file(client: &mut Client, name: &str) -> Vec<Value> {
    until(client, |message| message["data"]["name"] == name).await
}

/// All messages up to and including the first one that matches.
async fn until(client: &mut Client, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut messages = Vec::new();
    loop {
        messages.push(client.next().await);
        if messages.last().is_some_and(&is_last) {
            return messages;
        }
    }
}

fn names(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .filter(|message| message["type"] == "fileGet")
        .filter_map(|message| message["data"]["name"].as_str())
        .collect()
}

/// All messages from the first of that kind on.
fn from_on<'a>(messages: &'a [Value], kind: &str) -> &'a [Value] {
    let index = messages.iter().position(|message| message["type"] == kind);
    &messages[index.unwrap_or_else(|| panic!("no {kind} among {}", messages.len()))..]
}

/// Asserts that at most the file that had begun arrived, and nothing that was posted later.
fn assert_only_the_begun(messages: &[Value], secret: &[u8]) {
    let mut later = names(messages);
    later.dedup();
    later.retain(|name| *name != "/last");
    assert!(later.len() <= 1, "{later:?}");
    let secret = base64(secret);
    assert!(
        messages
            .iter()
            .all(|message| message["data"]["content"] != *secret)
    );
}

/// Asserts that nothing arrives that waited for `bob` or was posted before bob watches again.
async fn assert_nothing_waits(ana: &mut Client, bob: &mut Client) {
    ana.ok(post("f149", "secret")).await;
    bob.send(file("watch", project())).await;
    until_viewers(ana, 1).await;
    ana.ok(post("last", "")).await;
    assert_only_the_begun(&until_file(bob, "/last").await, b"secret");
}

#[tokio::test]
async fn what_waits_for_a_viewer_is_withdrawn_when_their_token_expires() {
    let server = Server::with(&["--public-read", "false"]);
    let mut ana = server.streamer().await;
    let mut bob = Client::narrow(&server.url()).await;
    bob.authenticate(json!({"token": expiring("bob", 4),
        "pullrequest": pull_request_section("bob", "ana", "demo")}))
        .await;
    until_viewers(&mut ana, 1).await;
    fill(&mut ana, 1).await;
    until_viewers(&mut ana, 0).await;
    ana.ok(post("f149", "secret")).await;
    let fresh = json!({"token": expiring("bob", 1_000),
        "pullrequest": pull_request_section("bob", "ana", "demo")});
    bob.send(authenticate(fresh)).await;
    let mut messages = until(&mut bob, |message| message["type"] == "authentication").await;
    ana.ok(post("last", "")).await;
    messages.extend(until_file(&mut bob, "/last").await);
    assert_only_the_begun(from_on(&messages, "badAuthError"), b"secret");
    assert!(names(&messages).len() < FILES, "nothing had to wait");
}

#[tokio::test]
async fn what_waits_for_a_viewer_is_withdrawn_by_unwatch() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    let mut bob = Client::narrow(&server.url()).await;
    bob.ok(file("watch", project())).await;
    fill(&mut ana, 1).await;
    bob.send(file("unwatch", project())).await;
    bob.until("fileUnwatch").await;
    assert_nothing_waits(&mut ana, &mut bob).await;
}

#[tokio::test]
async fn what_waits_for_a_viewer_is_withdrawn_when_they_fail_to_authenticate() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = Client::narrow(&server.url()).await;
    bob.authenticate(viewer("bob", "ana", "demo")).await;
    fill(&mut ana, 1).await;
    bob.send(authenticate(json!({"token": "wrong"}))).await;
    bob.until("badAuthError").await;
    assert_nothing_waits(&mut ana, &mut bob).await;
}

#[tokio::test]
async fn a_token_expires_while_a_get_waits_for_its_reader() {
    let server = Server::with(&["--public-read", "false"]);
    let mut ana = server.connect().await;
    ana.authenticate(json!({"token": expiring("ana", 1_000),
        "file": file_section("ana", "demo"), "chat": chat_section("ana", "r")}))
        .await;
    fill(&mut ana, 1).await;
    let mut bob = Client::narrow(&server.url()).await;
    bob.authenticate(
        json!({"token": expiring("bob", 2), "chat": chat_section("bob", "r"),
        "pullrequest": pull_request_section("bob", "ana", "demo")}),
    )
    .await;
    bob.send(with_ref(get_all(), "all")).await;
    until_members(&mut ana, json!(["ana", "bob"])).await;
    until_members(&mut ana, json!(["ana"])).await;
    ana.ok(say("bob does not hear this")).await;
    ana.ok(post("f149", "secret")).await;
    bob.send(list_all()).await;
    let messages = bob.rest().await;
    let told = from_on(&messages, "badAuthError");
    assert_eq!(told[0].get("ref"), None, "the viewer is told first");
    let refused: Vec<_> = told[1..]
        .iter()
        .filter(|message| message["code"] != 200)
        .collect();
    assert_eq!(
        refused.len(),
        2,
        "then the get ends, and the list is refused"
    );
    assert_eq!(
        (&refused[0]["code"], &refused[0]["ref"]),
        (&json!(401), &json!("all"))
    );
    assert_eq!(refused[1]["code"], 401);
    assert_only_the_begun(told, b"secret");
    assert!(
        messages
            .iter()
            .all(|message| message["type"] != "chatMessage")
    );
}

#[tokio::test]
async fn a_streamer_is_told_nothing_older_than_their_own_latest_post_or_delete() {
    let server = Server::with(&["--part-bytes", "49152"]);
    let mut other = server.streamer().await;
    other.ok(post("x", "old")).await;
    other.ok(post("y", "old")).await;
    let mut lagging = Client::narrow(&server.url()).await;
    lagging.authenticate(streamer("ana", "demo")).await;
    fill(&mut other, 1).await;
    other.ok(delete("x")).await;
    other.ok(post("y", "newer")).await;
    lagging.send(post("x", "newest")).await;
    lagging.send(delete("y")).await;
    let mut messages = until(&mut lagging, |message| message["type"] == "fileDelete").await;
    other.until("fileDeleted").await;
    other.ok(post("last", "")).await;
    messages.extend(until_file(&mut lagging, "/last").await);
    let of_x = |message: &&Value| {
        let data = &message["data"];
        ["x", "/x", "y", "/y"]
            .iter()
            .any(|name| data["file"] == *name || data["name"] == *name)
    };
    let mut told: Vec<_> = messages
        .iter()
        .filter(of_x)
        .map(|message| &message["type"])
        .collect();
    told.sort_by_key(|kind| kind.as_str());
    assert_eq!(told, ["fileDelete", "filePost"], "only their own answers");
    assert_eq!(
        names(&messages).len(),
        2 * FILES + 1,
        "of the others both parts"
    );
}

#[tokio::test]
async fn pings_are_answered_while_an_authenticate_waits_behind_a_get() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    fill(&mut ana, 1).await;
    let mut raw = Raw::narrow(&server).await;
    let requests = [get_all(), authenticate(viewer("bob", "ana", "demo"))];
    let requests = requests.map(|request| text_frame(&request)).concat();
    raw.send([requests, masked(0x89, b"ping")].concat()).await;
    let mut parts = 0;
    while let Some((first, _)) = raw.frame().await {
        if first == 0x8A {
            break;
        }
        parts += 1;
    }
    assert!(parts < FILES, "the pong came after {parts} messages");
}

#[tokio::test]
async fn a_message_that_only_an_authenticate_before_it_allows_waits_for_it() {
    let flags = ["--max-unauthenticated-message-bytes", "2000"];
    let server = Server::with(&flags);
    let mut client = server.connect().await;
    client.send(authenticate(streamer("ana", "demo"))).await;
    client.send(post("big", noise(100_000))).await;
    client.until("authentication").await;
    client.expect("filePost").await;
    client.send(authenticate(json!({"token": "wrong"}))).await;
    client.expect("badAuthError").await;
    client.send(post("big", noise(100_000))).await;
    assert_eq!(client.closed().await, 1_009);
    let mut unauthenticated = server.connect().await;
    unauthenticated
        .send(authenticate(json!({"token": "wrong"})))
        .await;
    unauthenticated.send(post("big", noise(100_000))).await;
    unauthenticated.expect("badAuthError").await;
    assert_eq!(unauthenticated.closed().await, 1_009);
}

#[tokio::test]
async fn a_close_does_not_wait_behind_a_get() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    fill(&mut ana, 1).await;
    until_viewers(&mut ana, 0).await;
    let mut raw = Raw::narrow(&server).await;
    let requests = [
        authenticate(viewer("bob", "ana", "demo")),
        get_all(),
        creation(),
    ];
    let requests = requests.map(|request| text_frame(&request)).concat();
    raw.send(&requests).await;
    until_viewers(&mut ana, 1).await;
    raw.send(masked(0x88, 1_000_u16.to_be_bytes())).await;
    // The close takes effect although the client reads nothing.
    let began = Instant::now();
    until_viewers(&mut ana, 0).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "it was waited for"
    );
    let mut messages = 0;
    let code = loop {
        let (first, payload) = raw.frame().await.expect("a close before the end");
        if first == 0x88 {
            break payload;
        }
        messages += 1;
    };
    assert_eq!(code, 1_000_u16.to_be_bytes());
    assert!(messages < FILES, "{messages} came before it");
}

#[tokio::test]
async fn a_shutdown_tells_also_a_client_whose_get_is_under_way() {
    let mut server = Server::with(&["--drain-seconds", "4"]);
    let mut ana = server.streamer().await;
    fill(&mut ana, 1).await;
    let mut raw = Raw::narrow(&server).await;
    raw.send(text_frame(&get_all()).repeat(50)).await;
    raw.message().await;
    server.signal();
    assert_eq!(ana.closed().await, 1_001);
    let code = loop {
        let (first, payload) = raw.frame().await.expect("a close before the end");
        if first == 0x88 {
            break payload;
        }
        // Reads more slowly than the server could send.
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(code[..2], 1_001_u16.to_be_bytes());
    assert!(server.stop());
}
