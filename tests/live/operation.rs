//! What the operator sees: configuration, other people's folders, HTTP (sections 3, 8 and 9).

use std::os::unix::fs::symlink;

use crate::support::*;
use serde_json::json;

#[test]
fn a_bad_configuration_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (args, named) in [
        (&["--port", "65536"][..], "port"),
        (&["--no-such-flag", "1"], "no-such-flag"),
        (&["--part-bytes", "100"], "--part-bytes"),
        (&["--store", "cloud"], "store"),
        (&["--public-read", "perhaps"], "--public-read"),
        (&["--host", "0.0.0.0"], "key"),
        (&["--config", "missing.json"], "missing.json"),
        (&["nonsense"], "PORT"),
    ] {
        let said = refused_start(folder.path(), args);
        assert!(said.contains(named), "{args:?}: {said}");
    }
    for (text, named) in [
        (r#"{"prot": 3005}"#, "prot"),
        (r#"{"port": "3005"}"#, "port"),
        (r#"{"maxFileBytes": -1}"#, "maxFileBytes"),
        ("{", "config.json"),
    ] {
        std::fs::write(folder.path().join("config.json"), text).expect("written");
        let said = refused_start(folder.path(), &["--base-dir", "made"]);
        assert!(said.contains(named), "{text}: {said}");
    }
    assert!(!folder.path().join("made").exists(), "nothing was made");
}

#[test]
fn a_key_file_that_cannot_be_read_stops_the_start_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["--base-dir", "made", "--public-key-file", "missing.pem"];
    let said = refused_start(folder.path(), &args);
    assert!(said.contains("missing.pem"), "{said}");
    assert!(!folder.path().join("made").exists());
}

#[test]
fn a_named_file_that_never_ends_stops_the_start_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.expect("mkfifo").success());
    for flag in ["--key-file", "--public-key-file", "--config"] {
        for (file, why) in [("fifo", "nobody writes"), ("/dev/zero", "a device")] {
            let said = refused_start(folder.path(), &["--base-dir", "made", flag, file]);
            assert!(said.contains(why) && said.contains(file), "{flag}: {said}");
            let checked = run(folder.path(), &["--check-config", flag, file]);
            assert_eq!(checked.status.code(), Some(2), "{flag} {file}");
        }
    }
    assert!(!folder.path().join("made").exists());
}

#[test]
fn a_base_folder_that_is_a_file_is_named_with_the_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "x").expect("written");
    let said = refused_start(folder.path(), &["--port", "0", "--base-dir", "file"]);
    assert!(said.contains("baseDir file: "), "{said}");
}

#[test]
fn the_originals_keys_are_taken_from_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"{"port": 4000, "baseDir": "./here", "key": "secret", "crypto": "aes"}"#;
    std::fs::write(folder.path().join("config.json"), text).expect("written");
    let output = run(folder.path(), &["--check-config"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("crypto"), "a warning: {said}");
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_does_not_start() {
    let mut server = Server::start();
    let args = ["--port", "0", "--base-dir", "base"];
    let said = refused_start(server.folder(), &args);
    assert!(said.contains("another server"), "{said}");
    server.streamer().await.ok(post("a", "x")).await;
    assert!(server.stop());
}

#[tokio::test]
async fn folders_that_the_server_did_not_make_are_no_projects_until_adopted() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("base/ana/demo");
    std::fs::create_dir_all(&own).expect("made");
    std::fs::write(own.join("a"), "private").expect("written");
    let mut server = Server::start_in(folder, Vec::new());
    let mut client = server.connect().await;
    let answer = client
        .refused(400, authenticate(streamer("ana", "demo")))
        .await;
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("adopt"),
        "{answer}"
    );
    client
        .refused(400, authenticate(viewer("bob", "ana", "demo")))
        .await;
    client.refused(409, get("a")).await;
    client.refused(409, list_all()).await;
    client.refused(409, file("status", project())).await;
    assert!(server.stop());
    let output = run(
        server.folder(),
        &["adopt", "ana/demo", "--base-dir", "base"],
    );
    assert!(output.status.success(), "{output:?}");
    server.restart();
    let mut client = server.streamer().await;
    assert_eq!(client.ok(get("a")).await["content"], base64("private"));
}

