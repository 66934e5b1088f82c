//! A viewer of one server, who reconnects whenever the connection ends.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::FILES;
use crate::support::{authenticate, get_all, unbase64, viewer, with_ref};
use crate::writer::Numbers;

/// How long to wait for a connection, or for a message on it: on a live one, pings come more often.
const PATIENCE: Duration = Duration::from_secs(5);

/// A viewer of one server.
pub struct Viewer {
    url: String,
    seen: Arc<Mutex<Numbers>>,
    last_wait: Mutex<Duration>,
}

impl Viewer {
    /// Begins to watch.
    pub fn start(url: String) -> Self {
        let seen = Arc::new(Mutex::new(vec![0; FILES]));
        let (of, at) = (Arc::clone(&seen), url.clone());
        tokio::spawn(async move {
            loop {
                // Whatever ends the connection, the viewer connects again.
                let _ = watch(&at, &of).await;
                sleep(Duration::from_millis(200)).await;
            }
        });
        Self {
            url,
            seen,
            last_wait: Mutex::default(),
        }
    }

    /// Waits until it has seen these numbers or later ones.
    pub async fn until_has(&self, expected: &Numbers, since: Instant, most: Duration) {
        let has_all = || {
            let seen = self.seen.lock().expect("whole");
            seen.iter()
                .zip(expected)
                .all(|(seen, expected)| seen >= expected)
        };
        while !has_all() {
            let seen = self.seen.lock().expect("whole").clone();
            assert!(
                since.elapsed() < most,
                "{}: {seen:?} instead of {expected:?}",
                self.url
            );
            sleep(Duration::from_millis(20)).await;
        }
        *self.last_wait.lock().expect("whole") = since.elapsed();
    }

    /// How long the latest [`until_has`](Self::until_has) waited.
    pub fn last_wait(&self) -> Duration {
        *self.last_wait.lock().expect("whole")
    }

    /// What a new viewer gets from this server.
    pub async fn fresh_look(&self) -> Numbers {
        let seen = Mutex::new(vec![0; FILES]);
        let looked = look(&self.url, &seen).await;
        looked.expect("it is there");
        seen.into_inner().expect("whole")
    }
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Gets everything, and goes on with what changes.
async fn watch(url: &str, seen: &Mutex<Numbers>) -> Result<(), Error> {
    let mut socket = look(url, seen).await?;
    while let Some(message) = socket.next().await {
        note(&message?, seen);
    }
    Ok(())
}

/// Gets everything.
async fn look(url: &str, seen: &Mutex<Numbers>) -> Result<Socket, Error> {
    let late = |_| Error::ConnectionClosed;
    let connecting = timeout(PATIENCE, connect_async(url)).await;
    let (mut socket, _) = connecting.map_err(late)??;
    for request in [
        authenticate(viewer("bob", "ana", "demo")),
        with_ref(get_all(), 1),
    ] {
        socket.send(Message::text(request.to_string())).await?;
    }
    loop {
        let next = timeout(PATIENCE, socket.next()).await.map_err(late)?;
        let message = next.ok_or(Error::ConnectionClosed)??;
        if note(&message, seen) == "fileGetDone" {
            return Ok(socket);
        }
    }
}

/// Notes the number that a message brings of a file, which must not go back; returns the message's
/// type.
fn note(message: &Message, seen: &Mutex<Numbers>) -> String {
    let Message::Text(text) = message else {
        return String::new();
    };
    let message: Value = serde_json::from_str(text).expect("JSON");
    let data = &message["data"];
    if let Some(content) = data["content"].as_str() {
        let content = String::from_utf8(unbase64(content)).expect("text");
        let number: u64 = content[..20].trim().parse().expect("a number");
        let name = data["name"].as_str().expect("a name");
        let file: usize = name.trim_start_matches("/f").parse().expect("a number");
        let mut seen = seen.lock().expect("whole");
        assert!(
            number >= seen[file],
            "{name} goes back from {} to {number}",
            seen[file]
        );
        seen[file] = number;
    }
    message["type"].as_str().unwrap_or_default().to_owned()
}
