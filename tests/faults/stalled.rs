//! A disk that stalls.

use std::time::Duration;

use crate::strace::Strace;
use crate::support::*;

/// More than may be under way at once for one project.
const WAITING: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stalled_disk_holds_up_delays_no_other_project_and_no_chat() {
    let server = Server::start();
    let mut slow = server.streamer().await;
    let mut other = server.connect().await;
    other.authenticate(streamer("bea", "own")).await;
    let (mut bob, mut eve) = (
        server.member("bob", "r").await,
        server.member("eve", "r").await,
    );
    other.ok(post("a", "")).await;
    // Only requests that make folders are held up.
    let stall = "inject=mkdirat:delay_enter=2000000";
    let strace = Strace::attach(server.pid(), &["-e", "trace=mkdirat", "-e", stall]);
    slow.send_all((0..WAITING).map(|number| post(&format!("{number}/f"), "x")))
        .await;
    for round in 0..10 {
        other.ok(post("a", format!("{round}"))).await;
        other
            .ok(file(
                "get",
                serde_json::json!({"username": "bea", "project": "own", "name": "a"}),
            ))
            .await;
        bob.ok(say("hello")).await;
        eve.expect("chatMessage").await;
    }
    let early = slow.next_within(Duration::ZERO).await;
    assert!(early.is_none(), "nothing was held up: {early:?}");
    for _ in 0..WAITING {
        slow.expect("filePost").await;
    }
    strace.detach();
    for number in 0..WAITING {
        assert!(server.project().join(format!("{number}/f")).exists());
    }
}
