//! Order and versions: nobody sees a file go backwards, and all end with the newest.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::client::{Client, decode, delete, get, post, streamer_login, viewer_login};
use crate::server::Server;

#[tokio::test]
async fn a_hundred_pipelined_posts_of_one_file_end_with_the_last() {
    let server = Server::start(&["--store", "memory"]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    for number in 0..100 {
        streamer
            .feed(&post("f", number.to_string().as_bytes()))
            .await;
    }
    streamer.flush().await;
    for _ in 0..100 {
        assert_eq!(streamer.next().await["type"], "filePost");
    }
    assert_eq!(streamer.content("/f").await, b"99");
}

#[tokio::test]
async fn a_get_right_behind_fifty_posts_sees_all_fifty() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().to_str().expect("a plain path");
    let server = Server::start(&["--base-dir", base]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    for number in 0..50 {
        streamer.feed(&post(&format!("d/{number}"), b"x")).await;
    }
    streamer.feed(&get("/")).await;
    streamer.flush().await;
    let messages = streamer
        .until(|message| message["type"] == "fileGetDone")
        .await;
    let of = |kind: &str| {
        messages
            .iter()
            .filter(|message| message["type"] == kind)
            .count()
    };
    assert_eq!((of("filePost"), of("fileGet")), (50, 50));
    assert!(
        messages[..50]
            .iter()
            .all(|message| message["type"] == "filePost")
    );
    assert_eq!(messages[100]["data"]["files"], 50);
}

#[tokio::test]
async fn a_viewer_who_reads_slowly_through_a_burst_ends_with_the_final_content() {
    const BYTES: usize = 40_000;
    let server = Server::start(&["--store", "memory"]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let mut viewer = Client::logged_in(&server.url, viewer_login("bob")).await;
    let content = |number: usize| {
        let mut content = vec![b'.'; BYTES];
        let text = number.to_string();
        content[..text.len()].copy_from_slice(text.as_bytes());
        content
    };
    // The viewer reads nothing at all while 1,000 updates of 5 files, 40 MB in all, are stored.
    for round in 0..20 {
        for number in round * 50..(round + 1) * 50 {
            streamer
                .feed(&post(&format!("f{}", number % 5), &content(number)))
                .await;
        }
        streamer.flush().await;
        for _ in 0..50 {
            assert_eq!(streamer.next().await["type"], "filePost");
        }
    }
    assert!(
        server.peak_memory() < 64 << 20,
        "{} bytes",
        server.peak_memory()
    );

    let mut seen = Seen::default();
    viewer
        .send(&json!({"type": "chat", "subtype": "members", "ref": "end"}))
        .await;
    while seen.finals(5, |number| number >= 995) < 5 {
        let message = viewer.next().await;
        seen.take(&message);
    }
    assert!(seen.updates < 1_000, "superseded versions are skipped");
}

/// What a viewer has seen of each file: the number in its content, or that it is gone.
#[derive(Default)]
struct Seen {
    files: BTreeMap<String, Option<usize>>,
    highest: BTreeMap<String, usize>,
    updates: usize,
}

impl Seen {
    fn take(&mut self, message: &Value) {
        match message["type"].as_str() {
            Some("fileGet") => {
                let name = message["data"]["name"].as_str().expect("a name").to_owned();
                assert_eq!(
                    message["data"]["maxPart"], message["data"]["part"],
                    "small files"
                );
                let text = decode(std::iter::once(message));
                let digits: Vec<u8> = text.into_iter().take_while(u8::is_ascii_digit).collect();
                let number: usize = String::from_utf8_lossy(&digits).parse().expect("a number");
                let highest = self.highest.entry(name.clone()).or_insert(number);
                assert!(
                    *highest <= number,
                    "{name} went from {highest} back to {number}"
                );
                *highest = number;
                self.files.insert(name, Some(number));
                self.updates += 1;
            }
            Some("fileDeleted") => {
                let name = message["data"]["file"].as_str().expect("a name").to_owned();
                self.files.insert(name, None);
            }
            _ => {}
        }
    }

    /// The files that are there as far as is known, but for the last.
    fn there(&self) -> BTreeMap<String, usize> {
        let known = self.files.iter().filter(|(name, _)| *name != "/last");
        known
            .filter_map(|(name, seen)| Some((name.clone(), (*seen)?)))
            .collect()
    }

    fn finals(&self, files: usize, is_final: impl Fn(usize) -> bool) -> usize {
        self.files
            .values()
            .take(files)
            .filter(|seen| seen.is_some_and(&is_final))
            .count()
    }
}

/// One step of a streamer, or of the viewer who follows him.
#[derive(Debug, Clone)]
enum Step {
    Post(u8),
    Delete(u8),
    Get(u8),
    /// The viewer reads a few messages.
    Read(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..4).prop_map(Step::Post),
        2 => (0_u8..4).prop_map(Step::Delete),
        2 => any::<u8>().prop_map(Step::Get),
        2 => (any::<u8>(), 0_u8..20).prop_map(|(viewer, messages)| Step::Read(viewer, messages)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_viewer_sees_a_file_go_backwards_and_all_converge(
        steps in proptest::collection::vec(step(), 20..150)
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(run_history(steps));
    }
}

/// Runs a history against a server with tiny queues, so that viewers lag soon.
async fn run_history(steps: Vec<Step>) {
    const VIEWERS: usize = 3;
    let server = Server::start(&[
        "--store",
        "memory",
        "--max-queue-bytes",
        "16384",
        "--part-bytes",
        "1500",
    ]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let names = ["bob", "eve", "kim"];
    let logins = names.map(|name| Client::logged_in(&server.url, viewer_login(name)));
    let mut viewers: Vec<(Client, Seen)> = join_all(logins)
        .await
        .into_iter()
        .map(|client| (client, Seen::default()))
        .collect();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = 1_000;
    for step in steps {
        match step {
            Step::Post(file) => {
                number += 1;
                let (name, content) = (format!("/f{file}"), format!("{number}{}", " ".repeat(900)));
                streamer.send(&post(&name, content.as_bytes())).await;
                expected.insert(name, number);
            }
            Step::Delete(file) => {
                let name = format!("/f{file}");
                streamer.send(&delete(&name)).await;
                expected.remove(&name);
            }
            Step::Get(viewer) => {
                viewers[usize::from(viewer) % VIEWERS]
                    .0
                    .send(&get("/"))
                    .await;
            }
            Step::Read(viewer, messages) => {
                let (client, seen) = &mut viewers[usize::from(viewer) % VIEWERS];
                // Asks for something, so that there is an end to what is read.
                client.send(&json!({"type": "x", "ref": "mark"})).await;
                for _ in 0..messages {
                    let message = client.next().await;
                    seen.take(&message);
                    if message["ref"] == "mark" {
                        break;
                    }
                }
            }
        }
    }
    // A last file tells each viewer that nothing more comes: changes wait in order.
    streamer.send(&post("/last", b"1")).await;
    streamer
        .until(|message| message["data"]["file"] == "/last")
        .await;
    for (client, seen) in &mut viewers {
        while !seen.files.contains_key("/last") {
            let message = client.next().await;
            seen.take(&message);
        }
        // A `get` that was under way may have brought the last file ahead of changes that still
        // wait; they come, or the patience of `next` runs out.
        while seen.there() != expected {
            let message = client.next().await;
            seen.take(&message);
        }
    }
}
