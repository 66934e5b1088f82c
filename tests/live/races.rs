//! Concurrent clients: on one file, on one pull request, connecting and leaving (sections 3, 4, 6).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn a_hundred_files_of_fifty_parts_mixed_at_random_all_become_whole() {
    const FILES: usize = 100;
    const PARTS: usize = 50;
    let server = Server::alone_with(&["--durability", "rename"]);
    let mut client = server.streamer().await;
    let content = |file: usize| noise(1_000 + file);
    let mut random = Random::new(1, 1);
    let mut messages = Vec::new();
    for file in 0..FILES {
        let content = content(file);
        let length = content.len().div_ceil(PARTS);
        for (part, bytes) in (1..).zip(content.chunks(length)) {
            let of = content.len().div_ceil(length) as u64;
            messages.push(post_part(
                &format!("d{}/f{file}", file % 7),
                bytes,
                part,
                of,
            ));
        }
    }
    for index in (1..messages.len()).rev() {
        let other = random.below(index as u64 + 1);
        messages.swap(index, usize::try_from(other).expect("small"));
    }
    let half = messages.split_off(messages.len() / 2);
    client.send_all(messages).await;
    client.send(post("whole", "whole")).await;
    client.send_all(half).await;
    let mut answered = BTreeSet::new();
    for data in client.expect_all("filePost", FILES + 1).await {
        let name = data["file"].as_str().expect("a name").to_owned();
        assert!(answered.insert(name), "once each: {data}");
    }
    for file in 0..FILES {
        let name = format!("d{}/f{file}", file % 7);
        assert!(answered.contains(&name), "{name}");
        let stored = std::fs::read(server.project().join(&name)).expect("stored");
        assert!(stored == content(file), "{name}");
    }
    client.quiet().await;
}

/// The one byte that the content repeats.
fn uniform(content: &[u8]) -> u8 {
    assert_eq!(content.len(), 100_000, "one whole version");
    let first = content[0];
    assert!(content.iter().all(|byte| *byte == first), "of one version");
    first
}

/// A file sent in parts.
async fn whole_file(client: &mut Client) -> Vec<u8> {
    let mut joined = String::new();
    loop {
        let data = client.expect("fileGet").await;
        joined += data["content"].as_str().expect("content");
        if data["part"] == data["maxPart"] {
            return unbase64(&joined);
        }
    }
}

/// Posts `f` once with each of these bytes, repeated; returns the last byte.
async fn post_uniform(mut client: Client, bytes: std::ops::RangeInclusive<u8>) -> (Client, u8) {
    let last = *bytes.end();
    for byte in bytes {
        client.send(post("f", vec![byte; 100_000])).await;
        // The other connection's posts arrive in between.
        loop {
            let message = client.next().await;
            match message["type"].as_str() {
                Some("filePost") => break,
                Some("fileGet") => {}
                _ => panic!("{message}"),
            }
        }
    }
    (client, last)
}

#[tokio::test]
async fn one_file_posted_by_two_connections_at_once_is_always_one_whole_version() {
    let server = Server::alone_with(&["--durability", "rename"]);
    let (one, two) = (server.streamer().await, server.streamer().await);
    let mut bob = server.viewer("bob").await;
    let mut reader = server.connect().await;
    let both = async { tokio::join!(post_uniform(one, 1..=40), post_uniform(two, 101..=140)) };
    let posting = tokio::spawn(both);
    while !posting.is_finished() {
        reader.send(with_ref(get("f"), 1)).await;
        let first = reader.next().await;
        if first["type"] == "failReadFileError" {
            continue;
        }
        let mut joined = String::new();
        let mut message = first;
        while message["type"] != "fileGetDone" {
            joined += message["data"]["content"].as_str().expect("content");
            message = reader.next().await;
        }
        uniform(&unbase64(&joined));
    }
    let ((_one, one_last), (_two, two_last)) = posting.await.expect("no panic");
    let stored = std::fs::read(server.project().join("f")).expect("stored");
    let last = uniform(&stored);
    assert!([one_last, two_last].contains(&last), "{last}");
    // The viewer reads only now, and ends with the version on the disk.
    while uniform(&whole_file(&mut bob).await) != last {}
    bob.quiet().await;
}

#[tokio::test]
async fn a_pull_request_that_is_deleted_while_it_is_read_ends_in_one_answer() {
    let server = Server::start();
    let mut reader = server.streamer().await;
    let mut other = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    for _ in 0..5 {
        bob.ok(creation()).await;
        bob.send_all((0..40).map(|n| post(&format!("f{n:02}"), vec![n; 3_000])))
            .await;
        bob.expect_all("filePost", 40).await;
        bob.ok(finish()).await;
        other.expect("pullRequestCreated").await;
        let id = reader.expect("pullRequestCreated").await["id"].take();
        let asking = with_ref(pull_request("get", json!({"id": id})), "get");
        reader.send(asking).await;
        other.ok(pull_request("delete", json!({"id": id}))).await;
        bob.expect("pullRequestClosed").await;
        loop {
            let message = reader.next().await;
            assert_eq!(message["ref"], "get", "{message}");
            match message["type"].as_str() {
                Some("fileGet") => {
                    let data = &message["data"];
                    let name = data["name"].as_str().expect("a name");
                    let number: u8 = name.trim_start_matches("/f").parse().expect("a number");
                    assert_eq!(data["content"], base64([number; 3_000]));
                }
                Some("failReadFileError") => {}
                Some("pullRequestGet" | "badParametersError") => break,
                _ => panic!("{message}"),
            }
        }
        reader.quiet().await;
    }
}