#[tokio::test]
async fn nobody_streams_into_a_users_folder_that_the_server_did_not_make() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("base/src")).expect("made");
    std::fs::write(folder.path().join("base/src/main.rs"), "private").expect("written");
    let mut server = Server::start_in(folder, Vec::new());
    let mut client = server.connect().await;
    let answer = client
        .refused(400, authenticate(streamer("src", "demo")))
        .await;
    let message = answer["message"].as_str().expect("a message");
    assert!(message.contains("adopt"), "{message}");
    client
        .refused(400, authenticate(viewer("bob", "src", "demo")))
        .await;
    let theirs = json!({"username": "src", "project": "demo"});
    client.refused(409, file("status", theirs)).await;
    let left = std::fs::read_dir(server.folder().join("base/src")).expect("a folder");
    assert_eq!(left.count(), 1, "nothing was made");
    assert!(server.stop());
    let adopt = |named, base| run(server.folder(), &["adopt", named, "--base-dir", base]);
    assert!(!adopt("src/demo", "base").status.success(), "no folder");
    let output = adopt("src", "base");
    assert!(output.status.success(), "{output:?}");
    server.restart();
    let mut client = server.connect().await;
    client.authenticate(streamer("src", "demo")).await;
    client.ok(post("a", "x")).await;
}

#[tokio::test]
async fn a_folder_is_adopted_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("base/ana/demo")).expect("made");
    std::fs::write(folder.path().join("base/ana/demo/a"), "mine").expect("written");
    let server = Server::start_in(folder, Vec::new());
    let mut client = server.connect().await;
    client
        .refused(400, authenticate(streamer("ana", "demo")))
        .await;
    let output = run(
        server.folder(),
        &["adopt", "ana/demo", "--base-dir", "base"],
    );
    assert!(output.status.success(), "{output:?}");
    client.authenticate(streamer("ana", "demo")).await;
    assert_eq!(client.ok(get("a")).await["content"], base64("mine"));
    let said = refused_start(server.folder(), &["adopt", "eve", "--base-dir", "base"]);
    assert!(said.contains("eve cannot be adopted"), "{said}");
}

#[tokio::test]
async fn a_project_is_removed_while_the_server_runs_and_all_who_receive_it_are_told() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    for name in ["a", "d/b"] {
        ana.ok(post(name, "x")).await;
    }
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("fix", "y")).await;
    bob.ok(finish()).await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    let said = refused_start(
        server.folder(),
        &["remove", "ana/demo", "--base-dir", "base"],
    );
    assert!(said.contains("--yes"), "nobody to ask: {said}");
    assert_eq!(
        ana.ok(list_all()).await["files"].as_array().map(Vec::len),
        Some(2)
    );

    let args = ["remove", "ana/demo", "--yes", "--base-dir", "base"];
    let output = run(server.folder(), &args);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("files: 2 (2 bytes), open pull requests: 1"),
        "{said}"
    );
    assert_eq!(bob.expect("fileDeleted").await["file"], "/a");
    assert_eq!(bob.expect("fileDeleted").await["file"], "/d/b");
    assert_eq!(bob.expect("pullRequestClosed").await["id"], id);
    assert_eq!(ana.expect("fileDeleted").await["file"], "/a");
    assert_eq!(ana.expect("fileDeleted").await["file"], "/d/b");
    let late = ana.refused(409, post("a", "late")).await;
    assert_eq!(late["type"], "failWriteFileError");
    let late = ana.refused(409, delete("a")).await;
    assert_eq!(late["type"], "failReadFileError");
    assert!(!server.project().exists());
    for gone in ["projects/ana/demo", "pulls/ana/demo"] {
        let gone = server.folder().join("base/.twicecast").join(gone);
        let left = std::fs::read_dir(&gone).map_or(0, Iterator::count);
        assert!(left == 0 && !gone.is_file(), "{}", gone.display());
    }
    let said = refused_start(server.folder(), &args);
    assert!(said.contains("cannot be removed"), "it is gone: {said}");

    ana.authenticate(streamer("ana", "demo")).await;
    ana.ok(post("a", "new")).await;
    assert_eq!(bob.expect("fileGet").await["content"], base64("new"));
}

