//! Every quota at its bound and one past it (sections 2, 4, 6 and 9).

use crate::support::*;
use serde_json::{Value, json};

/// The error of a refused request, which names the limit and its value.
async fn over(client: &mut Client, request: Value, limit: &str, value: u64) {
    let answer = client.refused(413, request).await;
    assert_eq!(answer["type"], "limitExceededError");
    let message = answer["message"].as_str().expect("a message");
    assert!(
        message.contains(limit) && message.contains(&value.to_string()),
        "{message}"
    );
}

#[tokio::test]
async fn a_file_may_be_as_large_as_max_file_bytes() {
    let server = Server::with(&["--max-file-bytes", "10"]);
    let mut client = server.streamer().await;
    client.ok(post("f", "0123456789")).await;
    over(&mut client, post("f", "0123456789x"), "maxFileBytes", 10).await;
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("0123456789"),
        "the old one stays"
    );
    client.send(post_part("f", "012345", 1, 2)).await;
    client.ok(post_part("f", "6789", 2, 2)).await;
    client.send(post_part("f", "012345", 1, 3)).await;
    over(
        &mut client,
        post_part("f", "6789x", 2, 3),
        "maxFileBytes",
        10,
    )
    .await;
    client.send(post_part("f", "6", 2, 3)).await;
    client.send(post_part("f", "7", 3, 3)).await;
    client.quiet().await;
    client.ok(post_part("f", "new", 1, 3)).await;
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("new67"),
        "the upload had ended"
    );
}

#[tokio::test]
async fn a_project_may_hold_max_project_bytes_and_max_project_files() {
    let flags = ["--max-project-bytes", "10", "--max-project-files", "3"];
    let mut server = Server::with(&flags);
    let mut client = server.streamer().await;
    client.ok(post("a", "01234")).await;
    client.ok(post("b", "01234")).await;
    over(&mut client, post("c", "x"), "maxProjectBytes", 10).await;
    over(&mut client, post("b", "012345"), "maxProjectBytes", 10).await;
    client.ok(post("b", "43210")).await;
    client.ok(post("c", "")).await;
    over(&mut client, post("d/e", ""), "maxProjectFiles", 3).await;
    client.ok(post("c", "")).await;
    server.restart();
    let mut client = server.streamer().await;
    over(&mut client, post("d", ""), "maxProjectFiles", 3).await;
    client.ok(delete("b")).await;
    client.ok(post("d", "01234")).await;
    over(&mut client, post("c", "x"), "maxProjectBytes", 10).await;
}

