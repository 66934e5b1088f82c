//! A client that speaks the wire contract by hand.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A token of `user` for ana's project demo.
pub fn token(user: &str) -> String {
    signed(&json!({
        "username": user, "streamername": "ana", "streamname": "demo", "exp": 4_000_000_000_u64,
    }))
}

/// A token with these claims.
pub fn signed(claims: &Value) -> String {
    jsonwebtoken::encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(b"secret"),
    )
    .expect("signed")
}

pub fn streamer_login() -> Value {
    json!({"type": "authenticate", "data": {
        "token": token("ana"), "file": {"username": "ana", "project": "demo"},
    }})
}

pub fn viewer_login(user: &str) -> Value {
    json!({"type": "authenticate", "data": {
        "token": token(user),
        "pullrequest": {"username": user, "streamer": "ana", "project": "demo"},
    }})
}

pub fn post(name: &str, content: &[u8]) -> Value {
    json!({"type": "file", "subtype": "post", "data": {
        "name": name, "content": STANDARD.encode(content),
    }})
}

pub fn delete(name: &str) -> Value {
    json!({"type": "file", "subtype": "delete", "data": {"name": name}})
}

pub fn get(name: &str) -> Value {
    json!({"type": "file", "subtype": "get", "ref": name, "data": {
        "username": "ana", "project": "demo", "name": name, "recursively": true,
    }})
}

/// One connection.
pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(url: &str) -> Self {
        Self(connect_async(url).await.expect("a connection").0)
    }

    /// A connection that has logged in with `login`; its answers are not looked at.
    pub async fn logged_in(url: &str, login: Value) -> Self {
        let mut client = Self::connect(url).await;
        client.send(&login).await;
        client
            .until(|message| message["type"] == "authentication")
            .await;
        client
    }

    pub async fn send(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .expect("sent");
    }

    /// Sends without seeing to it that it goes out at once.
    pub async fn feed(&mut self, message: &Value) {
        self.0
            .feed(Message::text(message.to_string()))
            .await
            .expect("sent");
    }

    /// As the desktop client sends: a binary message that holds indented JSON.
    pub async fn feed_binary(&mut self, message: &Value) {
        let text = serde_json::to_vec_pretty(message).expect("JSON");
        self.0.feed(Message::binary(text)).await.expect("sent");
    }

    pub async fn flush(&mut self) {
        self.0.flush().await.expect("sent");
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match next
                .expect("an answer in time")
                .expect("an open connection")
                .expect("a message")
            {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    }

    /// The first message that is `wanted`, and all before it.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            messages.push(self.next().await);
            if wanted(&messages[messages.len() - 1]) {
                return messages;
            }
        }
    }

    /// Sends `request` and gives the next message.
    pub async fn ask(&mut self, request: &Value) -> Value {
        self.send(request).await;
        self.next().await
    }

    /// The content of a file of the project, by a `get` of its own.
    pub async fn content(&mut self, name: &str) -> Vec<u8> {
        self.send(&get(name)).await;
        let messages = self.until(|message| message["type"] == "fileGetDone").await;
        decode(messages.iter().filter(|message| message["ref"] == name))
    }
}

/// The content that parts make; the texts are put together before they are decoded, as the web
/// viewer does.
pub fn decode<'a>(parts: impl Iterator<Item = &'a Value>) -> Vec<u8> {
    let text: String = parts
        .filter_map(|part| part["data"]["content"].as_str())
        .collect();
    STANDARD.decode(text).expect("parts that make valid base64")
}
