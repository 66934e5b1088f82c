//! The server is killed at random moments under load and restarted on the same folder: every
//! acknowledged change is there, no file is torn, nothing temporary is left (section 4).
//!
//! `CRASH_KILLS` (default 6) is the number of kills, `CRASH_SEED` the seed of the random numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

const STREAMERS: u64 = 3;
const AUTHORS: u64 = 2;
/// How many requests one connection has under way at a time.
const WINDOW: usize = 8;

fn from_environment(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

/// Content that names its file and version, and can be told from any torn one.
fn content(name: &str, version: u64) -> Vec<u8> {
    let line = format!("{name} {version}\n");
    let lines = usize::try_from(version * 7_919 % 2_000).expect("small");
    line.repeat(lines + 1).into_bytes()
}

fn version_of(name: &str, stored: &[u8]) -> u64 {
    let text = std::str::from_utf8(stored).expect("text");
    let first = text.lines().next().expect("never empty");
    let version = first.rsplit(' ').next().and_then(|text| text.parse().ok());
    let version = version.unwrap_or_else(|| panic!("{name} holds {first:?}"));
    assert!(stored == content(name, version), "{name} is torn");
    version
}

/// The changes that were requested for one file, and how many of them were acknowledged.
#[derive(Default)]
struct Asked {
    /// In order: a version, or its deletion.
    changes: Vec<Option<u64>>,
    acknowledged: usize,
}

impl Asked {
    /// The versions that may be there after a crash; `None` stands for no file.
    fn possible(&self) -> BTreeSet<Option<u64>> {
        let last = self.acknowledged.checked_sub(1);
        let before = last.and_then(|last| self.changes[last]);
        let later = self.changes[self.acknowledged..].iter().copied();
        later.chain([before]).collect()
    }
}

type Log = HashMap<String, Asked>;

/// Posts and deletes until the server is gone.
async fn stream(mut client: Client, own: String, mut random: Random, mut log: Log) -> Log {
    let mut version = log
        .values()
        .flat_map(|asked| &asked.changes)
        .flatten()
        .max()
        .copied();
    let mut open = 0;
    loop {
        while open < WINDOW {
            let name = format!("/{own}/{}", random.below(5));
            let asked = log.entry(name.clone()).or_default();
            let sent = if random.below(4) == 0 {
                asked.changes.push(None);
                client.try_send(delete(&name)).await
            } else {
                let next = version.map_or(1, |version| version + 1);
                version = Some(next);
                asked.changes.push(version);
                send_file(
                    &mut client,
                    &name,
                    &content(&name, next),
                    random.below(2) == 0,
                )
                .await
            };
            if sent.is_err() {
                return log;
            }
            open += 1;
        }
        let Ok(answer) = client.next_unless_gone().await else {
            return log;
        };
        let name = match answer["type"].as_str() {
            Some("filePost" | "fileDelete") => &answer["data"]["file"],
            // There was nothing to delete.
            Some("failReadFileError") => &answer["file"],
            _ => continue,
        };
        let name = name.as_str().expect("a name");
        log.get_mut(name).expect("asked for").acknowledged += 1;
        open -= 1;
    }
}

async fn send_file(client: &mut Client, name: &str, content: &[u8], whole: bool) -> Sent {
    if whole {
        return client.try_send(post(name, content)).await;
    }
    let middle = content.len() / 2;
    client
        .try_send(post_part(name, &content[..middle], 1, 2))
        .await?;
    client
        .try_send(post_part(name, &content[middle..], 2, 2))
        .await
}

/// Makes pull requests until the server is gone; returns the titles of those that it
/// acknowledged.
async fn propose(mut client: Client, own: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0_u64.. {
        let title = format!("{own} {number}");
        let mut requests = vec![pull_request(
            "creation",
            json!({"title": title, "description": ""}),
        )];
        requests.extend(["/x", "/y"].map(|name| post(name, content(name, number))));
        requests.push(finish());
        for request in requests {
            if client.try_send(request).await.is_err() {
                return acknowledged;
            }
        }
        loop {
            match client.next_unless_gone().await {
                Ok(answer) if answer["type"] == "pullRequestFinish" => break,
                Ok(answer) if answer["code"] == 413 => return acknowledged,
                Ok(_) => {}
                Err(()) => return acknowledged,
            }
        }
        acknowledged.push(title);
    }
    acknowledged
}

/// Everything below `folder` on the disk.
fn on_disk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}/{}", entry.file_name().display());
        if entry.file_type().expect("a type").is_dir() {
            on_disk(&entry.path(), &name, files);
        } else {
            files.insert(name, std::fs::read(entry.path()).expect("readable"));
        }
    }
}

