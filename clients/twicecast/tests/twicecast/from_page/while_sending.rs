//! The server's answers about the page while files of the folder are being sent.

use std::fs;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{Page, World};
use crate::pulls::world::propose_like_the_original;
use crate::real::{PATIENCE, Share};
use crate::support::files;

/// The references of a share's `accept` and `applied`.
const ABOUT_THE_PAGE: [u64; 2] = [6, 7];

/// A proxy to the server. It holds back answers about the page until a file is acknowledged, and
/// passes them on just before that acknowledgement.
struct Delay {
    url: String,
    /// Receives a message for each answer that is held back.
    kept: mpsc::UnboundedReceiver<()>,
}

impl Delay {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (tell, kept) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), tell.clone()));
            }
        });
        Self { url, kept }
    }

    async fn keeps_one_back(&mut self) {
        let kept = timeout(PATIENCE, self.kept.recv()).await;
        kept.expect("an answer about the page").unwrap();
    }
}

async fn pass(client: TcpStream, server: String, tell: mpsc::UnboundedSender<()>) {
    let mut client = tokio_tungstenite::accept_async(client).await.unwrap();
    let (mut server, _) = tokio_tungstenite::connect_async(server).await.unwrap();
    let mut kept: Option<Message> = None;
    loop {
        tokio::select! {
            Some(Ok(request)) = client.next() => server.send(request).await.unwrap(),
            Some(Ok(answer)) = server.next() => {
                let parsed = serde_json::from_slice(&answer.clone().into_data());
                let parsed: Value = parsed.unwrap_or_default();
                if parsed["ref"].as_u64().is_some_and(|of| ABOUT_THE_PAGE.contains(&of)) {
                    kept = Some(answer);
                    tell.send(()).unwrap();
                    continue;
                }
                let is_acknowledgement = parsed["type"] == "filePost";
                let earlier = kept.take_if(|_| is_acknowledgement);
                for message in earlier.into_iter().chain([answer]) {
                    let _ = client.send(message).await;
                }
            }
            else => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_and_a_refusal_that_come_while_a_file_is_sent_are_heard() {
    let world = World::with(&["--max-chat-bytes", "16"]).await;
    let dir = world.dir.path();
    let mut delay = Delay::before(world.server.url()).await;
    let mut share = Share::start(&delay.url, dir, &["--accept-from-page"]);
    share.until("synced").await;
    // The message that names what is not taken is too long for this server.
    let proposed = files(&[("/ok", b"x"), ("/.env.production", b"x")]);
    propose_like_the_original(&world.server.url(), &proposed).await;
    let mut page = Page::open(&world.server.url()).await;
    page.apply().await;
    delay.keeps_one_back().await;
    fs::write(dir.join("first"), "sent while it waits for the leave").unwrap();
    delay.keeps_one_back().await;
    assert!(world.has("/ok", b"x"), "applied");
    fs::write(dir.join("second"), "sent while it is told").unwrap();
    assert_eq!(page.ended().await, ("partly".to_owned(), String::new()));
}
