//! What the two existing clients send, written anew: both must work unchanged.

use crate::support::*;
use serde::Serialize as _;
use serde_json::ser::PrettyFormatter;
use serde_json::{Value, json};

/// How the desktop client writes: four spaces of indentation and a line feed at the end.
fn indented(message: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    message.serialize(&mut serializer).expect("written");
    out.push(b'\n');
    out
}

/// A file as the desktop client cuts it: 500 characters of base64 per part, and one part too many
/// announced if the length is an exact multiple.
fn desktop_parts(name: &str, content: &[u8]) -> Vec<Vec<u8>> {
    let text = base64(content);
    let announced = text.len() / 500 + 1;
    let mut parts: Vec<_> = text.as_bytes().chunks(500).collect();
    if parts.is_empty() {
        parts.push(b"");
    }
    let message = |(index, part): (usize, &&[u8])| {
        let part = std::str::from_utf8(part).expect("ASCII");
        let data = json!({"name": name, "content": part, "part": index + 1, "maxPart": announced});
        indented(&file("post", data))
    };
    parts.iter().enumerate().map(message).collect()
}

async fn send_desktop(client: &mut Client, name: &str, content: &[u8]) {
    for part in desktop_parts(name, content) {
        client.send_binary(part).await;
    }
}

/// Lengths around multiples of 375 bytes, which make 500 characters of base64.
const LENGTHS: [usize; 21] = [
    0, 1, 373, 374, 375, 376, 748, 749, 750, 751, 1_123, 1_124, 1_125, 1_126, 37_498, 37_499,
    37_500, 37_501, 3, 375, 2,
];

/// The lengths whose announced last part never comes, which nothing in the content shows.
const SILENT: [usize; 4] = [375, 750, 1_125, 37_500];

#[tokio::test]
async fn the_desktop_client_pipelines_files_of_every_length_behind_authenticate() {
    let server = Server::alone();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut desktop = server.connect().await;
    desktop.send(authenticate(streamer("ana", "demo"))).await;
    for (index, bytes) in LENGTHS.into_iter().enumerate() {
        send_desktop(&mut desktop, &format!("/src/{index}"), &noise(bytes)).await;
    }
    desktop.expect("fileAuth").await;
    desktop.expect("authentication").await;
    let mut answered = Vec::new();
    for data in desktop.expect_all("filePost", LENGTHS.len()).await {
        assert_eq!(data["message"], "OK");
        answered.push(data["file"].as_str().expect("a name").to_owned());
    }
    answered.sort_unstable();
    answered.dedup();
    assert_eq!(answered.len(), LENGTHS.len(), "each once");
    for (index, bytes) in LENGTHS.into_iter().enumerate() {
        let stored = std::fs::read(server.project().join(format!("src/{index}")));
        assert!(stored.expect("stored") == noise(bytes), "{bytes} bytes");
    }
    watcher.expect("streamerConnected").await;
    for data in watcher.expect_all("fileGet", LENGTHS.len()).await {
        let name = data["name"].as_str().expect("a name");
        let index: usize = name.trim_start_matches("/src/").parse().expect("a number");
        let content = unbase64(data["content"].as_str().expect("content"));
        assert!(content == noise(LENGTHS[index]), "{name}");
    }
    watcher.quiet().await;
    desktop.quiet().await;
}

#[tokio::test]
async fn a_file_whose_last_part_never_comes_is_whole_after_a_silence() {
    let server = Server::alone();
    let mut desktop = server.streamer().await;
    for bytes in SILENT {
        send_desktop(&mut desktop, "f", &noise(bytes)).await;
        assert_eq!(desktop.expect("filePost").await["file"], "f");
        let stored = std::fs::read(server.project().join("f")).expect("stored");
        assert!(stored == noise(bytes), "{bytes} bytes");
    }
    desktop.quiet().await;
}

#[tokio::test]
async fn a_file_whose_last_part_never_comes_is_whole_at_the_next_message() {
    let server = Server::start();
    let mut desktop = server.streamer().await;
    for (bytes, name) in SILENT.into_iter().zip(["a", "b", "c", "d"]) {
        send_desktop(&mut desktop, name, &noise(bytes)).await;
        desktop.send(get(name)).await;
        desktop.expect("filePost").await;
        assert_eq!(
            desktop.expect("fileGet").await["content"],
            base64(noise(bytes))
        );
    }
    desktop.quiet().await;
}

