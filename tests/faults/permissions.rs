//! Folders and files that the server's user may not access.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::other_user;
use crate::support::*;

fn mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

async fn demo() -> (Server, Client) {
    let server = other_user::start(&["--nofile=1024"]);
    let mut ana = server.streamer().await;
    for name in ["a", "d/b", "d/c"] {
        ana.ok(post(name, name)).await;
    }
    (server, ana)
}

#[tokio::test]
async fn a_project_that_may_not_be_written_refuses_every_change_and_is_read_as_before() {
    let (server, mut ana) = demo().await;
    mode(&server.project(), 0o555);
    for change in [
        post("new", ""),
        post("a", "other"),
        post("e/f", ""),
        delete("a"),
    ] {
        let refusal = ana.refused(409, change).await;
        assert_eq!(refusal["type"], "failWriteFileError");
    }
    assert_eq!(ana.ok(get("a")).await["content"], base64("a"));
    ana.ok(post("d/b", "other")).await;
    ana.send(with_ref(get_all(), "all")).await;
    assert_eq!(ana.until("fileGetDone").await["data"]["files"], 3);
    let mut other = server.connect().await;
    other.authenticate(streamer("bea", "own")).await;
    other.ok(post("a", "")).await;
    mode(&server.project(), 0o755);
    ana.ok(post("a", "other")).await;
    ana.ok(delete("d")).await;
}

#[tokio::test]
async fn what_may_not_be_read_is_said_so_and_all_else_is_sent() {
    let (server, mut ana) = demo().await;
    let mut eve = server.viewer("eve").await;
    mode(&server.project().join("d/b"), 0);
    let refusal = eve.refused(409, get("d/b")).await;
    assert_eq!(
        refusal["message"],
        "File d/b doesn't exist or cannot be read"
    );
    eve.send(with_ref(get_all(), "all")).await;
    assert_eq!(eve.expect("fileGet").await["name"], "/a");
    assert_eq!(
        eve.expect("failReadFileError").await,
        serde_json::Value::Null
    );
    assert_eq!(eve.expect("fileGet").await["name"], "/d/c");
    assert_eq!(eve.expect("fileGetDone").await["files"], 2);
    mode(&server.project().join("d"), 0);
    // The server knows the names, and need not read the folder for them.
    eve.send(with_ref(get("d/"), "d")).await;
    for _ in ["d/b", "d/c"] {
        assert_eq!(
            eve.expect("failReadFileError").await,
            serde_json::Value::Null
        );
    }
    assert_eq!(eve.expect("fileGetDone").await["files"], 0);
    mode(&server.project().join("d"), 0o755);
    // The file is replaced, not written to, so its own mode does not matter.
    ana.ok(post("d/b", "again")).await;
    assert_eq!(eve.expect("fileGet").await["content"], base64("again"));
    eve.quiet().await;
}

#[tokio::test]
async fn where_the_server_may_not_keep_its_own_things_nothing_is_acknowledged() {
    let (server, mut ana) = demo().await;
    let staging = server.base().join(".twicecast/staging");
    mode(&staging, 0o555);
    ana.refused(409, post("new", "")).await;
    ana.refused(409, post("a", "other")).await;
    ana.refused(409, delete("a")).await;
    assert_eq!(ana.ok(get("a")).await["content"], base64("a"));
    let projects = server.base().join(".twicecast/projects");
    mode(&projects, 0o555);
    let mut other = server.connect().await;
    other
        .refused(500, authenticate(streamer("bea", "own")))
        .await;
    mode(&staging, 0o755);
    mode(&projects, 0o755);
    other.authenticate(streamer("bea", "own")).await;
    other.ok(post("a", "")).await;
    ana.ok(post("a", "other")).await;
}
