//! A small server with one room and one project, for `chat` and `status`: it tells its version,
//! records its requests, and refuses what a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;

/// What happens to a message.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is refused, with these members besides code, type and message.
    Refused(u64, Value),
    /// It arrives, and the connection is lost before the answer.
    Unanswered,
    /// The connection is lost before it arrives.
    Lost,
}

#[derive(Debug, Default)]
pub struct Inside {
    /// The messages, as delivered.
    pub said: Vec<Value>,
    /// What happens to the next messages; all later ones are accepted.
    pub fates: VecDeque<Fate>,
    /// Every authentication fails with this error.
    pub refuse_authentication: Option<(u64, &'static str)>,
    /// The version in `/healthz`; without one, that is 404.
    pub version: Option<&'static str>,
    /// The answer to `status`; without one, the project does not exist.
    pub status: Option<Value>,
    /// The answer to `list` of pull requests, message by message.
    pub pull_requests: Vec<Value>,
    /// All requests, as `type/subtype`.
    pub log: Vec<String>,
    /// The data of the last authentication.
    pub authentication: Value,
}

#[derive(Debug, Clone)]
enum Push {
    Text(String),
    Drop,
}

#[derive(Clone)]
pub struct Room {
    pub url: String,
    pub inside: Arc<Mutex<Inside>>,
    pushes: broadcast::Sender<Push>,
}

impl Room {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let room = Self {
            url: format!("ws://{}", listener.local_addr().unwrap()),
            inside: Arc::default(),
            pushes: broadcast::channel(1_000).0,
        };
        let accepting = room.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        room
    }

    /// Changes the server's state.
    pub fn with(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.inside.lock().unwrap());
    }

    pub fn log(&self) -> Vec<String> {
        self.inside.lock().unwrap().log.clone()
    }

    /// A user says something in the year 2001, and everybody in the room gets it.
    pub fn say(&self, name: &str, text: &str) {
        let message = remember(&mut self.inside.lock().unwrap(), name, text);
        self.push(&json!({"code": 200, "type": "chatMessage", "data": message}));
    }

    /// A user says something, and nobody gets it.
    pub fn say_in_silence(&self, name: &str, text: &str) {
        remember(&mut self.inside.lock().unwrap(), name, text);
    }

    pub fn push(&self, message: &Value) {
        let _ = self.pushes.send(Push::Text(message.to_string()));
    }

    pub fn drop_all(&self) {
        let _ = self.pushes.send(Push::Drop);
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut beginning = [0; 12];
        while stream.peek(&mut beginning).await.unwrap_or(12) < beginning.len() {
            tokio::task::yield_now().await;
        }
        if beginning.starts_with(b"GET /healthz") {
            let version = self.inside.lock().unwrap().version;
            let answer = match version {
                Some(version) => {
                    let body = json!({"status": "ok", "version": version}).to_string();
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    )
                }
                None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            return;
        }
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        let mut pushes = self.pushes.subscribe();
        loop {
            let replies = tokio::select! {
                biased;
                message = socket.next() => match message {
                    Some(Ok(message)) if message.is_text() => {
                        let request: Value = serde_json::from_slice(&message.into_data()).unwrap();
                        match answer(&mut self.inside.lock().unwrap(), &request) {
                            Some(replies) => replies,
                            None => return,
                        }
                    }
                    Some(Ok(_)) => continue,
                    _ => return,
                },
                push = pushes.recv() => match push {
                    Ok(Push::Text(text)) => vec![text],
                    _ => return,
                },
            };
            for reply in replies {
                if socket.send(Message::text(reply)).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn remember(inside: &mut Inside, name: &str, text: &str) -> Value {
    let id = inside.said.len() + 1;
    let message = json!({"message": text, "username": name, "room": "ana/demo", "id": id, "date": 1_000_000_000_000_u64 + id as u64});
    inside.said.push(message.clone());
    message
}

fn answer(inside: &mut Inside, request: &Value) -> Option<Vec<String>> {
    let verb = match request["subtype"].as_str() {
        Some(subtype) => format!("{}/{subtype}", request["type"].as_str().unwrap()),
        None => request["type"].as_str().unwrap().to_owned(),
    };
    inside.log.push(verb.clone());
    let reference = &request["ref"];
    let data = &request["data"];
    let ok = |kind: &str, data: Value| {
        json!({"code": 200, "type": kind, "ref": reference, "data": data}).to_string()
    };
    let refused = |code: u64, message: &str, more: &Value| {
        let mut error =
            json!({"code": code, "type": "anyError", "message": message, "ref": reference});
        for (name, value) in more.as_object().unwrap() {
            error[name] = value.clone();
        }
        error.to_string()
    };
    Some(match verb.as_str() {
        "authenticate" => {
            inside.authentication = data.clone();
            if let Some((code, message)) = inside.refuse_authentication {
                return Some(vec![refused(code, message, &json!({}))]);
            }
            let sections = [("chat", "chatAuth"), ("pullrequest", "pullRequestAuth")];
            let given = sections
                .iter()
                .filter(|(section, _)| data.get(section).is_some());
            let mut replies: Vec<String> = given.map(|(_, kind)| ok(kind, json!("OK"))).collect();
            replies.push(ok(
                "authentication",
                json!({"message": "OK", "opts": {"sep": "/"}}),
            ));
            replies
        }
        "chat/history" => vec![ok("chatHistory", json!(inside.said))],
        "chat/members" => vec![ok("chatMembers", json!(["ana", "bob\u{1b}[2J"]))],
        "chat/message" => {
            let text = data["message"].as_str().unwrap();
            match inside.fates.pop_front() {
                Some(Fate::Refused(code, more)) => vec![refused(code, "a reason", &more)],
                Some(Fate::Lost) => return None,
                fate => {
                    remember(inside, "bob", text);
                    if fate.is_some() {
                        return None;
                    }
                    vec![ok("chatMessage", json!("OK"))]
                }
            }
        }
        "file/status" => match &inside.status {
            Some(status) => vec![ok("fileStatus", status.clone())],
            None => vec![refused(
                409,
                "Path / doesn't exist or cannot be read",
                &json!({}),
            )],
        },
        "file/auth" => vec![ok("fileAuth", json!("OK"))],
        "pullrequest/auth" => vec![ok("pullRequestAuth", json!("OK"))],
        "pullrequest/list" => {
            let count = inside.pull_requests.len();
            let pages = inside.pull_requests.iter().enumerate();
            let page = |(at, page): (usize, &Value)| {
                json!({"code": 200, "type": "pullRequestList", "ref": reference, "data": page, "last": at + 1 == count}).to_string()
            };
            pages.map(page).collect()
        }
        other => panic!("the client asked for {other}"),
    })
}