#[tokio::test]
async fn viewers_are_told_of_what_a_rescan_finds() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    for name in ["changed", "gone", "kept"] {
        ana.ok(post(name, "x")).await;
    }
    let mut bob = server.viewer("bob").await;
    std::fs::write(server.project().join("changed"), "by hand").expect("written");
    std::fs::write(server.project().join("new"), "by hand").expect("written");
    std::fs::remove_file(server.project().join("gone")).expect("removed");
    let rescan = |named| run(server.folder(), &["rescan", named, "--base-dir", "base"]);
    let output = rescan("ana/demo");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(": 3"), "{said}");
    for client in [&mut ana, &mut bob] {
        assert_eq!(client.expect("fileDeleted").await["file"], "/gone");
        for name in ["/changed", "/new"] {
            let file = client.expect("fileGet").await;
            assert_eq!(file["name"], name);
            assert_eq!(file["content"], base64("by hand"));
        }
    }
    let output = rescan("ana");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(": 0"),
        "{output:?}"
    );
    assert!(!rescan("eve").status.success(), "who has no project");
    ana.ok(post("changed", "again")).await;
    assert_eq!(bob.expect("fileGet").await["content"], base64("again"));
    bob.quiet().await;
}

#[tokio::test]
async fn a_project_is_removed_while_no_server_runs() {
    let mut server = Server::alone();
    server.streamer().await.ok(post("a", "x")).await;
    assert!(server.stop());
    std::os::unix::fs::symlink("nowhere", server.project().join("link")).expect("linked");
    let args = ["remove", "ana/demo", "--yes", "--base-dir", "base"];
    let output = run(server.folder(), &args);
    assert!(output.status.success(), "{output:?}");
    assert!(!server.project().exists());
    server.restart();
    let staging = server.folder().join("base/.twicecast/staging");
    assert_eq!(std::fs::read_dir(staging).expect("a folder").count(), 0);
    server.connect().await.refused(409, list_all()).await;
}

#[test]
fn nothing_is_adopted_in_a_base_folder_that_does_not_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["adopt", "ana", "--base-dir", "missing"];
    let said = refused_start(folder.path(), &args);
    assert!(said.contains("baseDir missing: "), "{said}");
    assert!(!folder.path().join("missing").exists(), "nothing was made");
}

#[tokio::test]
async fn links_and_special_files_in_a_project_are_not_followed() {
    let server = Server::alone();
    std::fs::create_dir(server.folder().join("outside")).expect("made");
    let outside = server.folder().join("outside/secret");
    std::fs::write(&outside, "secret").expect("written");
    let mut client = server.streamer().await;
    client.ok(post("a", "x")).await;
    let project = server.project();
    symlink(&outside, project.join("file")).expect("linked");
    symlink(server.folder().join("outside"), project.join("folder")).expect("linked");
    symlink(project.join("a"), project.join("inside")).expect("linked");
    symlink("loop", project.join("loop")).expect("linked");
    std::fs::write(project.join("back\\slash"), "x").expect("written");
    let fifo = std::process::Command::new("mkfifo")
        .arg(project.join("fifo"))
        .status();
    assert!(fifo.expect("mkfifo runs").success());
    for name in ["file", "folder/secret", "inside", "loop", "fifo"] {
        let answer = client.refused(409, get(name)).await;
        assert_eq!(answer["type"], "failReadFileError", "{name}");
        let answer = client.refused(409, post(name, "evil")).await;
        assert_eq!(answer["type"], "failWriteFileError", "{name}");
    }
    client.refused(409, post("folder/new", "evil")).await;
    client.refused(409, get("folder/")).await;
    let listed = client.ok(list_all()).await;
    assert_eq!(
        listed["files"].as_array().map(Vec::len),
        Some(1),
        "{listed}"
    );
    client.send(with_ref(get_all(), 1)).await;
    assert_eq!(client.expect("fileGet").await["name"], "/a");
    client.expect("fileGetDone").await;
    assert_eq!(std::fs::read(outside).expect("there"), b"secret");
    let beside = std::fs::read_dir(server.folder().join("outside")).expect("a folder");
    assert_eq!(beside.count(), 1);
}