#[tokio::test]
async fn a_connection_may_have_max_open_uploads() {
    let server = Server::with(&["--max-open-uploads", "2", "--max-open-upload-bytes", "10"]);
    let mut client = server.streamer().await;
    client
        .send_all([post_part("a", "1234", 1, 2), post_part("b", "1234", 1, 2)])
        .await;
    over(&mut client, post_part("c", "1", 1, 2), "maxOpenUploads", 2).await;
    client.ok(post_part("c", "1", 1, 1)).await;
    over(
        &mut client,
        post_part("a", "1234567", 1, 2),
        "maxOpenUploadBytes",
        10,
    )
    .await;
    client.send(post_part("a", "123456", 1, 3)).await;
    client.ok(post_part("b", "5", 2, 2)).await;
    over(
        &mut client,
        post_part("a", "12345", 2, 3),
        "maxOpenUploadBytes",
        10,
    )
    .await;
    client
        .send_all([post_part("a", "1234", 1, 2), post_part("b", "1234", 1, 2)])
        .await;
    client.quiet().await;
    let mut other = server.streamer().await;
    other
        .send_all([post_part("a", "1", 1, 2), post_part("b", "1", 1, 2)])
        .await;
    other.quiet().await;
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_dropped() {
    let server = Server::with(&["--upload-idle-seconds", "1", "--max-open-uploads", "1"]);
    let mut client = server.streamer().await;
    client.send(post_part("a", "1", 1, 2)).await;
    // No message tells of it. The only sign is that there is room again.
    let began = std::time::Instant::now();
    loop {
        client.send(post_part("b", "1", 1, 2)).await;
        if client.rest().await.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it is never dropped");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn messages_are_bounded_and_tighter_before_authentication() {
    let flags = [
        "--max-message-bytes",
        "4096",
        "--max-unauthenticated-message-bytes",
        "1024",
    ];
    let server = Server::with(&flags);
    let mut client = server.connect().await;
    let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    client.send_text(&padded(1_024)).await;
    client.expect("badParametersError").await;
    client.send_text(&padded(1_025)).await;
    assert_eq!(client.closed().await, 1_009);
    let mut client = server.streamer().await;
    client.send_text(&padded(4_096)).await;
    client.expect("badParametersError").await;
    client.send_text(&padded(4_097)).await;
    assert_eq!(client.closed().await, 1_009);
}

#[tokio::test]
async fn a_large_message_right_behind_authenticate_is_taken() {
    let server = Server::with(&["--max-unauthenticated-message-bytes", "1024"]);
    let mut client = server.connect().await;
    client
        .send_all([
            authenticate(streamer("ana", "demo")),
            post("f", noise(100_000)),
        ])
        .await;
    client.expect("fileAuth").await;
    client.expect("authentication").await;
    client.expect("filePost").await;
}

#[tokio::test]
async fn texts_of_pull_requests_and_chat_are_bounded() {
    let flags = [
        "--max-title-bytes",
        "4",
        "--max-description-bytes",
        "6",
        "--max-chat-bytes",
        "4",
    ];
    let server = Server::with(&flags);
    let mut client = server.streamer().await;
    let creation = |title: &str, description: &str| {
        pull_request(
            "creation",
            json!({"title": title, "description": description}),
        )
    };
    client.ok(creation("éé", "éé12")).await;
    over(&mut client, creation("éé1", ""), "maxTitleBytes", 4).await;
    over(
        &mut client,
        creation("1", "éé123"),
        "maxDescriptionBytes",
        6,
    )
    .await;
    let mut carl = server.member("carl", "r").await;
    carl.ok(say("éé")).await;
    over(&mut carl, say("éé1"), "maxChatBytes", 4).await;
    carl.refused(400, say("")).await;
    carl.refused(400, chat("message", json!({"message": 5})))
        .await;
    carl.refused(400, chat("message", json!({}))).await;
}

#[tokio::test]
async fn a_pull_request_is_bounded_in_bytes_files_names_and_number() {
    let server = Server::with(&[
        "--max-pull-request-bytes",
        "10",
        "--max-pull-request-files",
        "2",
        "--max-open-pull-requests",
        "2",
    ]);
    let mut ana = server.streamer().await;
    ana.ok(post("there", "x")).await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("a", "0123456789")).await;
    over(&mut bob, post("b", "x"), "maxPullRequestBytes", 10).await;
    bob.ok(delete("there")).await;
    over(&mut bob, post("b", ""), "maxPullRequestFiles", 2).await;
    bob.ok(post("a", "")).await;
    let mut second = server.viewer("bob").await;
    let mut third = server.viewer("bob").await;
    for client in [&mut second, &mut third] {
        client.ok(creation()).await;
        client.ok(post("a", "")).await;
    }
    bob.ok(finish()).await;
    second.ok(finish()).await;
    over(&mut third, finish(), "maxOpenPullRequests", 2).await;
    over(&mut bob, creation(), "maxOpenPullRequests", 2).await;
    server.viewer("eve").await.ok(creation()).await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    ana.expect("pullRequestCreated").await;
    ana.ok(pull_request("delete", json!({"id": id}))).await;
    third.expect("pullRequestClosed").await;
    third.ok(finish()).await;
}

#[tokio::test]
async fn the_names_in_one_pull_request_take_at_most_256_kib() {
    let server = Server::start();
    let _ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    let folder = "n".repeat(250);
    let deep = [folder.as_str(); 16].join("/");
    for index in 0..63 {
        bob.ok(post(&format!("{deep}/{index:02}"), "")).await;
    }
    let mut refused = 0;
    for index in 0..10 {
        let answer = bob.ask(post(&format!("{deep}/more{index}"), "")).await;
        if answer["code"] == 413 {
            assert!(
                answer["message"]
                    .as_str()
                    .expect("a message")
                    .contains("262144"),
                "{answer}"
            );
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
    bob.ok(finish()).await;
}

#[tokio::test]
async fn rooms_are_bounded_in_number() {
    let server = Server::alone_with(&["--max-rooms", "1"]);
    let mut carl = server.member("carl", "r").await;
    server.member("dora", "r").await;
    let claims = json!({"username": "eve", "room": "s"});
    let data = json!({"token": token(claims), "chat": chat_section("eve", "s")});
    let mut eve = server.connect().await;
    over(&mut eve, authenticate(data), "maxRooms", 1).await;
    carl.quiet().await;
}

#[tokio::test]
async fn connections_are_bounded_before_the_upgrade() {
    for flag in ["--max-connections", "--max-connections-per-address"] {
        let server = Server::alone_with(&[flag, "2"]);
        let mut first = server.connect().await;
        let mut second = server.connect().await;
        first.quiet().await;
        second.quiet().await;
        let response = http(&server, "/", UPGRADE).await;
        assert!(response.starts_with("HTTP/1.1 503"), "{response}");
        drop(first);
        let began = std::time::Instant::now();
        while !http(&server, "/", UPGRADE)
            .await
            .starts_with("HTTP/1.1 101")
        {
            assert!(began.elapsed() < PATIENCE, "its place is never free");
        }
        second.quiet().await;
    }
}

#[tokio::test]
async fn a_client_refused_again_and_again_is_slowed_down_until_a_success() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let took = async |client: &mut Client| {
        let began = std::time::Instant::now();
        client
            .send_all((0..300).map(|_| json!({"type": "x"})))
            .await;
        client.expect_all("badParametersError", 300).await;
        began.elapsed()
    };
    // The last 200 of them are each followed by a pause of a millisecond.
    assert!(took(&mut client).await > std::time::Duration::from_millis(200));
    client.ok(post("a", "x")).await;
    client
        .send_all((0..100).map(|_| json!({"type": "x"})))
        .await;
    client.expect_all("badParametersError", 100).await;
    client.ok(post("a", "y")).await;
}

#[tokio::test]
async fn what_stands_behind_many_refusals_is_done_where_the_client_closes_properly() {
    let server = Server::alone_with(&["--max-file-bytes", "10"]);
    let mut client = server.streamer().await;
    let refused = (0..200).map(|n| post(&format!("f{n}"), "more than ten bytes"));
    client.send_all(refused.chain([post("good", "x")])).await;
    client.send_close().await;
    let (answers, _) = client.rest_until_closed().await;
    assert_eq!(answers.len(), 201);
    assert_eq!(answers[200]["type"], "filePost");
    assert!(server.project().join("good").exists());
}
