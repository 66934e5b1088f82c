//! Checks besides the pair, for attacks that aim at something else.

use std::io::Result;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::arena::Arena;
use crate::connection::{Connection, Role, stream};
use crate::kinds::Attack;
use crate::machine::cpu;
use crate::pair::median;
use crate::support::{Server, file, post};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(50);
/// How many posts are timed without attackers, and as many once the attack has begun.
const POSTS: usize = 9;
/// The pause before each post. Without it, the post would find the processor still awake.
const PAUSE: Duration = Duration::from_millis(20);
/// The goal for the ratio of a post's times with and without attackers.
const MAX_RATIO: f64 = 3.0;
/// How long it may take to list a project that cannot be listed cheaply.
const MAX_LIST: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Probe {
    /// Streams the project that the attackers request.
    streamer: Option<Connection>,
    /// Seconds that its posts take, with and without the attackers.
    calm: Vec<f64>,
    under: Vec<f64>,
    notes: Vec<String>,
    missed: Vec<&'static str>,
}

impl Probe {
    /// Measures what can be seen without attackers.
    pub async fn before(attacks: &[&Attack], server: &Server) -> Result<Self> {
        let mut probe = Self::default();
        let is_there = |name: &str| attacks.iter().any(|attack| attack.name == name);
        if is_there("behind-gets") {
            let mut streamer = unauthenticated(server).await?;
            let authenticated = r#""type":"authentication""#;
            streamer
                .ask([&stream("big", "many")], authenticated, PATIENCE)
                .await?;
            // The server may have to count the files for the first post.
            time_post(&mut streamer).await?;
            probe.calm = time_posts(&mut streamer).await?;
            probe.streamer = Some(streamer);
        }
        if is_there("list") && attacks.len() == 1 {
            probe.list(server).await?;
        }
        Ok(probe)
    }

    async fn list(&mut self, server: &Server) -> Result<()> {
        let mut client = unauthenticated(server).await?;
        let mut costs = Vec::new();
        for _ in 0..4 {
            let before = cpu(server.pid());
            list(&mut client, "list").await?;
            costs.push((cpu(server.pid()) - before) * 1e3);
        }
        let (first, later) = (costs[0], median(&mut costs[1..]));
        self.notes.push(format!(
            "CPU of a `list` {first:.0} ms, of later ones {later:.0} ms"
        ));
        for (project, name) in [
            ("deep", "3,000 files at depth 64"),
            ("sparse", "a sparse file"),
        ] {
            let start = Instant::now();
            list(&mut client, project).await?;
            let time = start.elapsed();
            self.notes.push(format!("`list` of {name} {time:.1?}"));
            if time > MAX_LIST {
                self.missed.push("list");
            }
        }
        Ok(())
    }

    /// Measures while the attack is under way.
    pub async fn under(&mut self) -> Result<()> {
        if let Some(streamer) = &mut self.streamer {
            self.under.extend(time_posts(streamer).await?);
        }
        Ok(())
    }

    /// Measures what the attack has left on the disk.
    pub async fn after(
        &mut self,
        attacks: &[&Attack],
        server: &Server,
        arena: &Arena,
    ) -> Result<()> {
        let [
            Attack {
                name: "folders", ..
            },
        ] = attacks
        else {
            return Ok(());
        };
        let status = file("status", json!({"username": "mal", "project": "folders"}));
        let mut client = unauthenticated(server).await?;
        let answer = client.ask([&status], "}}", PATIENCE).await?;
        let answer = answer.get(answer.find('{').unwrap_or(0)..).unwrap_or("");
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let inodes = inodes(&arena.project("mal", "folders"));
        let says = |what: &str| answer["data"][what].to_string();
        let (files, folders, bytes) = (says("files"), says("folders"), says("bytes"));
        self.notes.push(format!(
            "{inodes} inodes; `status` says {files} files, {folders} folders, {bytes} bytes"
        ));
        if answer["data"]["folders"].is_null() {
            self.missed.push("folders");
        }
        Ok(())
    }

    /// The results, and which goals were missed.
    pub fn outcome(mut self) -> (Vec<String>, Vec<&'static str>) {
        if !self.under.is_empty() {
            let (calm, under) = (median(&mut self.calm), median(&mut self.under));
            let ratio = under / calm;
            let worst = self.under.iter().copied().fold(0.0, f64::max);
            let (calm, under, worst) = (calm * 1e3, under * 1e3, worst * 1e3);
            self.notes.push(format!(
                "its streamer's post {calm:.2} → {under:.2} ms, × {ratio:.1}, at most {worst:.1} ms"
            ));
            if ratio > MAX_RATIO {
                self.missed.push("post");
            }
        }
        (self.notes, self.missed)
    }
}

async fn unauthenticated(server: &Server) -> Result<Connection> {
    Connection::open_wide(Ipv4Addr::LOCALHOST, server.port, Role::Unauthenticated).await
}

async fn time_posts(streamer: &mut Connection) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..POSTS {
        sleep(PAUSE).await;
        times.push(time_post(streamer).await?);
    }
    Ok(times)
}

async fn time_post(streamer: &mut Connection) -> Result<f64> {
    let start = Instant::now();
    // The project has as many files as it may, so one of them is overwritten.
    let request = post("f0", "x");
    streamer.ask([&request], r#""filePost""#, PATIENCE).await?;
    Ok(start.elapsed().as_secs_f64())
}

async fn list(client: &mut Connection, project: &str) -> Result<()> {
    let request = file("list", json!({"username": "big", "project": project}));
    let last = r#""last":true"#;
    client.ask([&request], last, PATIENCE).await.map(drop)
}

/// The files and folders below a folder.
fn inodes(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: std::fs::DirEntry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        1 + if is_folder { inodes(&entry.path()) } else { 0 }
    };
    entries.map(count).sum()
}
