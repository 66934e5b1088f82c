//! A disk that stalls.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::strace::Strace;
use crate::support::*;

/// More requests than may be under way at once for one project.
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

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_while_what_it_asks_for_waits_for_the_disk_is_gone_at_once() {
    for request in [list_all(), get_all()] {
        let mut server = Server::start();
        server.streamer().await.ok(post("a", "content")).await;
        // After a restart the server no longer knows the file's hash, so `list` has to read the
        // file.
        server.restart();
        let before = sockets(&server);
        let stall = "inject=pread64:delay_enter=60000000";
        let strace = Strace::attach(server.pid(), &["-e", "trace=pread64", "-e", stall]);
        let mut raw = Raw::connect(&server).await;
        // More requests than the server reads before it carries out the first.
        raw.send(text_frame(&request).repeat(2_000)).await;
        let begun = Instant::now();
        while !strace.seen().contains("pread64") {
            assert!(begun.elapsed() < PATIENCE, "nothing is held up");
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(sockets(&server), before + 1);
        raw.reset();
        let reset = Instant::now();
        while sockets(&server) > before {
            assert!(reset.elapsed() < Duration::from_secs(5), "{request}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// How many sockets the server has open.
fn sockets(server: &Server) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("it runs");
    let targets = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let sockets = targets.filter(|target| target.to_string_lossy().starts_with("socket:"));
    sockets.count()
}
