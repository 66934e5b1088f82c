//! Random requests with good and bad parameters, from several clients at once: each is
//! answered, none with 500, and no connection ends by it (section 2).
//!
//! `NONSENSE_ROUNDS` (default 12) is the number of rounds, `NONSENSE_SEED` the seed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::*;

const CLIENTS: u64 = 4;
/// How many requests are under way at a time.
const BATCH: u64 = 25;

fn from_environment(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

/// A parameter and its possible values.
type Choice = (&'static str, fn(&mut Random) -> Value);

fn one_of<T: Into<Value> + Clone, const N: usize>(random: &mut Random, all: &[T; N]) -> Value {
    all[usize::try_from(random.below(N as u64)).expect("small")]
        .clone()
        .into()
}

fn user(random: &mut Random) -> Value {
    one_of(random, &["ana", "ana", "ana", "bob", "eve", "..", ""])
}

fn ana(random: &mut Random) -> Value {
    one_of(random, &["ana", "ana", "ana", "ana", "ana", "bob", ".."])
}

fn named(random: &mut Random) -> Value {
    one_of(
        random,
        &["demo", "demo", "demo", "demo", "own", "none", ".."],
    )
}

fn name(random: &mut Random) -> Value {
    let deepest = "d/".repeat(63) + "f";
    let long = "n".repeat(256);
    let names = [
        "a",
        "b",
        "/a",
        "c",
        "d/a",
        "d/b",
        "d",
        "d/",
        "d/e/f",
        "./d//a",
        "",
        "/",
        ".",
        "..",
        "é",
        "a\0",
        "\u{202e}",
        "\\",
        "__proto__",
        &deepest,
        &long,
    ];
    one_of(random, &names)
}

fn content(random: &mut Random) -> Value {
    let large = base64(noise(60_000));
    let contents = [
        "", "YQ==", "YQ", "YWJj", " Y Q=\n=", "***", "YQ==YQ==", &large,
    ];
    one_of(random, &contents)
}

fn number(random: &mut Random) -> Value {
    one_of(random, &[1_u64, 1, 2, 2, 3, 0, 2_147_483_647, 1 << 40])
}

fn base(random: &mut Random) -> Value {
    let hashes = ["a".repeat(64), "0f".repeat(32), "A".repeat(64)];
    one_of(random, &[&hashes[0], &hashes[1], &hashes[2], "", "a"])
}

fn text(random: &mut Random) -> Value {
    let long = "x".repeat(5_000);
    one_of(random, &["t", "hello", "é😀", "\0\u{1b}", "", &long])
}

fn flag(random: &mut Random) -> Value {
    one_of(random, &[true, false])
}

fn id(random: &mut Random) -> Value {
    one_of(random, &["", "..", "00000000-0000-4000-8000-000000000000"])
}

fn outcome(random: &mut Random) -> Value {
    one_of(random, &["merged", "closed", "eaten"])
}

fn room(random: &mut Random) -> Value {
    one_of(random, &["ana/demo", "ana/demo", "r", ""])
}

const READING: &[Choice] = &[
    ("username", ana),
    ("project", named),
    ("name", name),
    ("recursively", flag),
];
const PROJECT: &[Choice] = &[("username", ana), ("project", named)];
const POST: &[Choice] = &[("name", name), ("content", content)];
const POST_FROM: &[Choice] = &[("name", name), ("content", content), ("base", base)];
const REQUESTS: &[(&str, &str, &[Choice])] = &[
    ("file", "get", READING),
    ("file", "list", READING),
    ("file", "post", POST),
    ("file", "post", POST_FROM),
    (
        "file",
        "post",
        &[
            ("name", name),
            ("content", content),
            ("part", number),
            ("maxPart", number),
            ("base", base),
        ],
    ),
    ("file", "delete", &[("name", name)]),
    ("file", "watch", PROJECT),
    ("file", "unwatch", PROJECT),
    ("file", "status", PROJECT),
    ("file", "auth", PROJECT),
    (
        "pullrequest",
        "auth",
        &[("username", user), ("streamer", ana), ("project", named)],
    ),
    (
        "pullrequest",
        "creation",
        &[("title", text), ("description", text)],
    ),
    ("pullrequest", "finish", &[]),
    ("pullrequest", "get", &[("id", id)]),
    ("pullrequest", "delete", &[("id", id), ("outcome", outcome)]),
    ("pullrequest", "list", &[]),
    ("chat", "auth", &[("username", user), ("room", room)]),
    ("chat", "message", &[("message", text)]),
    ("chat", "history", &[("limit", number)]),
    ("chat", "members", &[]),
    ("chat", "leave", &[]),
    ("chat", "mute", &[("username", user), ("seconds", number)]),
    ("chat", "unmute", &[("username", user)]),
    ("chat", "ban", &[("username", user), ("seconds", number)]),
    ("chat", "unban", &[("username", user)]),
    ("chat", "delete", &[("id", number)]),
    ("chat", "slow", &[("seconds", number)]),
    ("chat", "announce", &[("message", text)]),
    ("chat", "moderation", &[]),
    ("chat", "nonsense", &[]),
];

/// A token of some user, valid for long or for a second.
fn login(random: &mut Random) -> Value {
    let mut login = match random.below(3) {
        0 => streamer("ana", "demo"),
        1 => viewer("bob", "ana", "demo"),
        _ => viewer("eve", "ana", "demo"),
    };
    if random.below(4) == 0 {
        login["chat"] = chat_section("bob", "ana/demo");
    }
    if random.below(10) == 0 {
        let claims = json!({"username": "ana", "streamername": "ana", "streamname": "demo",
            "exp": now() + 1});
        login["token"] = json!(token(claims));
    }
    authenticate(login)
}

fn request(random: &mut Random, ids: &[Value]) -> Value {
    if random.below(20) == 0 {
        return login(random);
    }
    let index = usize::try_from(random.below(REQUESTS.len() as u64)).expect("small");
    let (kind, subtype, parameters) = REQUESTS[index];
    let mut data = json!({});
    for (name, choose) in parameters {
        match random.below(30) {
            0 => {}
            1 => data[name] = one_of(random, &[json!(null), json!([]), json!({}), json!(-1.5)]),
            _ => data[name] = choose(random),
        }
    }
    if data.get("id").is_some() && !ids.is_empty() && random.below(3) > 0 {
        let index = usize::try_from(random.below(ids.len() as u64)).expect("small");
        data["id"] = ids[index].clone();
    }
    json!({"type": kind, "subtype": subtype, "data": data})
}

/// Whether the request may be a part that is not the last of its file, and so gets no answer.
fn may_be_silent(request: &Value) -> bool {
    request["subtype"] == "post" && request["data"].get("maxPart").is_some()
}

async fn talk_nonsense(server: &Server, mut random: Random, rounds: u64) -> u64 {
    let (mut answers, mut ids) = (0, Vec::new());
    let mut client = server.connect().await;
    for _ in 0..rounds {
        let mut open = BTreeMap::new();
        for number in 0..BATCH {
            let request = with_ref(request(&mut random, &ids), number);
            if random.below(3) == 0 {
                client.send_binary(request.to_string()).await;
            } else {
                client.send(request.clone()).await;
            }
            open.insert(number, request);
        }
        for message in client.rest().await {
            assert_ne!(message["code"], 500, "{message} of {open:?}");
            if message["type"] == "pullRequestCreated" {
                ids.push(message["data"]["id"].clone());
            }
            if let Some(number) = message["ref"].as_u64() {
                open.remove(&number);
                answers += 1;
            }
        }
        open.retain(|_, request| !may_be_silent(request));
        assert!(open.is_empty(), "without an answer: {open:?}");
        if random.below(8) == 0 {
            client = server.connect().await;
        }
    }
    answers
}

#[tokio::test]
async fn every_random_request_is_answered_and_never_with_500() {
    let rounds = from_environment("NONSENSE_ROUNDS", 12);
    let seed = from_environment("NONSENSE_SEED", 1);
    println!("NONSENSE_SEED={seed}");
    let flags = [
        "--max-failed-authentications",
        "1000000",
        "--durability",
        "rename",
    ];
    let server = Server::with(&flags);
    let all = (0..CLIENTS).map(|n| talk_nonsense(&server, Random::new(seed, n), rounds));
    let answers: u64 = futures_util::future::join_all(all).await.iter().sum();
    println!("{answers} answers");
    let mut ana = server.streamer().await;
    ana.rest().await;
    ana.ok(post("still", "here")).await;
}
