//! A streamer who writes without a pause, and goes to another server when one is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::FILES;
use crate::support::{authenticate, post, streamer, with_ref};

/// The time between two writes: 100 a second.
const EVERY: Duration = Duration::from_millis(10);

/// How long it waits for a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long it waits for an answer before it goes to another server. What it has asked for by then
/// must not come on top of what it writes there.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it takes to go to another server: so long that what waits at the first counts as given
/// up.
const MOVING: Duration = Duration::from_millis(1_100);

/// How many changes may be under way.
const UNDER_WAY: usize = 200;

/// The highest acknowledged number of each file.
pub type Numbers = Vec<u64>;

struct Acknowledged {
    numbers: Numbers,
    count: u64,
    /// When the latest of the acknowledged changes was sent.
    sent: Option<Instant>,
}

/// A streamer who writes.
pub struct Writer {
    acknowledged: Arc<Mutex<Acknowledged>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Begins at the first server.
    pub fn start(urls: Vec<String>) -> Self {
        let acknowledged = Arc::new(Mutex::new(Acknowledged {
            numbers: vec![0; FILES],
            count: 0,
            sent: None,
        }));
        let stop = CancellationToken::new();
        let write = write(urls, Arc::clone(&acknowledged), stop.clone());
        Self {
            acknowledged,
            stop,
            task: Mutex::new(Some(tokio::spawn(write))),
        }
    }

    /// Waits until something is acknowledged that was sent after `since`; says how long that took.
    pub async fn until_acknowledged(&self, since: Instant, most: Duration) -> Duration {
        let sent = || self.acknowledged.lock().expect("whole").sent;
        while sent().is_none_or(|sent| sent < since) {
            assert!(since.elapsed() < most, "nothing is acknowledged any more");
            sleep(Duration::from_millis(20)).await;
        }
        since.elapsed()
    }

    /// What has been acknowledged so far.
    pub fn acknowledged(&self) -> Numbers {
        self.acknowledged.lock().expect("whole").numbers.clone()
    }

    /// How many changes have been acknowledged.
    pub fn count(&self) -> u64 {
        self.acknowledged.lock().expect("whole").count
    }

    /// Stops writing; returns what has been acknowledged.
    pub async fn stop(&self) -> Numbers {
        self.stop.cancel();
        let task = self.task.lock().expect("whole").take();
        task.expect("it runs").await.expect("it ends well");
        self.acknowledged()
    }
}

async fn write(urls: Vec<String>, acknowledged: Arc<Mutex<Acknowledged>>, stop: CancellationToken) {
    let mut number = 0;
    for url in urls.iter().cycle() {
        if stop.is_cancelled() {
            return;
        }
        if let Err(why) = write_at(url, &mut number, &acknowledged, &stop).await {
            eprintln!("the streamer leaves {url}: {why}");
            sleep(MOVING).await;
        }
    }
}

/// Writes until the server is gone. What it has not answered by then may or may not be there.
async fn write_at(
    url: &str,
    number: &mut u64,
    acknowledged: &Mutex<Acknowledged>,
    stop: &CancellationToken,
) -> Result<(), String> {
    let text = |error: tokio_tungstenite::tungstenite::Error| error.to_string();
    let connecting = timeout(CONNECTING, connect_async(url)).await;
    let (mut socket, _) = connecting.map_err(|_| "no connection")?.map_err(text)?;
    let hello = authenticate(streamer("ana", "demo"));
    socket
        .send(Message::text(hello.to_string()))
        .await
        .map_err(text)?;
    let mut under_way = HashMap::<u64, Instant>::new();
    let mut next = interval(EVERY);
    let mut heard = Instant::now();
    let mut is_in = false;
    loop {
        if heard.elapsed() > PATIENCE && (!is_in || !under_way.is_empty()) {
            return Err("it does not answer".to_owned());
        }
        if stop.is_cancelled() && under_way.is_empty() {
            return Ok(());
        }
        tokio::select! {
            _ = next.tick() => {
                if !is_in || stop.is_cancelled() || under_way.len() >= UNDER_WAY {
                    continue;
                }
                *number += 1;
                let file = usize::try_from(*number).expect("fits") % FILES;
                let content = format!("{number:>20}").into_bytes();
                let content = [content, vec![b'.'; 2_000]].concat();
                let request = with_ref(post(&format!("f{file}"), content), *number);
                under_way.insert(*number, Instant::now());
                socket.send(Message::text(request.to_string())).await.map_err(text)?;
            }
            message = socket.next() => {
                let message = message.ok_or("it ended")?.map_err(text)?;
                if let Message::Close(frame) = &message {
                    return Err(format!("{frame:?}"));
                }
                let Message::Text(message) = message else { continue };
                let message: Value = serde_json::from_str(&message).expect("JSON");
                heard = Instant::now();
                if message["type"] == "authentication" {
                    is_in = true;
                }
                let Some(reference) = message["ref"].as_u64() else { continue };
                let sent = under_way.remove(&reference).expect("it was sent once");
                assert_eq!(message["code"], 200, "{message}: nothing is refused for a failure");
                let mut acknowledged = acknowledged.lock().expect("whole");
                let file = usize::try_from(reference).expect("fits") % FILES;
                acknowledged.numbers[file] = acknowledged.numbers[file].max(reference);
                acknowledged.count += 1;
                acknowledged.sent = acknowledged.sent.max(Some(sent));
            }
        }
    }
}