#[tokio::test]
async fn a_file_whose_last_part_never_comes_is_whole_when_the_client_closes() {
    let server = Server::start();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    for bytes in SILENT {
        let mut desktop = server.connect().await;
        desktop.send(authenticate(streamer("ana", "demo"))).await;
        send_desktop(&mut desktop, "f", &noise(bytes)).await;
        desktop.send_close().await;
        watcher.expect("streamerConnected").await;
        let content = watcher.expect("fileGet").await["content"].take();
        assert!(content == base64(noise(bytes)), "{bytes} bytes");
        watcher.expect("streamerDisconnected").await;
    }
}

#[tokio::test]
async fn a_last_part_that_comes_after_all_completes_the_file_again() {
    let server = Server::alone();
    let mut desktop = server.streamer().await;
    let whole = noise(376);
    send_desktop(&mut desktop, "f", &whole[..375]).await;
    desktop.expect("filePost").await;
    let parts = desktop_parts("f", &whole);
    desktop.send_binary(parts[1].clone()).await;
    desktop.expect("filePost").await;
    assert!(std::fs::read(server.project().join("f")).expect("stored") == whole);
    desktop.quiet().await;
}

#[tokio::test]
async fn the_same_holds_inside_a_draft() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut desktop = server.viewer("bob").await;
    desktop.ok(creation()).await;
    for bytes in LENGTHS {
        send_desktop(&mut desktop, &format!("{bytes}"), &noise(bytes)).await;
    }
    send_desktop(&mut desktop, "last", &noise(375)).await;
    desktop.send(finish()).await;
    desktop.expect_all("filePost", LENGTHS.len() + 1).await;
    desktop.expect("pullRequestFinish").await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    ana.send(pull_request("get", json!({"id": id}))).await;
    for data in ana.expect_all("fileGet", LENGTHS.len()).await {
        let name = data["name"]
            .as_str()
            .expect("a name")
            .trim_start_matches('/');
        let content = noise(name.parse().unwrap_or(375));
        assert!(data["content"] == base64(content), "{name}");
    }
    ana.expect("pullRequestGet").await;
}

#[tokio::test]
async fn other_uploads_wait_for_their_last_part() {
    let server = Server::start();
    let mut client = server.streamer().await;
    for part in desktop_parts("as-text", &noise(750)) {
        client
            .send_text(std::str::from_utf8(&part).expect("JSON"))
            .await;
    }
    let short = file(
        "post",
        json!({"name": "short", "content": base64(noise(300)),
        "part": 1, "maxPart": 2}),
    );
    client.send_binary(indented(&short)).await;
    let mut unordered = desktop_parts("unordered", &noise(750));
    unordered.swap(0, 1);
    for part in unordered {
        client.send_binary(part).await;
    }
    let mut two_missing = desktop_parts("two-missing", &noise(1_125));
    two_missing.pop();
    for part in two_missing {
        client.send_binary(part).await;
    }
    client.quiet().await;
    let listed = client.ok(list_all()).await;
    assert_eq!(listed["files"], json!([]));
}

#[tokio::test]
async fn the_web_viewer_gets_all_and_proposes_a_change_without_waiting() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let content = noise(200_000);
    ana.ok(post("src/big", &content)).await;
    ana.ok(post("small", "small\n")).await;
    let mut web = server.connect().await;
    let mut all = get("/");
    all["data"]["recursively"] = json!(true);
    let claims = json!({"username": "bob", "streamername": "ana", "streamname": "demo",
        "room": 0, "iss": "TwiceCast", "aud": "TwiceCast"});
    let auth = json!({"token": token(claims),
        "pullrequest": pull_request_section("bob", "ana", "demo"),
        "chat": chat_section("bob", "ana/demo")});
    let fix = file(
        "post",
        json!({"name": "/src/fix", "content": base64("fix"), "part": 1,
        "maxPart": 1}),
    );
    let titled = json!({"title": "A fix", "description": "of a fault"});
    web.send_all([
        authenticate(auth),
        all,
        pull_request("creation", titled),
        fix,
        pull_request("finish", json!({})),
    ])
    .await;
    for kind in ["chatAuth", "pullRequestAuth", "authentication"] {
        web.expect(kind).await;
    }
    let small = web.expect("fileGet").await;
    assert_eq!(
        (&small["name"], &small["content"]),
        (&json!("/small"), &json!(base64("small\n")))
    );
    let mut joined = String::new();
    loop {
        let data = web.expect("fileGet").await;
        assert_eq!(data["name"], "/src/big");
        joined += data["content"].as_str().expect("content");
        if data["part"] == data["maxPart"] {
            break;
        }
    }
    assert!(unbase64(&joined) == content);
    web.expect("pullRequestCreation").await;
    assert_eq!(web.expect("filePost").await["file"], "/src/fix");
    assert_eq!(web.expect("pullRequestFinish").await, "OK");
    web.quiet().await;
    let created = ana.expect("pullRequestCreated").await;
    assert_eq!(created["title"], "A fix");
    assert_eq!(created["files"], json!(["/src/fix"]));
}

