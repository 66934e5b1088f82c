//! `post` and `delete` (section 4).

use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;
use serde_json::{Value, json};

fn part(name: &str, part: &Value, of: &Value) -> Value {
    file(
        "post",
        json!({"name": name, "content": "QUJD", "part": part, "maxPart": of}),
    )
}

#[tokio::test]
async fn a_post_is_answered_with_its_name_as_sent_and_told_with_one_slash() {
    let server = Server::alone();
    let mut client = server.streamer().await;
    let mut second = server.streamer().await;
    let answer = client.ask(with_ref(post("./src//a.rs", "x"), 1)).await;
    let expected = json!({"code": 200, "type": "filePost", "message": "OK",
        "data": {"message": "OK", "file": "./src//a.rs"}, "ref": 1});
    assert_eq!(answer, expected);
    let expected = json!({"code": 200, "type": "fileGet", "data": {"name": "/src/a.rs",
        "content": "eA==", "part": 1, "maxPart": 1, "username": "ana", "project": "demo"}});
    assert_eq!(second.next().await, expected);
    let answer = client.ask(delete("src/a.rs")).await;
    let expected = json!({"code": 200, "type": "fileDelete", "message": "OK",
        "data": {"message": "OK", "file": "src/a.rs"}});
    assert_eq!(answer, expected);
    let expected = json!({"code": 200, "type": "fileDeleted", "data": {"message": "OK",
        "file": "/src/a.rs", "username": "ana", "project": "demo"}});
    assert_eq!(second.next().await, expected);
    assert!(server.project().exists());
    assert!(
        !server.project().join("src").exists(),
        "left empty, it vanishes"
    );
    client.quiet().await;
    second.quiet().await;
}

#[tokio::test]
async fn part_numbers_are_integers_from_1() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let huge = json!(2_147_483_648_u32);
    for wrong in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(true),
        json!([1]),
        huge,
    ] {
        client.refused(400, part("f", &wrong, &json!(3))).await;
        client.refused(400, part("f", &json!(1), &wrong)).await;
    }
    client
        .refused(400, part("f", &json!(1), &Value::Null))
        .await;
    client
        .send(part("f", &json!(1), &json!(2_147_483_647)))
        .await;
    client.quiet().await;
    client.ok(part("g", &Value::Null, &Value::Null)).await;
}

#[tokio::test]
async fn parts_may_come_in_any_order_and_files_interleaved() {
    let server = Server::start();
    let mut client = server.streamer().await;
    client
        .send_all([
            post_part("f", "3", 3, 3),
            post_part("g", "1", 1, 2),
            post_part("f", "1", 1, 3),
        ])
        .await;
    client.ok(post("h", "whole")).await;
    client.ok(post_part("f", "2", 2, 3)).await;
    client.ok(post_part("/g", "2", 2, 2)).await;
    assert_eq!(client.ok(get("f")).await["content"], base64("123"));
    assert_eq!(client.ok(get("g")).await["content"], base64("12"));
    client.quiet().await;
}

#[tokio::test]
async fn parts_that_contradict_are_refused_and_the_upload_stays() {
    let server = Server::start();
    let mut client = server.streamer().await;
    client.send(post_part("f", "1", 1, 2)).await;
    client.refused(400, post_part("f", "x", 3, 2)).await;
    client.refused(400, post_part("f", "x", 2, 3)).await;
    client.refused(400, post_part("f", "x", 4, 3)).await;
    client.ok(post_part("f", "2", 2, 2)).await;
    assert_eq!(client.ok(get("f")).await["content"], base64("12"));

    client
        .send_all([post_part("f", "a", 2, 3), post_part("f", "b", 2, 3)])
        .await;
    client
        .send_all([post_part("f", "x", 1, 3), post_part("f", "c", 1, 2)])
        .await;
    client.ok(post_part("f", "d", 2, 2)).await;
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("cd"),
        "part 1 again starts anew"
    );

    client
        .send_all([
            post_part("f", "a", 2, 3),
            post_part("f", "b", 2, 3),
            post_part("f", "c", 3, 3),
        ])
        .await;
    client.ok(post_part("f", "0", 1, 3)).await;
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("0bc"),
        "part 2 again replaces it"
    );

    let next = |content: &str| {
        file(
            "post",
            json!({"name": "f", "content": base64(content), "maxPart": 3}),
        )
    };
    client
        .send_all([post_part("f", "y", 2, 3), next("x"), next("z")])
        .await;
    assert_eq!(client.expect("filePost").await["file"], "f");
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("xyz"),
        "the lowest not received"
    );
}

