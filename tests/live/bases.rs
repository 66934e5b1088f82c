//! What the files of a pull request were made from (section 6).

use crate::support::*;
use serde_json::{Value, json};

/// A hash that repeats this digit.
fn hash(digit: &str) -> String {
    digit.repeat(64)
}

fn by_id(id: &Value) -> Value {
    pull_request("get", json!({"id": id}))
}

/// The names of the files that arrive, each with its base.
async fn bases_of_files(client: &mut Client, request: Value, files: usize) -> Vec<(Value, Value)> {
    client.send(request).await;
    let parts = client.expect_all("fileGet", files).await;
    let base = |mut part: Value| (part["name"].take(), part["base"].take());
    parts.into_iter().map(base).collect()
}

#[tokio::test]
async fn what_files_were_made_from_is_handed_on_with_their_pull_request() {
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("gone", "x")).await;
    for name in ["old/a", "old/b"] {
        ana.ok(post(name, "x")).await;
    }
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(with_base(post("a", "a"), hash("a"))).await;
    bob.ok(with_base(post("d/b", "b"), hash("b"))).await;
    bob.ok(post("new", "new")).await;
    bob.ok(with_base(post("null", "null"), Value::Null)).await;
    bob.ok(with_base(post("dropped", "x"), hash("c"))).await;
    bob.ok(delete("dropped")).await;
    bob.ok(with_base(delete("gone"), hash("d"))).await;
    bob.ok(with_base(delete("old/a"), hash("e"))).await;
    bob.ok(with_base(delete("old/a"), hash("f"))).await;
    bob.ok(with_base(delete("old"), hash("0"))).await;
    bob.ok(finish()).await;

    let created = ana.expect("pullRequestCreated").await;
    let bases = json!({"/a": hash("a"), "/d/b": hash("b")});
    assert_eq!(created["files"], json!(["/a", "/d/b", "/new", "/null"]));
    assert_eq!(created["deleted"], json!(["/gone", "/old/a", "/old/b"]));
    assert_eq!(created["bases"], bases);
    let deleted_bases = json!({"/gone": hash("d"), "/old/a": hash("f")});
    assert_eq!(created["deletedBases"], deleted_bases);

    server.restart();
    let mut ana = server.connect().await;
    ana.send(authenticate(streamer("ana", "demo"))).await;
    ana.expect("fileAuth").await;
    ana.expect("authentication").await;
    assert_eq!(ana.expect("pullRequestCreated").await, created);
    let mut bob = server.viewer("bob").await;
    let of_files = [
        (json!("/a"), json!(hash("a"))),
        (json!("/d/b"), json!(hash("b"))),
        (json!("/new"), Value::Null),
        (json!("/null"), Value::Null),
    ];
    let id = created["id"].clone();
    for client in [&mut ana, &mut bob] {
        let listed = client.ok(pull_request("list", json!({}))).await;
        assert_eq!(listed, json!([created]));
        assert_eq!(bases_of_files(client, by_id(&id), 4).await, of_files);
        client.expect("pullRequestGet").await;
    }
    let folder = format!("/{}/", id.as_str().expect("a text"));
    let all = json!({"username": "ana", "project": "demo", "name": folder, "recursively": true});
    assert_eq!(
        bases_of_files(&mut ana, file("get", all), 4).await,
        of_files
    );
    let one = ana.ok(get(&format!("{folder}d/b"))).await;
    assert_eq!(one["base"], hash("b"));
}

#[tokio::test]
async fn without_bases_nothing_is_said_of_them() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(with_base(post("a", "x"), hash("a"))).await;
    bob.ok(post("a", "y")).await;
    bob.ok(finish()).await;
    let created = ana.expect("pullRequestCreated").await;
    for member in ["bases", "deletedBases"] {
        assert_eq!(created.get(member), None, "{created}");
    }
    bob.send(by_id(&created["id"])).await;
    let part = bob.expect("fileGet").await;
    assert_eq!(part.get("base"), None, "{part}");
}

