//! A client over a real socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::PATIENCE;
use super::described;

static LAST_REFERENCE: AtomicU64 = AtomicU64::new(0);

/// The result of sending when the server may be gone.
pub type Sent = Result<(), Error>;

pub struct Client(WebSocketStream<TcpStream>);

impl Client {
    pub async fn connect(url: &str) -> Self {
        Self::with_buffer(url, None).await
    }

    /// With buffers as small as possible, so that unread data soon waits at the server.
    pub async fn narrow(url: &str) -> Self {
        Self::with_buffer(url, Some(4_096)).await
    }

    /// Behind a trusted proxy on this machine that says where the client is.
    pub async fn behind_proxy(url: &str, address: &str) -> Self {
        let mut request = url.into_client_request().expect("a request");
        let headers = request.headers_mut();
        let value = address.parse().expect("a header");
        headers.insert("X-Forwarded-For", value);
        let place = url.trim_start_matches("ws://").trim_end_matches('/');
        let stream = TcpStream::connect(place).await.expect("connected");
        stream.set_nodelay(true).expect("set");
        let (socket, _) = client_async(request, stream).await.expect("an upgrade");
        Self(socket)
    }

    async fn with_buffer(url: &str, receive: Option<u32>) -> Self {
        let address = url.trim_start_matches("ws://").trim_end_matches('/');
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = receive {
            socket.set_recv_buffer_size(bytes).expect("set");
        }
        let stream = socket.connect(address.parse().expect("an address")).await;
        let stream = stream.expect("connected");
        stream.set_nodelay(true).expect("set");
        let (socket, _) = client_async(url, stream).await.expect("an upgrade");
        Self(socket)
    }

    pub async fn send(&mut self, request: Value) {
        self.send_text(&request.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) {
        self.send_message(Message::binary(bytes.into())).await;
    }

    async fn send_message(&mut self, message: Message) {
        tokio::time::timeout(PATIENCE, self.0.send(message))
            .await
            .expect("the server reads")
            .expect("sent");
    }

    /// Sends a request, if the connection still accepts it.
    pub async fn try_send(&mut self, request: Value) -> Sent {
        self.0.send(Message::text(request.to_string())).await
    }

    /// Sends all of them at once.
    pub async fn send_all(&mut self, requests: impl IntoIterator<Item = Value>) {
        for request in requests {
            let message = Message::text(request.to_string());
            self.0.feed(message).await.expect("sent");
        }
        self.0.flush().await.expect("sent");
    }

    /// Closes without waiting for anything.
    pub async fn send_close(&mut self) {
        self.send_message(Message::Close(None)).await;
    }

    /// The next message that is no ping, if the connection is still there. Pings do not extend the
    /// wait; otherwise a missing message would be awaited for as long as the server lives.
    async fn next_if_open(&mut self) -> Option<Result<Message, Error>> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    next => return next,
                }
            }
        };
        let next = tokio::time::timeout(PATIENCE, next).await;
        next.expect("a message in time")
    }

    async fn next_message(&mut self) -> Message {
        let next = self.next_if_open().await;
        next.expect("an open connection").expect("a message")
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        match self.next_message().await {
            Message::Text(text) => described::message(&text),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next message, unless the server is gone.
    pub async fn next_unless_gone(&mut self) -> Result<Value, ()> {
        match self.next_if_open().await {
            Some(Ok(Message::Text(text))) => Ok(described::message(&text)),
            _ => Err(()),
        }
    }

    /// Takes a message without checking it; returns its length.
    pub async fn receive(&mut self) -> Result<usize, Error> {
        loop {
            match self.next_if_open().await {
                Some(Ok(Message::Text(text))) => return Ok(text.len()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(Error::ConnectionClosed),
            }
        }
    }

    /// The next message, or the code of the server's close.
    pub async fn next_or_close(&mut self) -> Result<Value, u16> {
        match self.next_message().await {
            Message::Text(text) => Ok(described::message(&text)),
            Message::Close(frame) => Err(frame.map_or(1_005, |frame| frame.code.into())),
            other => panic!("neither text nor close: {other:?}"),
        }
    }

    /// Waits for the server's close; returns its code.
    pub async fn closed(&mut self) -> u16 {
        self.rest_until_closed().await.1
    }

    /// All messages before the server's close, and its code.
    pub async fn rest_until_closed(&mut self) -> (Vec<Value>, u16) {
        let mut rest = Vec::new();
        loop {
            match self.next_or_close().await {
                Ok(message) => rest.push(message),
                Err(code) => return (rest, code),
            }
        }
    }

    /// The next message, which must be of this type; returns its data.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let mut message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        message["data"].take()
    }

    /// The next message of this type; messages before it are dropped.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next `count` messages, which must all be of this type.
    pub async fn expect_all(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.expect(kind).await);
        }
        all
    }

    /// Sends a request; returns the next message.
    pub async fn ask(&mut self, request: Value) -> Value {
        self.send(request).await;
        self.next().await
    }

    /// Sends a request, which must be answered with success; returns the data.
    pub async fn ok(&mut self, request: Value) -> Value {
        described::request(&request);
        let mut answer = self.ask(request.clone()).await;
        assert_eq!(answer["code"], 200, "{answer} to {request:.200}");
        described::answer(&request, &answer);
        answer["data"].take()
    }

    /// Sends a request, which must be refused with this code; returns the answer.
    pub async fn refused(&mut self, code: u16, request: Value) -> Value {
        let answer = self.ask(request.clone()).await;
        assert_eq!(answer["code"], code, "{answer} to {request:.200}");
        described::answer(&request, &answer);
        answer
    }

    /// Authenticates with this data, which must succeed, and takes all replies.
    pub async fn authenticate(&mut self, data: Value) {
        let request = json!({"type": "authenticate", "data": data});
        described::request(&request);
        self.send(request.clone()).await;
        loop {
            let message = self.next().await;
            assert_eq!(message["code"], 200, "{message}");
            described::answer(&request, &message);
            if message["type"] == "authentication" {
                return;
            }
        }
    }

    /// All messages until a request sent now is answered.
    pub async fn rest(&mut self) -> Vec<Value> {
        let number = LAST_REFERENCE.fetch_add(1, Ordering::Relaxed);
        let reference = json!(format!("quiet {number}"));
        self.send(json!({"type": "nothing", "ref": reference}))
            .await;
        let mut rest = Vec::new();
        loop {
            let message = self.next().await;
            if message["ref"] == reference {
                return rest;
            }
            rest.push(message);
        }
    }

    /// Asserts that nothing has come that was not taken.
    pub async fn quiet(&mut self) {
        let rest = self.rest().await;
        assert!(rest.is_empty(), "not quiet: {rest:?}");
    }

    /// The next message, if it comes within that time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        match tokio::time::timeout(time, self.0.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => Some(described::message(&text)),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) | Err(_) => None,
            Ok(other) => panic!("no message: {other:?}"),
        }
    }
}
