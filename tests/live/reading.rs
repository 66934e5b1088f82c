//! `get`, `list`, `status`, `watch` (section 4).

use crate::support::*;
use serde_json::{Value, json};

fn recursively(name: &str) -> Value {
    file(
        "get",
        json!({"username": "ana", "project": "demo", "name": name, "recursively": true}),
    )
}

/// The SHA-256 of `content` and of nothing.
const CONTENT: &str = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The names that a `get` sends, each file once.
async fn names(client: &mut Client, request: Value) -> Vec<String> {
    client.send(with_ref(request, 7)).await;
    let mut names = Vec::new();
    loop {
        let message = client.next().await;
        assert_eq!(message["ref"], 7, "{message}");
        let data = &message["data"];
        if message["type"] == "fileGetDone" {
            assert_eq!(data["files"], names.len());
            return names;
        }
        assert_eq!(message["type"], "fileGet", "{message}");
        names.push(data["name"].as_str().expect("a name").to_owned());
    }
}

async fn some_files(server: &Server) -> Client {
    let mut client = server.streamer().await;
    for name in ["d/b", "d.txt", "d-x", "/z", "d/sub/c", "A", "é"] {
        client.ok(post(name, name)).await;
    }
    client
}

#[tokio::test]
async fn files_come_in_byte_order_of_their_full_names() {
    let server = Server::start();
    some_files(&server).await;
    let mut anyone = server.connect().await;
    let all = ["/A", "/d-x", "/d.txt", "/d/b", "/d/sub/c", "/z", "/é"];
    assert_eq!(names(&mut anyone, get_all()).await, all);
    assert_eq!(names(&mut anyone, get("")).await, all);
    assert_eq!(names(&mut anyone, recursively("/")).await, all);
    assert_eq!(
        names(&mut anyone, get("/")).await,
        ["/A", "/d-x", "/d.txt", "/z", "/é"]
    );
    assert_eq!(names(&mut anyone, get("d")).await, ["/d/b"]);
    assert_eq!(names(&mut anyone, get("./d//")).await, ["/d/b"]);
    assert_eq!(
        names(&mut anyone, recursively("d")).await,
        ["/d/b", "/d/sub/c"]
    );
    assert_eq!(names(&mut anyone, get("//d/./b")).await, ["/d/b"]);
}

#[tokio::test]
async fn a_part_is_exactly_what_the_contract_says() {
    let server = Server::start();
    some_files(&server).await.ok(post("empty", "")).await;
    let mut anyone = server.connect().await;
    let part = |name: &str, content: &str| {
        json!({"code": 200, "type": "fileGet",
            "data": {"name": name, "content": content, "part": 1, "maxPart": 1}})
    };
    assert_eq!(anyone.ask(get("z")).await, part("/z", "L3o="));
    assert_eq!(anyone.ask(get("empty")).await, part("/empty", ""));
    let mut with_ref_of_text = part("/z", "L3o=");
    with_ref_of_text["ref"] = json!("ü");
    assert_eq!(anyone.ask(with_ref(get("z"), "ü")).await, with_ref_of_text);
    let done = json!({"code": 200, "type": "fileGetDone",
        "data": {"name": "/z", "files": 1}, "ref": "ü"});
    assert_eq!(anyone.next().await, done);
    anyone.send(with_ref(get_all(), 0)).await;
    anyone.expect_all("fileGet", 8).await;
    assert_eq!(
        anyone.expect("fileGetDone").await,
        json!({"name": "/", "files": 8})
    );
    anyone.quiet().await;
}

#[tokio::test]
async fn a_large_file_comes_in_parts_whose_base64_can_be_joined() {
    let server = Server::with(&["--part-bytes", "3000"]);
    let mut client = server.streamer().await;
    let mut anyone = server.connect().await;
    for bytes in [2_999, 3_000, 3_001, 9_000, 100_001] {
        let content = noise(bytes);
        client.ok(post("f", &content)).await;
        let parts = bytes.div_ceil(3_000);
        anyone.send(get("f")).await;
        let mut joined = String::new();
        for (index, data) in anyone.expect_all("fileGet", parts).await.iter().enumerate() {
            assert_eq!(
                (&data["part"], &data["maxPart"]),
                (&json!(index + 1), &json!(parts))
            );
            joined += data["content"].as_str().expect("content");
        }
        assert!(unbase64(&joined) == content, "{bytes} bytes");
        anyone.quiet().await;
    }
}