#[tokio::test]
async fn each_part_of_a_file_comes_with_the_base_of_its_upload() {
    let server = Server::with(&["--part-bytes", "300"]);
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let content = noise(700);
    bob.ok(creation()).await;
    bob.send(post_part("a", &content[..300], 1, 3)).await;
    bob.send(with_base(
        post_part("a", &content[300..600], 2, 3),
        hash("a"),
    ))
    .await;
    bob.ok(with_base(post_part("a", &content[600..], 3, 3), hash("b")))
        .await;
    bob.ok(finish()).await;
    let created = ana.expect("pullRequestCreated").await;
    assert_eq!(created["bases"], json!({"/a": hash("a")}));
    ana.send(by_id(&created["id"])).await;
    let mut received = Vec::new();
    for part in ana.expect_all("fileGet", 3).await {
        assert_eq!(part["base"], hash("a"));
        received.extend(unbase64(part["content"].as_str().expect("content")));
    }
    assert!(received == content);
}

#[tokio::test]
async fn the_desktop_clients_file_keeps_its_base_though_its_last_part_never_comes() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    for number in [1, 2] {
        let part = with_base(post_part("a", noise(375), number, 3), hash("a"));
        bob.send_binary(part.to_string()).await;
    }
    bob.send(finish()).await;
    bob.expect("filePost").await;
    bob.expect("pullRequestFinish").await;
    let created = ana.expect("pullRequestCreated").await;
    assert_eq!(created["bases"], json!({"/a": hash("a")}));
}

#[tokio::test]
async fn what_is_no_base_is_refused_in_a_draft_and_in_the_project() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let good = with_base(post("a", "x"), hash("a"));
    bob.refused(401, with_base(post("a", "x"), "a")).await;
    bob.refused(401, good.clone()).await;
    bob.ok(creation()).await;
    bob.send(with_base(post_part("u", "one", 1, 2), hash("a")))
        .await;
    let digit = hash("a");
    for wrong in [
        json!(""),
        json!("a"),
        json!(&digit[1..]),
        json!(format!("{digit}a")),
        json!(hash("A")),
        json!(hash("g")),
        json!(hash("é")),
        json!(format!("{} ", &digit[1..])),
        json!(5),
        json!(true),
        json!([digit]),
        json!({"sha256": digit}),
    ] {
        for client in [&mut ana, &mut bob] {
            let answer = client
                .refused(400, with_base(post("b", "x"), wrong.clone()))
                .await;
            assert_eq!(answer["type"], "badParametersError", "{answer}");
            assert_eq!(answer["file"], "b", "{answer}");
            let part = with_base(post_part("u", "bad", 2, 2), wrong.clone());
            client.refused(400, part).await;
            let delete = with_base(delete("b"), wrong.clone());
            client.refused(400, delete).await;
        }
    }
    bob.ok(post_part("u", "two", 2, 2)).await;
    bob.ok(finish()).await;
    let created = ana.expect("pullRequestCreated").await;
    assert_eq!(created["files"], json!(["/u"]));
    assert_eq!(created["bases"], json!({"/u": hash("a")}));

    ana.ok(good).await;
    let update = bob.expect("fileGet").await;
    assert_eq!(update.get("base"), None, "{update}");
    let file = ana.ok(get("a")).await;
    assert_eq!(file.get("base"), None, "{file}");
    ana.ok(with_base(delete("a"), hash("b"))).await;
    bob.expect("fileDeleted").await;
    bob.quiet().await;
}

#[tokio::test]
async fn a_base_takes_64_bytes_of_the_256_kib_of_names() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    // A name of 4,032 bytes and its base take 4,096 bytes, a 64th of the 256 KiB.
    let deep = vec!["s".repeat(200); 20].join("/");
    let name = |number: usize| format!("/{number:011}/{deep}");
    assert_eq!(name(0).len(), 4_032);
    for number in 0..64 {
        bob.ok(with_base(post(&name(number), ""), hash("a"))).await;
    }
    let answer = bob.refused(413, post("b", "")).await;
    assert_eq!(answer["type"], "limitExceededError", "{answer}");
    bob.ok(with_base(post(&name(0), "again"), hash("b"))).await;
    bob.ok(finish()).await;
    let created = ana.expect("pullRequestCreated").await;
    let bases = created["bases"].as_object().expect("an object");
    assert_eq!(bases.len(), 64);
    assert_eq!(bases[&name(0)], json!(hash("b")));
}
