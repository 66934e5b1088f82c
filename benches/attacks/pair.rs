//! The innocent pair: a streamer and a viewer, who are also in a room.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::support::{Client, Server, chat_section, post, say, streamer, viewer};

/// The length of a post, in bytes.
const CONTENT: usize = 2_000;
/// How long they rest between two steps. People type far more slowly, and yet this is no flood:
/// clients that post and chat without a pause must take turns.
const REST: Duration = Duration::from_millis(5);
/// How long they wait for an answer before they give up.
const PATIENCE: Duration = Duration::from_secs(25);

pub struct Pair {
    streamer: Client,
    viewer: Client,
    number: u64,
    /// Posts that were refused.
    pub refused: u64,
    /// A connection has ended, or nothing came.
    pub is_lost: bool,
}

/// Round trips in microseconds.
#[derive(Default)]
pub struct Trips {
    pub updates: Vec<f64>,
    pub chats: Vec<f64>,
}

/// Medians of periods without and with attackers, and the ratio of each pair.
#[derive(Default)]
pub struct Paired {
    pub calm: Vec<f64>,
    pub under: Vec<f64>,
    pub ratios: Vec<f64>,
}

impl Paired {
    pub fn add(&mut self, calm: &mut [f64], under: &mut [f64]) {
        // Without data there is no ratio; another place reports that the pair is lost.
        if !calm.is_empty() && !under.is_empty() {
            let (calm, under) = (median(calm), median(under));
            self.calm.push(calm);
            self.under.push(under);
            self.ratios.push(under / calm);
        }
    }
}

impl Pair {
    pub async fn connect(server: &Server) -> Self {
        let mut data = streamer("ana", "demo");
        data["chat"] = chat_section("ana", "ana/demo");
        let mut streamer = server.connect().await;
        streamer.authenticate(data).await;
        let mut data = viewer("bob", "ana", "demo");
        data["chat"] = chat_section("bob", "ana/demo");
        let mut viewer = server.connect().await;
        viewer.authenticate(data).await;
        Self {
            streamer,
            viewer,
            number: 0,
            refused: 0,
            is_lost: false,
        }
    }

    /// Posts and chats for that time.
    pub async fn run(&mut self, time: Duration) -> Trips {
        let mut trips = Trips::default();
        let began = Instant::now();
        while began.elapsed() < time {
            if self.is_lost {
                sleep(time).await;
                break;
            }
            let step = timeout(PATIENCE, self.step(&mut trips)).await;
            self.is_lost = step != Ok(Ok(()));
            sleep(REST).await;
        }
        trips
    }

    async fn step(&mut self, trips: &mut Trips) -> Result<(), ()> {
        self.number += 1;
        let content = format!("{}{}", self.number, "x".repeat(CONTENT));
        let start = Instant::now();
        self.streamer
            .try_send(post("f", content))
            .await
            .map_err(drop)?;
        if next(&mut self.streamer, &["filePost", "Error"]).await?["code"] == 200 {
            next(&mut self.viewer, &["fileGet"]).await?;
            trips.updates.push(microseconds(start));
        } else {
            self.refused += 1;
        }
        let start = Instant::now();
        self.viewer.try_send(say("hello")).await.map_err(drop)?;
        next(&mut self.streamer, &["chatMessage"]).await?;
        next(&mut self.viewer, &["chatMessage"]).await?;
        trips.chats.push(microseconds(start));
        Ok(())
    }
}

/// The next message whose type has one of these endings.
async fn next(client: &mut Client, kinds: &[&str]) -> Result<Value, ()> {
    loop {
        let message = client.next_unless_gone().await?;
        let kind = message["type"].as_str().unwrap_or_default();
        if kinds.iter().any(|wanted| kind.ends_with(wanted)) {
            return Ok(message);
        }
    }
}

fn microseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

/// The quantile of the values at this fraction.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * part) as usize;
    let last = values.len().saturating_sub(1);
    values.get(index.min(last)).copied().unwrap_or(f64::NAN)
}

pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}
