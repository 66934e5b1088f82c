//! Names and content of what is posted (section 4).

use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn hostile_names_are_refused_and_nothing_leaves_the_project() {
    let server = Server::alone();
    std::fs::write(server.folder().join("canary"), "canary").expect("written");
    let mut client = server.streamer().await;
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let long_segment = "n".repeat(256);
    let long_path = "nnnnnnn/".repeat(512) + "n";
    let deep = "d/".repeat(64) + "f";
    let both = [
        "..",
        "../canary",
        "../../canary",
        "a/../../x",
        "/../x",
        "a/..",
        "..\\x",
        "a\\b",
        "\\\\?\\C:\\x",
        "a\0.txt",
        "a\nb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        &long_segment,
        &long_path,
        &deep,
        "/",
        "",
        ".",
        "//.//",
    ];
    for name in both {
        let answer = client.refused(400, post(name, "evil")).await;
        assert_eq!(answer["file"], name);
        let answer = client.refused(400, delete(name)).await;
        assert_eq!(answer["file"], name);
    }
    for name in ["d/", "d//"] {
        client.refused(400, post(name, "x")).await;
    }
    for data in [
        json!({"content": "QQ=="}),
        json!({"name": null, "content": "QQ=="}),
        json!({"name": 5, "content": "QQ=="}),
        json!({"name": ["a"], "content": "QQ=="}),
        json!({"name": "a"}),
        json!({"name": "a", "content": null}),
        json!({"name": "a", "content": 5}),
        json!({"name": "a", "content": [65]}),
    ] {
        client.refused(400, file("post", data)).await;
    }
    client
        .send_text(r#"{"type":"file","subtype":"post","data":{"name":"\ud800","content":""}}"#)
        .await;
    assert_eq!(client.next().await["code"], 400);
    assert_eq!(client.ok(list_all()).await["files"], json!([]));
    watcher.quiet().await;
    assert_eq!(
        std::fs::read(server.folder().join("canary")).expect("there"),
        b"canary"
    );
    let mut outside: Vec<_> = std::fs::read_dir(server.folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    outside.sort_unstable();
    assert_eq!(outside, ["base", "canary", "server.log"]);
}

#[tokio::test]
async fn odd_but_harmless_names_are_files_like_others() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let deepest = "d/".repeat(63) + "f";
    let longest = "é".repeat(127) + "n";
    let names = [
        "A.txt",
        "a.txt",
        "e\u{301}",
        "\u{e9}",
        "..%2fx",
        "....",
        "...",
        "．．",
        "file:",
        "CON",
        "a.",
        "a ",
        " a",
        "a:b",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        ".git/config",
        ".twicecast",
        ".tmp",
        "\u{202e}x",
        "\u{feff}",
        "-rf",
        "*",
        &deepest,
        &longest,
    ];
    for name in names {
        client.ok(post(name, name)).await;
    }
    for name in names {
        assert_eq!(
            client.ok(get(name)).await["content"],
            base64(name),
            "{name:?}"
        );
    }
    let listed = client.ok(list_all()).await;
    assert_eq!(listed["files"].as_array().map(Vec::len), Some(names.len()));
}

#[tokio::test]
async fn content_is_byte_exact() {
    let server = Server::alone();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let every_byte: Vec<u8> = (0..=255).collect();
    for content in [
        &every_byte[..],
        b"",
        b"\0",
        b"a\r\nb\r",
        "é€😀".as_bytes(),
        &noise(300_000),
    ] {
        client.ok(post("f", content)).await;
        assert!(std::fs::read(server.project().join("f")).expect("stored") == content);
        let mut joined = String::new();
        loop {
            let data = bob.expect("fileGet").await;
            joined += data["content"].as_str().expect("content");
            if data["part"] == data["maxPart"] {
                break;
            }
        }
        assert!(unbase64(&joined) == content);
    }
}

#[tokio::test]
async fn base64_is_taken_strictly_but_for_padding_and_white_space() {
    let server = Server::start();
    let mut client = server.streamer().await;
    for (text, content) in [
        ("YQ", "a"),
        ("YQ==", "a"),
        (" YW\r\nI=\t\n", "ab"),
        ("", ""),
        ("Pz8/", "???"),
    ] {
        client
            .ok(file("post", json!({"name": "f", "content": text})))
            .await;
        assert_eq!(
            client.ok(get("f")).await["content"],
            base64(content),
            "{text:?}"
        );
    }
    for text in [
        "***",
        "Y",
        "YQ=",
        "YQ==YQ==",
        "YR==",
        "YWJ=",
        "Pz8_",
        "=",
        "YQ==x",
        "Y\u{e9}==",
    ] {
        client
            .refused(400, file("post", json!({"name": "f", "content": text})))
            .await;
    }
    assert_eq!(
        client.ok(get("f")).await["content"],
        base64("???"),
        "unchanged"
    );
    let not_whole = |content| {
        file(
            "post",
            json!({"name": "p", "content": content, "part": 1, "maxPart": 2}),
        )
    };
    client.refused(400, not_whole("YWI")).await;
    client.send(not_whole("YWI=")).await;
    client.ok(post_part("p", "c", 2, 2)).await;
    assert_eq!(client.ok(get("p")).await["content"], base64("abc"));
}

#[tokio::test]
async fn hostile_names_are_refused_wherever_a_name_is_taken() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    let long_segment = "n".repeat(256);
    let very_long = "n/".repeat(50_000);
    let very_deep = "d/".repeat(2_000) + "f";
    let hostile = [
        "..",
        "../a",
        "../../bob/x/a",
        "/../../bob/x/a",
        "a/../../x",
        "..\\a",
        "C:\\a",
        "\\\\?\\C:\\a",
        "a\0.txt",
        "a\nb",
        "\u{1b}[2J",
        "\u{7f}",
        &long_segment,
        &very_long,
        &very_deep,
    ];
    for name in hostile {
        // An error does not repeat a name that no file can have.
        let repeated = if name.len() > 4_097 {
            Value::Null
        } else {
            json!(name)
        };
        // A client that gets only refusals is slowed down.
        ana.ok(list_all()).await;
        for subtype in ["get", "list"] {
            for recursively in [false, true] {
                let data = json!({"username": "ana", "project": "demo", "name": name,
                    "recursively": recursively});
                let answer = ana.refused(400, file(subtype, data)).await;
                assert_eq!(answer["file"], repeated);
            }
        }
        let answer = bob.refused(400, post(name, "evil")).await;
        assert_eq!(answer["file"], repeated);
        bob.refused(400, delete(name)).await;
    }
    for name in hostile.into_iter().chain([".", "/", "", "a/b", "/a"]) {
        ana.ok(list_all()).await;
        let user = json!({"username": name, "project": "demo"});
        // A project's name is never a path, so it may look like one.
        let is_project = !matches!(name, "" | "." | "..")
            && name.len() <= 255
            && !name.chars().any(char::is_control);
        let project = (!is_project).then(|| json!({"username": "ana", "project": name}));
        for data in std::iter::once(user).chain(project) {
            for subtype in ["get", "list", "status", "watch", "unwatch", "auth"] {
                ana.refused(400, file(subtype, data.clone())).await;
            }
        }
    }
    bob.refused(400, finish()).await;
    assert_eq!(ana.ok(get_all()).await["name"], "/a");
    ana.quiet().await;
}

