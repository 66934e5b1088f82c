//! No more files can be opened, by connections or by anything else.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::other_user;
use crate::support::*;

/// The processor time that the server has taken, in ticks (commonly a hundred a second).
fn ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid()));
    let stat = stat.expect("it runs");
    // Counted after the name, which may contain anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let field = |number: usize| fields.split_whitespace().nth(number).expect("a field");
    field(11).parse::<u64>().expect("a number") + field(12).parse::<u64>().expect("a number")
}

#[tokio::test]
async fn out_of_files_it_serves_whom_it_has_rests_between_attempts_and_recovers() {
    let server = other_user::start(&["--nofile=64:64"]);
    let mut ana = server.streamer().await;
    ana.ok(post("a", "old")).await;
    let (mut bob, mut eve) = (
        server.member("bob", "r").await,
        server.member("eve", "r").await,
    );
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let one = TcpStream::connect(("127.0.0.1", server.port)).await;
        crowd.push(one.expect("the system takes it"));
    }
    let full = async {
        while server.open_files() < 64 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, full)
        .await
        .expect("all are taken");
    bob.ok(say("is it crowded?")).await;
    assert_eq!(eve.expect("chatMessage").await["message"], "is it crowded?");
    ana.refused(409, post("a", "new")).await;
    // The server cannot even look up whether the project exists.
    ana.refused(409, get("a")).await;
    ana.refused(409, delete("a")).await;
    let before = ticks(&server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let taken = ticks(&server) - before;
    assert!(taken < 20, "{taken} ticks of some 100: it does not rest");
    drop(crowd);
    let mut again = server.streamer().await;
    assert_eq!(again.ok(get("a")).await["content"], base64("old"));
    again.ok(post("a", "new")).await;
}