/// A server for the two old clients.
fn original() -> Server {
    Server::with(&["--compatibility", "original", "--durability", "rename"])
}

#[tokio::test]
async fn the_desktop_client_renames_a_folder_and_no_file_goes() {
    let server = original();
    let mut desktop = server.streamer().await;
    send_desktop(&mut desktop, "/old/a", b"a").await;
    desktop.expect("filePost").await;
    let mut web = server.viewer("bob").await;
    // When it renames a folder, the desktop client deletes the old name and posts nothing under the
    // new one.
    desktop.send_binary(indented(&delete("/old"))).await;
    assert_eq!(desktop.expect("fileDelete").await["file"], "/old");
    send_desktop(&mut desktop, "/b", b"b").await;
    assert_eq!(
        web.expect("fileGet").await["name"],
        "/b",
        "no deletion before it"
    );
    assert_eq!(web.ok(get("/old/a")).await["content"], base64("a"));
}

#[tokio::test]
async fn what_the_desktop_client_deleted_while_it_was_away_is_gone_when_it_is_back() {
    let server = original();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut desktop = server.streamer().await;
    for name in ["/stays", "/goes"] {
        send_desktop(&mut desktop, name, b"as it was").await;
        watcher.until("fileGet").await;
    }
    desktop.send_close().await;
    watcher.expect("streamerDisconnected").await;
    watcher.expect_all("fileDeleted", 2).await;
    // The desktop client sends the files it has, and never says which it no longer has.
    let mut desktop = server.streamer().await;
    send_desktop(&mut desktop, "/stays", b"as it was").await;
    watcher.until("fileGet").await;
    let listed = watcher.ok(list_all()).await;
    assert_eq!(listed["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["files"][0]["name"], "/stays");
}

#[tokio::test]
async fn a_file_that_grows_over_the_boundary_of_a_part_arrives_whole_and_of_one_part_for_the_web_viewer()
 {
    for (server, part_bytes) in [(Server::start(), 196_608), (original(), 3_145_728)] {
        let mut ana = server.streamer().await;
        let mut web = server.viewer("bob").await;
        for (bytes, parts) in [
            (0, 1),
            (part_bytes - 1, 1),
            (part_bytes, 1),
            (part_bytes + 1, 2),
            (2 * part_bytes, 2),
            (2 * part_bytes + 1, 3),
        ] {
            let content = noise(bytes);
            ana.ok(post("/grows", &content)).await;
            let mut joined = String::new();
            for part in 1..=parts {
                let data = web.expect("fileGet").await;
                assert_eq!(
                    (&data["part"], &data["maxPart"]),
                    (&json!(part), &json!(parts))
                );
                joined += data["content"].as_str().expect("content");
            }
            assert!(unbase64(&joined) == content, "{bytes}");
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_is_not_pushed_to_the_desktop_client_and_the_web_viewer_goes_on() {
    let server = original();
    let claims = |name: &str| {
        let project = json!({"username": name, "streamername": "ana", "streamname": "demo"});
        let mut claims = project;
        claims["exp"] = json!(now() + 1);
        token(claims)
    };
    let mut fresh = server.streamer().await;
    let mut desktop = server.connect().await;
    let section = file_section("ana", "demo");
    desktop
        .authenticate(json!({"token": claims("ana"), "file": section}))
        .await;
    let mut web = server.connect().await;
    let section = pull_request_section("bob", "ana", "demo");
    web.authenticate(json!({"token": claims("bob"), "pullrequest": section}))
        .await;
    let expired = async {
        while desktop.ask(creation()).await["code"] != 401 {
            desktop.ask(pull_request("list", json!({}))).await;
        }
    };
    tokio::time::timeout(PATIENCE, expired)
        .await
        .expect("expires");
    desktop.quiet().await;
    fresh.ok(post("/after", "x")).await;
    assert_eq!(desktop.expect("fileGet").await["name"], "/after");
    assert_eq!(web.expect("fileGet").await["name"], "/after");
    desktop.refused(401, post("/mine", "x")).await;
}