#[tokio::test]
async fn parts_of_two_connections_are_never_joined() {
    let server = Server::start();
    let mut one = server.streamer().await;
    let mut two = server.streamer().await;
    one.send(post_part("f", "1", 1, 2)).await;
    two.send(post_part("f", "2", 2, 2)).await;
    one.quiet().await;
    two.quiet().await;
    one.refused(409, get("f")).await;
    drop(one);
    two.ok(post_part("f", "1", 1, 2)).await;
}

#[tokio::test]
async fn a_file_and_a_folder_are_in_each_others_way() {
    let server = Server::start();
    let mut client = server.streamer().await;
    client.ok(post("a", "x")).await;
    client.ok(post("d/b", "x")).await;
    for name in ["a/b", "a/b/c", "d"] {
        let expected = json!({"code": 409, "type": "failWriteFileError", "file": name,
            "message": format!("File {name} cannot be created or written")});
        assert_eq!(client.ask(post(name, "y")).await, expected);
    }
    assert_eq!(client.ok(get("a")).await["content"], base64("x"));
    assert_eq!(client.ok(get("d/b")).await["content"], base64("x"));
    client.ok(delete("a")).await;
    client.ok(post("a/b", "y")).await;
}

#[tokio::test]
async fn a_folder_is_deleted_with_all_below_it() {
    let server = Server::alone();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    for name in ["d/a", "d/e/b", "d-x", "e"] {
        client.ok(post(name, "x")).await;
        bob.expect("fileGet").await;
    }
    client.refused(409, delete("e/")).await;
    client.ok(delete("d")).await;
    let gone = bob.expect_all("fileDeleted", 2).await;
    let mut names: Vec<_> = gone.iter().map(|data| data["file"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("/d/a"), Some("/d/e/b")]);
    bob.quiet().await;
    let expected = json!({"code": 409, "type": "failReadFileError", "file": "d",
        "message": "File d doesn't exist or cannot be read"});
    assert_eq!(client.ask(delete("d")).await, expected);
    client.ok(delete("d-x")).await;
    client.ok(delete("e")).await;
    assert_eq!(
        std::fs::read_dir(server.project())
            .expect("it stays")
            .count(),
        0
    );
}

#[tokio::test]
async fn deleting_ends_uploads_of_that_name_and_below() {
    let server = Server::start();
    let mut client = server.streamer().await;
    client
        .send_all([post_part("d/f", "1", 1, 2), post_part("g", "1", 1, 2)])
        .await;
    let answer = client.refused(409, delete("d")).await;
    assert_eq!(answer["type"], "failReadFileError");
    client.ok(post("d/other", "x")).await;
    client.send(post_part("d/f", "2", 2, 2)).await;
    client.ok(post_part("g", "2", 2, 2)).await;
    client.quiet().await;
}

#[tokio::test]
async fn the_executable_bit_is_kept_on_disk_and_told_wherever_the_file_is() {
    let with_bit = |mut request: Value, executable: Value| {
        request["data"]["executable"] = executable;
        request
    };
    let server = Server::alone();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(server.project().join(name)).expect("is there");
        metadata.permissions().mode() & 0o777
    };
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let big = noise(300_000);
    for (content, says, is) in [
        (&b"plain"[..], Value::Null, false),
        (b"run me", json!(true), true),
        (b"still", Value::Null, true),
        (&big, json!(true), true),
        (b"no more", json!(false), false),
        (&big, json!(true), true),
    ] {
        ana.ok(with_bit(post("run.sh", content), says)).await;
        let expected = if is { json!(true) } else { Value::Null };
        loop {
            let data = bob.expect("fileGet").await;
            assert_eq!(data["executable"], expected);
            if data["part"] == data["maxPart"] {
                break;
            }
        }
        assert_eq!(mode("run.sh") & 0o100 != 0, is);
        assert_eq!(mode("run.sh") & 0o022, 0, "no more rights to write");
        let listed = bob.ok(list_all()).await;
        assert_eq!(listed["files"][0]["executable"], expected);
    }
    // In an upload in parts that is staged on disk, the first part that brings `executable` counts.
    let parts = [noise(300_000), noise(300_000), noise(10)];
    for (number, part) in (1..).zip(&parts) {
        let request = post_part("staged", part, number, 3);
        let says = if number == 2 {
            json!(true)
        } else {
            Value::Null
        };
        ana.send(with_bit(request, says)).await;
    }
    ana.expect("filePost").await;
    assert_eq!(mode("staged") & 0o111, (mode("staged") & 0o444) >> 2);
    ana.refused(400, with_bit(post("x", "x"), json!("yes")))
        .await;
    let mut server = server;
    server.restart();
    let mut viewer = server.connect().await;
    let listed = viewer.ok(list_all()).await;
    assert_eq!(
        listed["files"][0]["executable"],
        json!(true),
        "after a restart"
    );
}