#[tokio::test]
async fn plain_http_is_answered_on_the_same_port() {
    let server = Server::start();
    for (path, headers, status) in [
        ("/nothing", "", "404"),
        ("/nothing", UPGRADE, "404"),
        ("/ws", "", "426"),
        ("/ws", UPGRADE, "101"),
        ("/", UPGRADE, "101"),
        ("/", "", "200"),
        ("/readyz", "", "200"),
    ] {
        let answer = http(&server, path, headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
    }
    let health = http(&server, "/healthz", "").await;
    assert!(health.contains(r#""status":"ok""#), "{health}");
}

#[test]
fn the_log_begins_with_version_addresses_folder_and_limits() {
    let server = Server::start();
    let log = server.log();
    let start = log
        .lines()
        .find(|line| line.contains(" listening "))
        .expect("a line");
    for shown in [
        concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""),
        &format!("addresses=[127.0.0.1:{}", server.port),
        "base_dir=\"base\"",
        "max_connections=20000",
    ] {
        assert!(start.contains(shown), "{shown}: {start}");
    }
}

#[tokio::test]
async fn on_loopback_no_foreign_page_and_no_rebound_name_gets_anything() {
    let server = Server::start();
    let upgrade = |path: &str, host: &str, origin: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}{origin}\r\n")
    };
    let page = |host: &str, origin: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
    let evil = "Origin: https://evil.example\r\n";
    let own = format!("Origin: http://localhost:{}\r\n", server.port);
    for (request, status) in [
        (upgrade("/", "localhost", ""), "101"),
        (upgrade("/ws/", "127.0.0.1", &own), "101"),
        (upgrade("/", "localhost", evil), "403"),
        (upgrade("/ws", "localhost", "Origin: null\r\n"), "403"),
        (upgrade("/", "rebound.example", ""), "403"),
        (
            upgrade("/", "rebound.example", "X-Forwarded-For: 192.0.2.1\r\n"),
            "403",
        ),
        (page("localhost", ""), "200"),
        (page("rebound.example", ""), "403"),
        (page("localhost", evil), "403"),
        (
            "GET /healthz HTTP/1.1\r\nHost: rebound.example\r\n\r\n".to_owned(),
            "200",
        ),
        (
            "GET /readyz HTTP/1.1\r\nHost: rebound.example\r\n\r\n".to_owned(),
            "200",
        ),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example\r\n\r\n".to_owned(),
            "400",
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = exchange(&server, &request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{request}: {answer}");
    }
    let refused = exchange(&server, &upgrade("/", "code.example", "")).await;
    assert!(refused.contains("publicUrl"), "{refused}");
    let refused = exchange(&server, &upgrade("/", "localhost", evil)).await;
    assert!(refused.contains("allowedOrigins"), "{refused}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_public_address_is_the_servers_own() {
    let server = Server::with(&[
        "--trusted-proxies",
        "127.0.0.0/8",
        "--public-url",
        "https://code.example/",
    ]);
    let forwarded = "X-Forwarded-For: 192.0.2.1\r\n";
    for (host, origin, status) in [
        ("code.example", "", "101"),
        ("code.example", "Origin: https://code.example\r\n", "101"),
        ("127.0.0.1:3005", "Origin: https://code.example\r\n", "101"),
        ("code.example", "Origin: https://evil.example\r\n", "403"),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}{forwarded}{origin}\r\n");
        let answer = exchange(&server, &request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{request}: {answer}");
    }
    let page = format!("GET / HTTP/1.1\r\nHost: code.example\r\n{forwarded}\r\n");
    assert!(exchange(&server, &page).await.starts_with("HTTP/1.1 200"));
    let page = format!("GET / HTTP/1.1\r\nHost: rebound.example\r\n{forwarded}\r\n");
    assert!(exchange(&server, &page).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn that_a_trusted_proxys_header_cannot_be_read_is_logged_once_and_not_what_it_says() {
    let server = Server::with(&["--trusted-proxies", "127.0.0.0/8"]);
    let log = || {
        let log = server.log();
        let told = log.matches("X-Forwarded-For").count();
        (told, log)
    };
    for header in ["X-Forwarded-For: 192.0.2.1:80", "X-Forwarded-For: x, [::1]"] {
        let page = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");
        exchange(&server, &page).await;
    }
    assert_eq!(log().0, 0, "{}", log().1);
    for header in ["X-Forwarded-For: canary", "Forwarded: for=\"192.0.2.1\""] {
        let page = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");
        exchange(&server, &page).await;
    }
    let (told, log) = log();
    assert!(told == 1 && log.contains("127.0.0.1"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test]
async fn origins_are_checked_where_the_operator_lists_them() {
    let server = Server::with(&["--allowed-origins", "https://good.example"]);
    for (origin, status) in [
        ("", "101"),
        ("Origin: https://good.example\r\n", "101"),
        ("Origin: https://evil.example\r\n", "403"),
        ("Origin: null\r\n", "403"),
    ] {
        let answer = http(&server, "/", &format!("{UPGRADE}{origin}")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{origin}: {answer}"
        );
    }
}

#[tokio::test]
async fn the_memory_store_keeps_the_same_protocol() {
    let server = Server::alone_with(&["--store", "memory"]);
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    ana.ok(post("d/a", "x")).await;
    bob.expect("fileGet").await;
    bob.ok(creation()).await;
    bob.ok(post("fix", "y")).await;
    bob.ok(finish()).await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    ana.send(pull_request("get", json!({"id": id}))).await;
    assert_eq!(ana.expect("fileGet").await["name"], "/fix");
    ana.expect("pullRequestGet").await;
    ana.ok(delete("d")).await;
    assert_eq!(bob.expect("fileDeleted").await["file"], "/d/a");
    bob.refused(409, get("d/a")).await;
}

#[tokio::test]
async fn other_methods_of_http_are_refused() {
    let server = Server::start();
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let answer = exchange(&server, request).await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[tokio::test]
async fn a_token_of_the_command_is_good() {
    let server = Server::start();
    let args = ["token", "--username", "ana", "--project", "demo"];
    let output = run(server.folder(), &args);
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).expect("text");
    let data = json!({"token": token.trim(), "file": file_section("ana", "demo")});
    let mut client = server.connect().await;
    client.authenticate(data).await;
    client.ok(post("a", "x")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_finishes_what_it_acknowledges_and_says_good_bye_with_1001() {
    let mut server = Server::alone();
    let mut client = server.streamer().await;
    client
        .send_all((0..200).map(|n| post(&format!("f{n}"), "x")))
        .await;
    let ((acknowledged, code), stopped) = tokio::join!(client.rest_until_closed(), async {
        tokio::task::block_in_place(|| server.stop())
    });
    assert!(stopped);
    assert_eq!(code, 1_001);
    let stored = std::fs::read_dir(server.project()).map_or(0, Iterator::count);
    let acknowledged = acknowledged.len();
    assert!(
        stored >= acknowledged,
        "{stored} stored, {acknowledged} acknowledged"
    );
}
