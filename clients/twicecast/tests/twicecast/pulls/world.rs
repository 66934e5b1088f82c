//! A streamer who shares a folder, a viewer's clone of it, and what both can do.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::real::{PATIENCE, RealServer, Share, eventually};
use crate::support::{Files, Said, Unheard, token_of, tree, twicecast, write};

pub const TEXT: &[u8] = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// A streamer who shares a folder, and a viewer's clone of it.
pub struct World {
    pub server: RealServer,
    /// The server's address for the streamer.
    pub url: String,
    pub dir: TempDir,
    pub copy: TempDir,
    pub share: Unheard,
}

impl World {
    pub async fn new(before: &Files) -> Self {
        let server = RealServer::start().await;
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(dir.path(), before);
        let mut share = Share::start(&server.url(), dir.path(), &[]);
        share
            .until_that("synced", |synced| synced["files"] == before.len())
            .await;
        let world = Self {
            url: server.url(),
            server,
            dir,
            copy,
            share: share.unheard(),
        };
        let said = world.viewer("clone", &[]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(tree(world.copy.path()), *before);
        world
    }

    pub async fn viewer(&self, command: &str, more: &[&str]) -> Said {
        let copy = self.copy.path().to_str().unwrap();
        let (url, names) = (
            self.server.url(),
            ["--streamer", "ana", "--project", "demo"],
        );
        let who = ["--url", &url, "--user", "bob", "--key", "secret"];
        twicecast(&[&[command, copy][..], &who, &names, more].concat()).await
    }

    pub async fn propose(&self) -> String {
        let said = self.viewer("propose", &["--title", "A change"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        let listed = self.pulls(&["list", "--json"]).await;
        let last = listed.out.lines().last().unwrap();
        let pull: Value = serde_json::from_str(last).unwrap();
        assert_eq!(
            (&pull["owner"], &pull["title"]),
            (&json!("bob"), &json!("A change"))
        );
        pull["id"].as_str().unwrap()[..8].to_owned()
    }

    pub async fn pulls(&self, words: &[&str]) -> Said {
        let (url, dir) = (self.url.as_str(), self.dir.path().to_str().unwrap());
        let who = [
            "--url",
            url,
            "--dir",
            dir,
            "--user",
            "ana",
            "--project",
            "demo",
            "--key",
            "secret",
        ];
        twicecast(&[&["pulls"][..], &who, words].concat()).await
    }

    /// Waits until the server has stored a file with that content.
    pub async fn until_stored(&self, content: &[u8]) {
        let stored = || tree(self.server.base.path());
        let is_stored = || stored().values().any(|there| there == content);
        eventually("the server stores it", is_stored).await;
    }

    pub async fn open_pulls(&self) -> usize {
        self.pulls(&["list", "--json"]).await.out.lines().count()
    }

    /// The content that was put aside; it must be one file.
    pub fn put_aside(said: &Said) -> Vec<u8> {
        let mut pieces = said.out.split("yours stays, what is proposed is ");
        let path = pieces.nth(1).expect("it says where").lines().next();
        fs::read(path.unwrap()).unwrap()
    }

    /// The id of the only open pull request.
    pub async fn open_pull(&self) -> String {
        let listed = self.pulls(&["list", "--json"]).await;
        let pull: Value = serde_json::from_str(listed.out.trim()).unwrap();
        pull["id"].as_str().unwrap().to_owned()
    }

    pub fn kept(said: &Said) -> Files {
        let line = said
            .out
            .lines()
            .find_map(|line| line.strip_prefix("what was replaced is kept in "));
        tree(Path::new(line.expect("it says where")))
    }
}

/// Proposes files as the original web client does.
pub async fn propose_like_the_original(url: &str, files: &Files) {
    propose_with_title(url, "t", files).await;
}

pub async fn propose_with_title(url: &str, title: &str, files: &Files) {
    let token = token_of("bob").await;
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let names = json!({"username": "bob", "streamer": "ana", "project": "demo"});
    let posts = files.iter().map(|(name, content)| {
        let data = json!({"name": name, "content": STANDARD.encode(content)});
        (
            json!({"type": "file", "subtype": "post", "data": data}),
            "filePost",
        )
    });
    let begin = [
        (
            json!({"type": "authenticate", "data": {"token": token, "pullrequest": names}}),
            "authentication",
        ),
        (
            json!({"type": "pullrequest", "subtype": "creation", "data": {"title": title, "description": title}}),
            "pullRequestCreation",
        ),
    ];
    let end = (
        json!({"type": "pullrequest", "subtype": "finish"}),
        "pullRequestFinish",
    );
    for (request, answer) in begin.into_iter().chain(posts).chain([end]) {
        socket
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
        loop {
            let next = timeout(PATIENCE, socket.next()).await;
            let message = next.expect(answer).unwrap().unwrap();
            let message: Value = serde_json::from_slice(&message.into_data()).unwrap();
            assert_eq!(message["code"], 200, "{message}");
            if message["type"] == answer {
                break;
            }
        }
    }
}
