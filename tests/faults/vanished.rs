//! A base folder that is removed while the server runs.

use crate::support::*;

/// Requests that concern files are refused, and the rest goes on.
async fn check(server: &Server, ana: &mut Client) {
    for change in [post("new", ""), post("a", "other"), delete("a")] {
        ana.refused(409, change).await;
    }
    // Nothing can be read either.
    for request in [get("a"), get_all(), list_all()] {
        ana.refused(409, request).await;
    }
    let mut other = server.connect().await;
    other
        .refused(500, authenticate(streamer("bea", "own")))
        .await;
    let (mut bob, mut eve) = (
        server.member("bob", "r").await,
        server.member("eve", "r").await,
    );
    bob.ok(say("still here")).await;
    assert_eq!(eve.expect("chatMessage").await["message"], "still here");
    assert!(
        http(server, "/healthz", "")
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn without_its_folder_the_server_acknowledges_nothing_and_lives() {
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "a")).await;
    std::fs::remove_dir_all(server.base()).expect("removed");
    check(&server, &mut ana).await;
    // The same holds if something else takes its name.
    std::fs::write(server.base(), "a file").expect("written");
    check(&server, &mut ana).await;
    assert_eq!(std::fs::read(server.base()).expect("untouched"), b"a file");
    std::fs::remove_file(server.base()).expect("removed");
    // A new folder does not help either: only a restart uses it.
    std::fs::create_dir(server.base()).expect("made");
    check(&server, &mut ana).await;
    server.restart();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "a")).await;
}
