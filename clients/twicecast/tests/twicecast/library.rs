//! The library `twicecast-client`, used as by other programs, with the real server.

use std::time::Duration;

use tokio::time::timeout;
use twicecast_client::client::{PART_BYTES, Post};
use twicecast_client::{Client, Error, Event, Section};

use crate::real::RealServer;
use crate::support::token_of;

#[expect(dead_code, reason = "here it is not started from a shell")]
#[path = "../../../twicecast-client/examples/bot.rs"]
mod bot;

const PATIENCE: Duration = Duration::from_secs(30);

async fn streamer(server: &RealServer) -> Client {
    let mut client = Client::connect(&server.url()).await.unwrap();
    let (username, project, room) = ("ana", "demo", "ana/demo");
    for section in [
        Section::File { username, project },
        Section::Chat { username, room },
    ] {
        let token = token_of(username).await;
        client.authenticate(&token, section).await.unwrap();
    }
    client
}

#[tokio::test]
async fn the_example_bot_greets_lists_and_proposes_on_a_fresh_server() {
    let server = RealServer::start().await;
    let mut ana = streamer(&server).await;
    for name in ["/a", "/src/b"] {
        ana.post(Post::of(name, b"x")).await.unwrap();
    }
    let (url, token) = (server.url(), token_of("bot").await);
    let run = bot::run(&url, &token, "ana", "demo", "bot");
    timeout(PATIENCE, run).await.unwrap().unwrap();
    let mut said = None;
    let pull = loop {
        match timeout(PATIENCE, ana.next_event()).await.unwrap().unwrap() {
            Event::Chat(message) => said = Some(message),
            Event::PullRequest(pull) => break pull,
            _ => {}
        }
    };
    let said = said.expect("it greets before it proposes");
    assert_eq!(
        (said.username.raw(), said.message.raw()),
        ("bot", "Hello, I am a bot.")
    );
    let files = ana.proposed_files(pull.id.raw()).await.unwrap();
    let files: Vec<_> = files.iter().map(|it| (&*it.name, &*it.content)).collect();
    assert_eq!(files, [("/INDEX", &b"/a\n/src/b\n"[..])]);
    ana.end_pull_request(pull.id.raw(), "merged").await.unwrap();
    assert_eq!(ana.pull_requests().await.unwrap(), []);
    assert_eq!(ana.history().await.unwrap(), [said]);
    ana.leave().await;
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent_whatever_its_length_and_a_refusal_is_typed() {
    let server = RealServer::start().await;
    let mut ana = streamer(&server).await;
    for length in [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
        let content: Vec<u8> = (0..=250).cycle().take(length).collect();
        let mut post = Post::of("/file", &content);
        post.executable = Some(length == 1);
        ana.post(post).await.unwrap();
        let file = ana.get("ana", "demo", "/file").await.unwrap();
        assert!(file.content == content, "{length}");
        assert_eq!(file.executable.unwrap_or(false), length == 1);
    }
    let status = ana.status("ana", "demo").await.unwrap();
    assert!(status.streamer && status.files == 1);
    ana.delete("/file", None).await.unwrap();
    let refused = ana.get("ana", "demo", "/file").await.unwrap_err();
    assert!(matches!(refused, Error::Refused(error) if error.code == 409));
    let mut bob = Client::connect(&server.url()).await.unwrap();
    bob.watch("ana", "demo").await.unwrap();
    ana.post(Post::of("/live", b"x")).await.unwrap();
    let event = timeout(PATIENCE, bob.next_event()).await.unwrap();
    assert!(matches!(event.unwrap(), Event::Part(part) if part.name == "/live"));
}