/// Checks all logged changes and pull requests; returns how many of them were acknowledged.
async fn check(server: &Server, logs: &mut [Log], proposed: &[Vec<String>]) -> usize {
    let mut files = BTreeMap::new();
    on_disk(&server.project(), "", &mut files);
    let mut ana = server.streamer().await;
    let mut checked = 0;
    for (name, asked) in logs.iter_mut().flatten() {
        let there = files.remove(name).map(|stored| version_of(name, &stored));
        assert!(
            asked.possible().contains(&there),
            "{name}: {there:?} of {:?}",
            asked.possible()
        );
        checked += asked.acknowledged;
        *asked = Asked {
            changes: vec![there],
            acknowledged: 1,
        };
    }
    assert!(files.is_empty(), "nobody has posted {:?}", files.keys());
    for place in ["staging", "drafts"] {
        let mut left = BTreeMap::new();
        on_disk(&server.base().join(".twicecast").join(place), "", &mut left);
        assert!(left.is_empty(), "{place} holds {:?}", left.keys());
    }
    checked + check_pull_requests(&mut ana, proposed).await
}

async fn check_pull_requests(ana: &mut Client, proposed: &[Vec<String>]) -> usize {
    ana.send(with_ref(pull_request("list", json!({})), "list"))
        .await;
    let mut listed: Vec<Value> = Vec::new();
    loop {
        let message = ana.next().await;
        // The notices of waiting pull requests come first.
        if message["ref"] == "list" {
            listed.extend(message["data"].as_array().expect("a list").iter().cloned());
            if message["last"] == true {
                break;
            }
        }
    }
    let titles: BTreeSet<_> = listed
        .iter()
        .map(|one| one["title"].as_str().expect("a title"))
        .collect();
    for title in proposed.iter().flatten() {
        assert!(
            titles.contains(title.as_str()),
            "{title} was acknowledged and is lost"
        );
    }
    for one in &listed {
        let id = json!({"id": one["id"]});
        ana.send(pull_request("get", id.clone())).await;
        for name in ["/x", "/y"] {
            let file = ana.expect("fileGet").await;
            assert_eq!(file["name"], name);
            version_of(name, &unbase64(file["content"].as_str().expect("content")));
        }
        ana.expect("pullRequestGet").await;
        ana.ok(pull_request("delete", id)).await;
    }
    proposed.iter().map(Vec::len).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_change_is_there_after_a_kill() {
    let (kills, seed) = (
        from_environment("CRASH_KILLS", 6),
        from_environment("CRASH_SEED", 1),
    );
    println!("CRASH_SEED={seed}");
    let mut checked = 0;
    for durability in ["fsync", "rename"] {
        let mut server = Server::alone_with(&["--durability", durability]);
        let mut logs: Vec<Log> = (0..STREAMERS).map(|_| Log::new()).collect();
        for kill in 0..kills.div_ceil(2) {
            let mut random = Random::new(seed, kill);
            let mut streams = Vec::new();
            for (number, log) in (0_u64..).zip(std::mem::take(&mut logs)) {
                let client = server.streamer().await;
                let own = Random::new(seed + kill, number);
                streams.push(tokio::spawn(stream(client, format!("s{number}"), own, log)));
            }
            let mut authors = Vec::new();
            for number in 0..AUTHORS {
                let name = format!("author{number}");
                let client = server.viewer(&name).await;
                authors.push(tokio::spawn(propose(client, format!("{name} {kill}"))));
            }
            tokio::time::sleep(Duration::from_millis(20 + random.below(200))).await;
            server.kill();
            for stream in streams {
                logs.push(stream.await.expect("no panic"));
            }
            let mut proposed = Vec::new();
            for author in authors {
                proposed.push(author.await.expect("no panic"));
            }
            server.restart();
            checked += check(&server, &mut logs, &proposed).await;
        }
    }
    println!("{checked} acknowledged changes were there after {kills} kills");
    assert!(checked > 0);
}