#[tokio::test]
async fn a_project_may_be_named_like_a_path_and_is_none() {
    let mut server = Server::alone();
    let names = ["C/C++ d\u{e9}mo", "a/b", "a%2Fb", "../bob", "100%", "a\\b"];
    let folders = [
        "C%2FC++ d\u{e9}mo",
        "a%2Fb",
        "a%252Fb",
        "..%2Fbob",
        "100%25",
        "a%5Cb",
    ];
    for name in names {
        let mut ana = server.connect().await;
        ana.authenticate(streamer("ana", name)).await;
        ana.ok(post("f", name)).await;
        let mut bob = server.connect().await;
        let mut data = viewer("bob", "ana", name);
        data["chat"] = chat_section("bob", &format!("ana/{name}"));
        bob.authenticate(data).await;
        bob.ok(say("hello")).await;
        bob.ok(creation()).await;
        bob.ok(post("g", name)).await;
        bob.ok(finish()).await;
    }
    let base = server.folder().join("base");
    let mut found: Vec<_> = std::fs::read_dir(base.join("ana"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    found.sort_unstable();
    let mut expected = folders.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(!base.join("bob").exists());
    server.restart();
    for name in names {
        let mut ana = server.connect().await;
        ana.authenticate(streamer("ana", name)).await;
        ana.expect("pullRequestCreated").await;
        let data = json!({"username": "ana", "project": name, "name": "f"});
        let read = ana.ok(file("get", data)).await;
        assert_eq!(read["content"], base64(name));
    }
}