#[tokio::test]
async fn clients_that_come_and_go_leave_nothing_behind() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    let come_and_go = async |times: u64| {
        for number in 0..times {
            let name = format!("viewer{number}");
            let room = format!("room{number}");
            let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
                "room": room});
            let mut client = server.connect().await;
            let data = json!({"token": token(claims), "chat": chat_section(&name, &room),
                "pullrequest": pull_request_section(&name, "ana", "demo")});
            client.authenticate(data).await;
            if number % 2 == 0 {
                client.send_close().await;
            }
        }
    };
    let gone = async |before: usize| {
        let began = Instant::now();
        while server.open_files() > before {
            assert!(began.elapsed() < PATIENCE, "sockets are left");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let sockets = server.open_files();
    come_and_go(100).await;
    gone(sockets).await;
    let memory = server.memory();
    come_and_go(400).await;
    gone(sockets).await;
    let grown = server.memory().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown} bytes more than before");
    let status = ana.ok(file("status", project())).await;
    assert_eq!(status["viewers"], 0);
}

#[tokio::test]
async fn a_viewer_who_joins_in_the_middle_of_a_storm_ends_with_what_is_on_the_disk() {
    const POSTS: u64 = 300;
    let server = Server::with(&["--durability", "rename"]);
    let mut ana = server.streamer().await;
    let last: BTreeMap<_, _> = (POSTS - 9..=POSTS)
        .map(|number| (format!("/f{}", number % 10), number))
        .collect();
    let storming = tokio::spawn(async move {
        for number in 1..=POSTS {
            ana.ok(post(&format!("f{}", number % 10), version(number, 5_000)))
                .await;
        }
        ana
    });
    let mut probe = server.connect().await;
    for round in 1..=4 {
        // Joins somewhere in the middle, not at a certain time.
        while probe.ok(file("status", project())).await["files"].as_u64() < Some(2 * round) {}
        let mut late = server.viewer("late").await;
        late.send(with_ref(get_all(), round)).await;
        let mut replica = Replica::default();
        let mut is_answered = false;
        while !is_answered || replica.there != last {
            let message = late.next().await;
            is_answered |= message["type"] == "fileGetDone";
            replica.take(&message);
        }
        late.quiet().await;
    }
    storming.await.expect("no panic").quiet().await;
}

#[tokio::test]
async fn streamers_who_all_reconnect_at_once_keep_their_roles_and_files() {
    const STREAMERS: usize = 20;
    let flags = [
        "--on-streamer-disconnect",
        "delete",
        "--streamer-grace-seconds",
        "2",
    ];
    let server = Server::alone_with(&flags);
    let url = server.url();
    let come_again = |number: usize| {
        let (name, url) = (format!("s{number}"), url.clone());
        async move {
            let come = async || {
                let mut client = Client::connect(&url).await;
                client.authenticate(streamer(&name, "own")).await;
                client
            };
            let mut watcher = Client::connect(&url).await;
            let own = json!({"username": name, "project": "own"});
            watcher.ok(file("watch", own)).await;
            let mut client = come().await;
            for round in 0..10 {
                client.ok(post(&format!("{round}"), &name)).await;
                if round % 2 == 0 {
                    // The old connection ends before the new one arrives …
                    drop(client);
                    client = come().await;
                } else {
                    // … or after it.
                    client = come().await;
                }
            }
            (watcher, client)
        }
    };
    let all = futures_util::future::join_all((0..STREAMERS).map(come_again)).await;
    for (number, (mut watcher, mut client)) in all.into_iter().enumerate() {
        let (name, mut present, mut files) = (format!("s{number}"), false, BTreeSet::new());
        let own = json!({"username": name, "project": "own"});
        for message in watcher.rest().await {
            let data = &message["data"];
            assert_eq!(data["username"], *name, "{message}");
            match message["type"].as_str() {
                Some("streamerConnected") => assert!(!std::mem::replace(&mut present, true)),
                Some("streamerDisconnected") => assert!(std::mem::replace(&mut present, false)),
                Some("fileGet") => assert!(files.insert(data["name"].to_string()), "once"),
                _ => panic!("{message}"),
            }
        }
        assert!(present, "the last news of {name} is that they are there");
        assert_eq!(files.len(), 10);
        let status = client.ok(file("status", own)).await;
        assert_eq!(
            (&status["streamer"], &status["files"]),
            (&json!(true), &json!(10))
        );
        let none: Value = json!([]);
        assert_ne!(client.ok(list_of(&name)).await["files"], none);
    }
}

fn list_of(name: &str) -> Value {
    file("list", json!({"username": name, "project": "own"}))
}