#[tokio::test]
async fn what_is_missing_is_named_as_it_was_sent() {
    let server = Server::start();
    some_files(&server).await;
    let mut anyone = server.connect().await;
    for name in ["//nothing", "d/nothing", "z/below", "Z"] {
        let expected = json!({"code": 409, "type": "failReadFileError", "file": name, "ref": 1,
            "message": format!("File {name} doesn't exist or cannot be read")});
        assert_eq!(anyone.ask(with_ref(get(name), 1)).await, expected);
    }
    for (name, request) in [
        ("nothing/", get("nothing/")),
        ("//nothing", recursively("//nothing")),
        ("z/", get("z/")),
    ] {
        let expected = json!({"code": 409, "type": "failReadPathError", "path": name,
            "message": format!("Path {name} doesn't exist or cannot be read")});
        assert_eq!(anyone.ask(request).await, expected);
    }
    for name in [json!(null), json!(""), json!("/")] {
        for subtype in ["get", "list"] {
            let data = json!({"username": "ana", "project": "none", "name": name});
            let expected = json!({"code": 409, "type": "failReadPathError", "path": "/",
                "message": "Path / doesn't exist or cannot be read"});
            assert_eq!(anyone.ask(file(subtype, data)).await, expected);
        }
    }
    anyone.quiet().await;
}

#[tokio::test]
async fn parameters_of_the_wrong_kind_are_refused() {
    let server = Server::start();
    some_files(&server).await;
    let mut anyone = server.connect().await;
    for data in [
        json!({"project": "demo"}),
        json!({"username": "ana"}),
        json!({"username": "..", "project": "demo"}),
        json!({"username": "ana", "project": ".."}),
        json!({"username": ".twicecast", "project": "demo"}),
        json!({"username": "ana", "project": "demo", "name": 5}),
        json!({"username": "ana", "project": "demo", "recursively": "yes"}),
        json!({"username": "ana", "project": "demo", "name": "../../etc/hostname"}),
    ] {
        anyone.refused(400, file("get", data.clone())).await;
        anyone.refused(400, file("list", data)).await;
    }
    anyone.quiet().await;
}

#[tokio::test]
async fn a_list_says_what_there_is_without_its_content() {
    let server = Server::start();
    let began = now() * 1_000;
    let mut client = server.streamer().await;
    client.ok(post("d/b", "content")).await;
    client.ok(post("e", "")).await;
    let mut anyone = server.connect().await;
    let answer = anyone.ask(with_ref(list_all(), "l")).await;
    assert_eq!(
        (&answer["type"], &answer["ref"]),
        (&json!("fileList"), &json!("l"))
    );
    let data = &answer["data"];
    assert_eq!(
        (&data["name"], &data["part"], &data["last"]),
        (&json!("/"), &json!(1), &json!(true))
    );
    for (index, (name, content, digest)) in [("/d/b", "content", CONTENT), ("/e", "", NOTHING)]
        .into_iter()
        .enumerate()
    {
        let listed = &data["files"][index];
        assert_eq!(
            (&listed["name"], &listed["size"]),
            (&json!(name), &json!(content.len()))
        );
        assert_eq!(listed["sha256"], digest);
        let modified = listed["modified"].as_u64().expect("a time");
        assert!(
            (began - 2_000..began + 60_000).contains(&modified),
            "{modified}"
        );
    }
    let own = file(
        "list",
        json!({"username": "ana", "project": "demo", "name": "/"}),
    );
    let own = anyone.ok(own).await;
    assert_eq!(
        own["files"].as_array().map(Vec::len),
        Some(1),
        "its own files alone"
    );
    assert_eq!(own["files"][0]["name"], "/e");
}

#[tokio::test]
async fn a_long_list_comes_in_messages_of_1000_files() {
    let server = Server::with(&["--durability", "rename"]);
    let mut client = server.streamer().await;
    client
        .send_all((0..1_001).map(|n| post(&format!("f{n:04}"), "")))
        .await;
    client.expect_all("filePost", 1_001).await;
    client.send(list_all()).await;
    let first = client.expect("fileList").await;
    let second = client.expect("fileList").await;
    assert_eq!(first["files"].as_array().map(Vec::len), Some(1_000));
    assert_eq!((&first["part"], &first["last"]), (&json!(1), &json!(false)));
    assert_eq!(second["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&second["part"], &second["last"]),
        (&json!(2), &json!(true))
    );
    client.quiet().await;
}

#[tokio::test]
async fn a_list_of_long_names_comes_in_messages_of_64_kib_of_names() {
    let server = Server::with(&["--durability", "rename"]);
    let mut client = server.streamer().await;
    let folder = format!("{}/", "x".repeat(250)).repeat(12);
    let names: Vec<_> = (0..50).map(|n| format!("{folder}{n:02}")).collect();
    client
        .send_all(names.iter().map(|name| post(name, "")))
        .await;
    client.expect_all("filePost", names.len()).await;
    client.send(list_all()).await;
    let mut listed = Vec::new();
    for part in 1.. {
        let message = client.expect("fileList").await;
        assert_eq!(message["part"], part);
        let files = message["files"].as_array().expect("a list");
        let files = files
            .iter()
            .map(|file| file["name"].as_str().expect("a name"));
        let bytes: usize = files.clone().map(str::len).sum();
        assert!(bytes < 64 * 1_024 + 4_097, "{bytes}");
        listed.extend(files.map(|name| name[1..].to_owned()));
        if message["last"] == true {
            assert_eq!(part, 3);
            break;
        }
    }
    assert_eq!(listed, names);
}
