//! Reading, writing, limits and hostile input (protocol, sections 2 and 4).

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::client::{Client, delete, get, post, streamer_login, viewer_login};
use crate::server::Server;

fn request(subtype: &str, name: Option<&str>, recursively: bool) -> Value {
    let mut request = json!({"type": "file", "subtype": subtype, "ref": "r", "data": {
        "username": "ana", "project": "demo", "recursively": recursively,
    }});
    if let Some(name) = name {
        request["data"]["name"] = name.into();
    }
    request
}

async fn names(client: &mut Client, name: Option<&str>, recursively: bool) -> Vec<String> {
    client.send(&request("get", name, recursively)).await;
    let messages = client
        .until(|message| message["type"] == "fileGetDone")
        .await;
    let name = |message: &Value| message["data"]["name"].as_str().map(str::to_owned);
    messages[..messages.len() - 1]
        .iter()
        .filter_map(name)
        .collect()
}

#[tokio::test]
async fn folders_are_read_in_byte_order_with_or_without_their_sub_folders() {
    let server = Server::start(&["--store", "memory"]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    for name in ["d/b", "d.txt", "d-x", "a", "d/e/f"] {
        assert_eq!(client.ask(&post(name, b"x")).await["type"], "filePost");
    }
    let all = ["/a", "/d-x", "/d.txt", "/d/b", "/d/e/f"];
    assert_eq!(
        names(&mut client, None, false).await,
        all,
        "no name: always all"
    );
    assert_eq!(names(&mut client, Some(""), false).await, all);
    assert_eq!(names(&mut client, Some("/"), true).await, all);
    assert_eq!(names(&mut client, Some("/"), false).await, all[..3]);
    assert_eq!(names(&mut client, Some("d"), false).await, ["/d/b"]);
    assert_eq!(names(&mut client, Some("/d/"), true).await, all[3..]);
    assert_eq!(names(&mut client, Some("a"), false).await, ["/a"]);

    client.send(&request("list", None, false)).await;
    let list = client.next().await;
    assert_eq!(list["data"]["last"], true);
    let file = &list["data"]["files"][0];
    assert_eq!((&file["name"], &file["size"]), (&json!("/a"), &json!(1)));
    let sha = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!(file["sha256"], sha);
}

#[tokio::test]
async fn what_is_missing_is_called_by_what_was_asked_for() {
    let server = Server::start(&["--store", "memory"]);
    let mut client = Client::connect(&server.url).await;
    let path_error = |name: &str| {
        json!({
            "code": 409, "type": "failReadPathError", "path": name, "ref": "r",
            "message": format!("Path {name} doesn't exist or cannot be read"),
        })
    };
    let file_error = |name: &str| {
        json!({
            "code": 409, "type": "failReadFileError", "file": name, "ref": "r",
            "message": format!("File {name} doesn't exist or cannot be read"),
        })
    };
    assert_eq!(
        client.ask(&request("get", None, false)).await,
        path_error("/")
    );
    assert_eq!(
        client.ask(&request("get", Some("/"), false)).await,
        path_error("/")
    );
    let _streamer = Client::logged_in(&server.url, streamer_login()).await;
    assert_eq!(
        client.ask(&request("get", Some("x//y"), false)).await,
        file_error("x//y")
    );
    assert_eq!(
        client.ask(&request("get", Some("x/"), false)).await,
        path_error("x/")
    );
    assert_eq!(
        client.ask(&request("get", Some("x"), true)).await,
        path_error("x")
    );
    let done = client.ask(&request("get", None, false)).await;
    assert_eq!(
        done["data"],
        json!({"name": "/", "files": 0}),
        "an empty project exists"
    );
}

#[tokio::test]
async fn hostile_input_gets_its_error_and_changes_nothing() {
    let server = Server::start(&["--store", "memory"]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    client.ask(&post("kept", b"x")).await;
    let deep = vec!["d"; 65].join("/");
    for name in [
        "..",
        "../x",
        "a/../../x",
        "a\u{0}",
        "a\nb",
        "\u{7f}",
        "a\\b",
        "/",
        "",
        "a/",
        &"s".repeat(256),
        &deep,
        &vec!["d"; 5_000].join("/"),
    ] {
        let reply = client.ask(&post(name, b"x")).await;
        assert_eq!(
            (&reply["code"], &reply["file"]),
            (&json!(400), &json!(name)),
            "{name:?}"
        );
    }
    for data in [
        json!({"name": 5, "content": ""}),
        json!({"name": "a"}),
        json!({"name": "a", "content": [1]}),
        json!({"name": "a", "content": "***"}),
        json!({"name": "a", "content": "YQ==YQ=="}),
        json!({"name": "a", "content": "YQ", "part": 1, "maxPart": 2}),
        json!({"name": "a", "content": "", "part": "1", "maxPart": 2}),
        json!({"name": "a", "content": "", "part": 3, "maxPart": 2}),
        json!({"name": "a", "content": "", "part": 1}),
        json!([]),
        Value::Null,
    ] {
        let request = json!({"type": "file", "subtype": "post", "data": data});
        assert_eq!(client.ask(&request).await["code"], 400, "{request}");
    }
    for (request, code) in [
        (post("kept/below", b"x"), 409),
        (delete("absent"), 409),
        (delete("kept/"), 409),
        (delete("/"), 400),
    ] {
        assert_eq!(client.ask(&request).await["code"], code, "{request}");
    }
    client.ask(&post("folder/file", b"x")).await;
    let refused = client.ask(&post("folder", b"x")).await;
    assert_eq!(
        refused["message"],
        "File folder cannot be created or written"
    );
    assert_eq!(
        names(&mut client, None, true).await,
        ["/folder/file", "/kept"]
    );
}

#[tokio::test]
async fn a_folder_is_deleted_file_by_file_and_empty_folders_vanish() {
    let server = Server::start(&["--store", "memory"]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    for name in ["d/a", "d/e/b", "other"] {
        streamer.ask(&post(name, b"x")).await;
    }
    let mut viewer = Client::logged_in(&server.url, viewer_login("bob")).await;
    let reply = streamer.ask(&delete("d")).await;
    assert_eq!(reply["data"], json!({"message": "OK", "file": "d"}));
    for name in ["/d/a", "/d/e/b"] {
        let told = viewer.next().await;
        assert_eq!(
            told["data"],
            json!({"message": "OK", "file": name, "username": "ana", "project": "demo"})
        );
    }
    assert_eq!(names(&mut viewer, None, true).await, ["/other"]);
    assert_eq!(viewer.ask(&get("/d")).await["type"], "failReadPathError");
}

#[tokio::test]
async fn limits_hold_at_their_value_and_not_one_past_it() {
    let server = Server::start(&[
        "--store",
        "memory",
        "--max-file-bytes",
        "10",
        "--max-project-files",
        "2",
        "--max-project-bytes",
        "15",
        "--max-open-uploads",
        "1",
        "--max-watches",
        "1",
    ]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    let over = |reply: &Value, limit: &str| {
        assert_eq!(reply["type"], "limitExceededError", "{reply}");
        assert!(
            reply["message"]
                .as_str()
                .is_some_and(|text| text.contains(limit)),
            "{reply}"
        );
    };
    assert_eq!(client.ask(&post("a", &[b'x'; 10])).await["code"], 200);
    over(
        &client.ask(&post("a", &[b'x'; 11])).await,
        "maxFileBytes of 10",
    );
    assert_eq!(client.ask(&post("b", &[b'x'; 5])).await["code"], 200);
    over(
        &client.ask(&post("b", &[b'x'; 6])).await,
        "maxProjectBytes of 15",
    );
    over(&client.ask(&post("c", b"")).await, "maxProjectFiles of 2");
    assert_eq!(client.ask(&delete("a")).await["code"], 200);
    assert_eq!(
        client.ask(&post("c", b"")).await["code"],
        200,
        "deleting frees"
    );
    let part = |name: &str, part: u32| {
        json!({"type": "file", "subtype": "post", "data": {
            "name": name, "content": "YWJj", "part": part, "maxPart": 3,
        }})
    };
    client.send(&part("b", 1)).await;
    over(&client.ask(&part("c", 1)).await, "maxOpenUploads of 1");
    client.send(&part("b", 2)).await;
    assert_eq!(client.ask(&part("b", 3)).await["code"], 200);
    assert_eq!(client.content("/b").await, b"abcabcabc");
    let watch = |name: &str| json!({"type": "file", "subtype": "watch", "data": {"username": name, "project": "p"}});
    assert_eq!(client.ask(&watch("x")).await["code"], 200);
    over(&client.ask(&watch("y")).await, "maxWatches of 1");
    assert_eq!(
        client.ask(&watch("x")).await["code"],
        200,
        "it is watched already"
    );
}

#[tokio::test]
async fn junk_is_refused_and_the_connection_lives() {
    use futures_util::SinkExt as _;
    use tokio_tungstenite::tungstenite::Message;

    let server = Server::start(&["--store", "memory"]);
    let mut client = Client::connect(&server.url).await;
    for junk in [
        "",
        "{",
        "nul",
        "null",
        "1",
        "[]",
        "{\"type\":\"message\"}",
        "{\"type\":[\"file\"]}",
    ] {
        client.0.send(Message::text(junk)).await.expect("sent");
        assert_eq!(client.next().await["type"], "badParametersError", "{junk}");
    }
    client
        .0
        .send(Message::binary(b"{\"type\":\"\xff\"}".to_vec()))
        .await
        .expect("sent");
    assert_eq!(client.next().await["code"], 400);
    let depth = format!("{{\"type\":\"file\",\"data\":{}", "[".repeat(500_000));
    client.0.send(Message::text(depth)).await.expect("sent");
    assert_eq!(client.next().await["code"], 400);
    let echoed = client.ask(&json!({"type": "x", "ref": 7})).await;
    assert_eq!((&echoed["code"], &echoed["ref"]), (&json!(400), &json!(7)));
}

#[tokio::test]
async fn links_that_an_operator_puts_there_are_neither_read_nor_written_through() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (base, outside) = (place.path().join("base"), place.path().join("outside"));
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("secret"), "secret").expect("a file");
    let server = Server::start(&["--base-dir", base.to_str().expect("a plain path")]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    client.ask(&post("a", b"x")).await;
    let project = base.join("ana/demo");
    symlink(&outside, project.join("folder")).expect("a link");
    symlink(outside.join("secret"), project.join("file")).expect("a link");
    symlink(project.join("a"), project.join("inside")).expect("a link");
    for name in ["folder/secret", "file", "inside"] {
        assert_eq!(
            client.ask(&request("get", Some(name), false)).await["type"],
            "failReadFileError"
        );
        assert_eq!(
            client.ask(&post(name, b"x")).await["type"],
            "failWriteFileError"
        );
        assert_eq!(client.ask(&delete(name)).await["type"], "failReadFileError");
    }
    assert_eq!(names(&mut client, None, true).await, ["/a"]);
    assert_eq!(
        std::fs::read(outside.join("secret")).expect("there"),
        b"secret"
    );
}
