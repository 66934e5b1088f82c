//! Order and versions: what is sent first takes effect first, and no file ever goes backwards
//! (sections 1 and 5).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn a_hundred_pipelined_posts_of_one_file_end_with_the_last() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    client
        .send_all((1..=100).map(|n| post("f", version(n, 100))))
        .await;
    client.expect_all("filePost", 100).await;
    let content = client.ok(get("f")).await["content"].take();
    assert_eq!(content, base64(version(100, 100)));
    let mut replica = Replica::default();
    while replica.there.get("/f") != Some(&100) {
        replica.take(&bob.next().await);
    }
    bob.quiet().await;
}

#[tokio::test]
async fn a_get_right_behind_fifty_posts_sees_them_all() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    client
        .send_all((0..50).map(|n| post(&format!("f{n}"), "x")))
        .await;
    client
        .send_all([
            with_ref(get_all(), "g"),
            list_all(),
            delete("f7"),
            list_all(),
        ])
        .await;
    client.expect_all("filePost", 50).await;
    client.expect_all("fileGet", 50).await;
    assert_eq!(client.expect("fileGetDone").await["files"], 50);
    assert_eq!(
        client.expect("fileList").await["files"]
            .as_array()
            .map(Vec::len),
        Some(50)
    );
    client.expect("fileDelete").await;
    assert_eq!(
        client.expect("fileList").await["files"]
            .as_array()
            .map(Vec::len),
        Some(49)
    );
    bob.send_all((0..50).map(|n| post(&format!("f{n}"), "y")))
        .await;
    bob.send(finish()).await;
    let created = loop {
        let message = client.next().await;
        if message["type"] == "pullRequestCreated" {
            break message;
        }
    };
    assert_eq!(created["data"]["files"].as_array().map(Vec::len), Some(50));
}

#[tokio::test]
async fn a_slow_viewer_ends_with_the_last_content_and_costs_little_memory() {
    let server = Server::with(&[
        "--durability",
        "rename",
        "--max-queue-bytes",
        "262144",
        "--part-bytes",
        "49152",
    ]);
    let mut client = server.streamer().await;
    let mut slow = Client::narrow(&server.url()).await;
    slow.authenticate(viewer("bob", "ana", "demo")).await;
    let before = server.memory();
    for round in 0..20_u64 {
        let posts = (1..=50).map(|n| {
            let number = round * 50 + n;
            post(&format!("f{}", number % 5), version(number, 20_000))
        });
        client.send_all(posts).await;
        client.expect_all("filePost", 50).await;
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more than before");
    let last: BTreeMap<_, _> = (996..=1_000).map(|n| (format!("/f{}", n % 5), n)).collect();
    let mut replica = Replica::default();
    let mut messages = 0;
    while replica.there != last {
        replica.take(&slow.next().await);
        messages += 1;
    }
    assert!(
        messages < 900,
        "superseded versions are skipped: {messages}"
    );
    slow.quiet().await;
}

const NAMES: [&str; 4] = ["/a", "/b", "/d/c", "/d/e"];

const CHANGES: u64 = 80;

/// Posts and deletes at random, with version numbers after `before`; returns the files that are
/// there in the end.
async fn stream(client: &mut Client, before: u64, mut random: Random) -> BTreeMap<String, u64> {
    let mut there = BTreeMap::new();
    let mut open = 0;
    for number in before + 1..=before + CHANGES {
        let name = NAMES[usize::try_from(random.below(4)).expect("small")];
        if random.below(4) == 0 {
            client.send(delete(name)).await;
            there.remove(name);
        } else {
            let bytes = if random.below(3) == 0 { 30_000 } else { 300 };
            client.send(post(name, version(number, bytes))).await;
            there.insert(name.to_owned(), number);
        }
        open += 1;
        if random.below(6) == 0 {
            for _ in 0..std::mem::take(&mut open) {
                client.next().await;
            }
        }
    }
    for _ in 0..open {
        client.next().await;
    }
    there
}

/// Sends a request, pauses or reads a message, forty times at random.
async fn read_along(client: &mut Client, mut random: Random) -> Replica {
    let mut replica = Replica::default();
    for _ in 0..40 {
        match random.below(5) {
            0 => client.send(get(NAMES[0])).await,
            1 => client.send(get_all()).await,
            2 => tokio::time::sleep(Duration::from_millis(random.below(8))).await,
            _ => {
                if let Some(message) = client.next_within(Duration::from_millis(5)).await {
                    replica.take(&message);
                }
            }
        }
    }
    replica
}

#[tokio::test]
async fn under_random_posts_deletes_and_reads_no_file_goes_backwards_and_all_converge() {
    let flags = [
        "--part-bytes",
        "9000",
        "--max-queue-bytes",
        "65536",
        "--durability",
        "rename",
    ];
    let server = Server::with(&flags);
    for seed in 1..=12_u64 {
        println!("seed {seed}");
        let random = |n: u64| Random::new(seed, n);
        let mut ana = server.streamer().await;
        let mut quick = server.viewer("bob").await;
        let mut slow = Client::narrow(&server.url()).await;
        slow.authenticate(viewer("eve", "ana", "demo")).await;
        let (there, one, two) = tokio::join!(
            // Numbers grow from seed to seed: when a viewer comes, another server of a cluster may
            // still have the files of the last seed.
            stream(&mut ana, seed * CHANGES, random(1)),
            read_along(&mut quick, random(2)),
            read_along(&mut slow, random(3)),
        );
        for (mut client, mut replica) in [(quick, one), (slow, two)] {
            let reference = json!(seed);
            client.send(with_ref(get_all(), seed)).await;
            let mut is_answered = false;
            while !is_answered || replica.there != there {
                let message = client.next().await;
                is_answered |= message["ref"] == reference && message["type"] == "fileGetDone";
                replica.take(&message);
            }
            for message in client.rest().await {
                replica.take(&message);
            }
            assert_eq!(replica.there, there, "seed {seed}");
        }
        for name in there.keys() {
            ana.ok(delete(name)).await;
        }
    }
}
