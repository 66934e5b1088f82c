//! Invalid requests, what is echoed, and who may do what (sections 2 and 3).

use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn garbage_is_refused_and_the_connection_goes_on() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let depth = "[".repeat(500_000);
    let deep_data = format!(r#"{{"type":"file","data":{}"#, "[".repeat(100_000));
    let width: Vec<_> = (0..50_000).map(|n| format!("\"k{n}\":0")).collect();
    let wide = format!("{{{}}}", width.join(","));
    let digits = format!(r#"{{"ref":{}}}"#, "1".repeat(100_000));
    let garbage = [
        "",
        " ",
        "{",
        r#"{"type":"file",}"#,
        "nul",
        "\u{feff}",
        "\u{feff}{}",
        "\0\0\0",
        "null",
        "1",
        "\"x\"",
        "[]",
        "true",
        "{}",
        "{}{}",
        r#"{"type":["file"],"subtype":["get"]}"#,
        r#"{"type":{}}"#,
        r#"{"type":null}"#,
        r#"{"type":"file"}"#,
        r#"{"type":"file","subtype":null}"#,
        r#"{"type":"FILE","subtype":"get"}"#,
        r#"{"type":"message"}"#,
        r#"{"type":"close"}"#,
        r#"{"type":"__proto__"}"#,
        r#"{"type":"chat","subtype":"toString"}"#,
        r#"{"type":"file","subtype":"post"}"#,
        r#"{"type":"file","subtype":"post","data":null}"#,
        r#"{"type":"file","subtype":"post","data":[]}"#,
        r#"{"type":"file","subtype":"get","data":"x"}"#,
        r#"{"type":"pullrequest","subtype":"get"}"#,
        r#"{"type":"chat","type":"file"}"#,
        r#"{"type":"file","subtype":"delete","data":{"name":"a","name":"b"}}"#,
        &depth,
        &deep_data,
        &wide,
        &digits,
    ];
    for text in garbage {
        client.send_text(text).await;
        let answer = client.next().await;
        assert_eq!(answer["code"], 400, "{answer} to {text:.60}");
        assert_eq!(answer["type"], "badParametersError");
        assert!(!answer["message"].as_str().expect("a message").is_empty());
    }
    client.send_binary([0xff, 0xfe]).await;
    client.expect("badParametersError").await;
    client.ok(post("still", "here")).await;
    client.quiet().await;
}

#[tokio::test]
async fn text_and_binary_messages_mean_the_same_and_unknown_members_nothing() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut request = post("a", "x");
    request["data"]["hasOwnProperty"] = json!(1);
    request["extra"] = json!([{}]);
    client.send_binary(request.to_string()).await;
    client.expect("filePost").await;
    assert_eq!(
        client.ok(list_all()).await["files"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_ref_comes_back_with_every_direct_answer_and_no_other() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let longest = json!("r".repeat(128));
    for reference in [
        longest,
        json!(""),
        json!(0),
        json!(1_i64 << 53),
        json!(-(1_i64 << 53)),
    ] {
        let answer = client
            .ask(with_ref(post("a", "x"), reference.clone()))
            .await;
        assert_eq!(answer["ref"], reference);
        assert_eq!(bob.expect("fileGet").await["ref"], Value::Null);
        let answer = client
            .ask(with_ref(post("..", "x"), reference.clone()))
            .await;
        assert_eq!(
            (&answer["ref"], &answer["file"]),
            (&reference, &json!(".."))
        );
    }
    for wrong in [
        json!("r".repeat(129)),
        json!(1.5),
        json!(true),
        json!({}),
        json!((1_i64 << 53) + 1),
    ] {
        let answer = client.refused(400, with_ref(post("b", "x"), wrong)).await;
        assert_eq!(answer.get("ref"), None);
        assert_eq!(answer["file"], "b");
    }
    let answer = client.ask(with_ref(post("c", "x"), Value::Null)).await;
    assert_eq!((&answer["code"], answer.get("ref")), (&json!(200), None));
    client.refused(409, get("b")).await;
}

#[tokio::test]
async fn the_right_is_checked_before_the_parameters() {
    let server = Server::start();
    let _ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut anyone = server.connect().await;
    for request in [
        file("post", json!({})),
        file("post", json!({"name": ".."})),
        file("delete", json!([])),
        chat("message", json!({})),
        chat("history", json!({"limit": "x"})),
    ] {
        anyone.refused(401, request.clone()).await;
        bob.refused(401, request).await;
    }
    for request in [creation(), finish()] {
        anyone.refused(401, request).await;
    }
    for subtype in ["get", "delete"] {
        anyone.refused(401, pull_request(subtype, json!({}))).await;
        bob.refused(400, pull_request(subtype, json!({}))).await;
    }
}

#[tokio::test]
async fn a_viewers_token_never_makes_the_streamer() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    let bobs = || viewer("bob", "ana", "demo")["token"].take();
    let mut bob = server.connect().await;
    for section in [file_section("ana", "demo"), file_section("bob", "demo")] {
        let data = json!({"token": bobs(), "file": section});
        bob.refused(401, authenticate(data)).await;
        bob.refused(401, post("pwn", "x")).await;
    }
    bob.authenticate(json!({"token": bobs()})).await;
    for request in [
        post("pwn", "x"),
        delete("a"),
        file("auth", file_section("ana", "demo")),
    ] {
        bob.refused(401, request).await;
    }
    bob.authenticate(viewer("bob", "ana", "demo")).await;
    for request in [
        post("pwn", "x"),
        delete("a"),
        file("auth", file_section("ana", "demo")),
    ] {
        bob.refused(401, request).await;
    }

    let mut mal = server.connect().await;
    mal.authenticate(streamer("mal", "own")).await;
    mal.refused(401, file("auth", file_section("ana", "demo")))
        .await;
    mal.refused(401, file("auth", file_section("mal", "demo")))
        .await;
    mal.ok(post("own", "x")).await;
    mal.refused(400, post("../../ana/demo/pwn", "x")).await;
    drop(mal);
    let listed = ana.ok(list_all()).await;
    assert_eq!(listed["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(ana.ok(get("a")).await["content"], base64("x"));
    ana.quiet().await;
}
