//! What clients try without a right to it, or with a right only to something else.

use std::os::unix::fs::symlink;

use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn a_client_that_only_claims_to_stream_a_project_deletes_nothing_by_leaving() {
    let flags = [
        "--on-streamer-disconnect",
        "delete",
        "--streamer-grace-seconds",
        "0",
    ];
    let server = Server::with(&flags);
    std::fs::write(server.folder().join("canary"), "canary").expect("written");
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    let mut bob = server.viewer("bob").await;
    let own = || streamer("mal", "own")["token"].take();
    for (user, folder) in [
        ("ana", "demo"),
        ("..", "base"),
        ("../..", "demo"),
        (".", "."),
        ("", ""),
        ("/", "/"),
        ("ana", ".."),
        ("ana", ""),
        (".twicecast", "projects"),
    ] {
        let section = file_section(user, folder);
        let mut unknown = server.connect().await;
        unknown.refused(401, file("auth", section.clone())).await;
        unknown.send_close().await;
        unknown.closed().await;

        let mut mal = server.connect().await;
        mal.authenticate(json!({"token": own()})).await;
        let answer = mal.ask(file("auth", section.clone())).await;
        let code = if (user, folder) == ("ana", "demo") {
            401
        } else {
            400
        };
        assert_eq!(answer["code"], code, "{answer}");
        mal.refused(401, post("pwn", "x")).await;
        let both = authenticate(json!({"token": own(), "file": section}));
        mal.refused(code, both).await;
        mal.send_close().await;
        mal.closed().await;
    }
    bob.quiet().await;
    assert_eq!(bob.ok(get("a")).await["content"], base64("x"));
    let canary = std::fs::read(server.folder().join("canary"));
    assert_eq!(canary.expect("there"), b"canary");
    assert!(!server.base().join("mal").exists());
    ana.quiet().await;
}

#[tokio::test]
async fn what_lies_outside_cannot_be_told_from_what_is_nowhere() {
    let server = Server::alone();
    let outside = server.folder().join("outside");
    std::fs::create_dir(&outside).expect("made");
    std::fs::write(outside.join("there"), "secret").expect("written");
    let mut ana = server.streamer().await;
    for (link, target) in [
        ("to-a-file", outside.join("there")),
        ("to-nothing", outside.join("gone")),
        ("to-a-folder", outside.clone()),
    ] {
        symlink(target, server.project().join(link)).expect("linked");
    }
    let pairs = [
        ("../../../outside/there", "../../../outside/gone"),
        ("/../../../outside/there", "/../../../outside/gone"),
        ("to-a-file", "to-nothing"),
        ("to-a-folder/there", "to-a-folder/gone"),
        ("to-a-folder/", "to-nothing/"),
        ("to-a-folder", "nothing"),
    ];
    let requests: [fn(&str) -> Value; 4] = [
        get,
        |name| {
            let data = json!({"username": "ana", "project": "demo", "name": name});
            file("list", data)
        },
        |name| file("delete", json!({"name": name})),
        |name| {
            let data = json!({"username": "ana", "project": "demo", "name": name,
                "recursively": true});
            file("get", data)
        },
    ];
    for (there, gone) in pairs {
        for request in requests {
            let answer = ana.ask(request(there)).await;
            assert_ne!(answer["code"], 200, "{answer}");
            let said = answer.to_string().replace(there, "NAME");
            let other = ana.ask(request(gone)).await.to_string();
            assert_eq!(said, other.replace(gone, "NAME"));
        }
    }
    let secret = std::fs::read(outside.join("there"));
    assert_eq!(secret.expect("there"), b"secret");
}

#[tokio::test]
async fn the_id_of_anothers_pull_request_is_an_ordinary_name_in_ones_own() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut propose = async |name: &str, file: &str, content: &str| {
        let mut author = server.viewer(name).await;
        author.ok(creation()).await;
        author.ok(post(file, content)).await;
        author.ok(finish()).await;
        ana.expect("pullRequestCreated").await
    };
    let bobs = propose("bob", "fix", "good").await;
    let id = bobs["id"].as_str().expect("an id");
    let below = format!("/{id}/fix");
    let eves = propose("eve", &below, "evil").await;
    assert_eq!(eves["files"], json!([below]));
    for (own, name, content) in [(&bobs, "/fix", "good"), (&eves, &below, "evil")] {
        ana.send(pull_request("get", json!({"id": own["id"]})))
            .await;
        let got = ana.expect("fileGet").await;
        assert_eq!(
            (&got["name"], &got["content"]),
            (&json!(name), &json!(base64(content)))
        );
        ana.expect("pullRequestGet").await;
    }
}

#[tokio::test]
async fn a_title_comes_back_as_it_was_sent_whatever_it_holds() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    for title in [
        "\n2026-01-01T00:00:00Z ERROR forged",
        "\u{1b}[31m\0\r\u{7f}",
        "<script>alert(1)</script>",
        "\u{202e}\u{feff} é😀",
        " ",
    ] {
        let data = json!({"title": title, "description": title});
        bob.ok(pull_request("creation", data)).await;
        bob.ok(post("f", "")).await;
        bob.ok(finish()).await;
        let told = ana.expect("pullRequestCreated").await;
        assert_eq!(told["title"], title);
        assert_eq!(told["description"], title);
    }
}

#[tokio::test]
async fn rooms_of_similar_names_are_different_rooms() {
    let server = Server::start();
    let names = [
        "r",
        "R",
        " r",
        "r ",
        "r/x",
        "r/",
        "__proto__",
        "5",
        "\u{e9}",
        "e\u{301}",
        "..",
    ];
    let mut members = Vec::new();
    for name in names {
        members.push(server.member("ana", name).await);
    }
    for (name, member) in names.iter().zip(&mut members) {
        member.ok(say(name)).await;
        let heard = member.ok(chat("history", json!({}))).await;
        assert_eq!(heard.as_array().map(Vec::len), Some(1), "{name:?}");
        assert_eq!(heard[0]["room"], *name);
    }
    for member in &mut members {
        member.quiet().await;
    }
    let mut anyone = server.connect().await;
    for (claim, asked, code) in [
        (json!("r"), json!("R"), 401),
        (json!("r"), json!("r\0"), 400),
        (json!("5"), json!(5), 400),
        (json!(5), json!("5"), 401),
        (json!("r\0"), json!("r"), 401),
    ] {
        let token = token(json!({"username": "ana", "room": claim}));
        let data = json!({"token": token, "chat": {"username": "ana", "room": asked}});
        anyone.refused(code, authenticate(data)).await;
    }
}
