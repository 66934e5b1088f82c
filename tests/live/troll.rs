//! A troll's evening (section 7, moderation): everything that moderators have against somebody who
//! does not stop, in one story over real sockets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::*;

const ROOM: &str = "ana/demo";
/// The troll's address, and that of a guest who means no harm.
const TROLLS: &str = "203.0.113.7";
const OTHERS: &str = "203.0.113.8";
/// How many messages the troll sends at once. After a hundred refusals the server answers about one
/// in a millisecond, so a flood lasts longer than the messages that are timed during it.
const FLOOD: usize = 500;
/// How often messages are timed in calm and, right after that, during a flood.
const PAIRS: usize = 7;

fn login(name: &str, role: Option<&str>) -> Value {
    let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
        "role": role});
    json!({"token": token(claims), "chat": chat_section(name, ROOM)})
}

async fn member(server: &Server, name: &str) -> Client {
    let mut client = server.connect().await;
    client.authenticate(login(name, None)).await;
    client
}

fn enter(name: &str) -> Value {
    let data = json!({"name": name, "streamer": "ana", "project": "demo"});
    json!({"type": "guest", "subtype": "enter", "data": data})
}

/// The data with which a guest authenticates.
fn guest_login(token: &str, name: &str) -> Value {
    json!({
        "token": token,
        "chat": chat_section(name, ROOM),
        "pullrequest": pull_request_section(name, "ana", "demo"),
    })
}

/// A guest who comes from that address, and their token.
async fn guest(server: &Server, name: &str, address: &str) -> (Client, String) {
    let mut client = Client::behind_proxy(&server.url(), address).await;
    let pass = client.ok(enter(name)).await;
    let token = pass["token"].as_str().expect("a token").to_owned();
    client
        .authenticate(guest_login(&token, &format!("~{name}")))
        .await;
    (client, token)
}

/// The next message of that user, whatever comes before it.
async fn heard(client: &mut Client, from: &str) -> Value {
    loop {
        let mut message = client.until("chatMessage").await;
        if message["data"]["username"] == from {
            return message["data"].take();
        }
    }
}

/// How long a message takes from one member to another: the median of some messages. Asserts that
/// they come in the order of their numbers, none of them twice or too late.
async fn latency(
    (speaker, name): (&mut Client, &str),
    quin: &mut Client,
    last_id: &mut u64,
) -> Duration {
    const MESSAGES: usize = 15;
    let mut times = Vec::new();
    for number in 0..MESSAGES {
        let text = format!("message {number}");
        let sent = Instant::now();
        speaker.send(say(&text)).await;
        let said = heard(quin, name).await;
        times.push(sent.elapsed());
        assert_eq!(said["message"], text, "in order");
        let id = said["id"].as_u64().expect("a number");
        assert!(id > *last_id, "numbers grow");
        *last_id = id;
    }
    times.sort_unstable();
    times[MESSAGES / 2]
}

/// Times in calm and, right after that, in trouble. Whatever else the machine does affects both.
struct Latencies(Vec<(Duration, Duration)>);

impl Latencies {
    /// The medians of how many times longer a message took in trouble, and of how much longer.
    fn harm(&self) -> (f64, Duration) {
        let pairs = self.0.iter();
        let mut times: Vec<_> = pairs
            .clone()
            .map(|(calm, trouble)| trouble.as_secs_f64() / calm.as_secs_f64())
            .collect();
        let mut longer: Vec<_> = pairs
            .map(|(calm, trouble)| trouble.saturating_sub(*calm))
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        longer.sort_unstable();
        (times[times.len() / 2], longer[longer.len() / 2])
    }

    /// Asserts that the others hardly notice: a message takes at most four times as long, or 20 ms
    /// longer, which nobody perceives.
    fn assert_unharmed(&self) {
        let (times, longer) = self.harm();
        eprintln!(
            "from one member to another: {times:.2} times as long in trouble, {longer:.1?} longer"
        );
        for (calm, trouble) in &self.0 {
            eprintln!("  {calm:.1?} in calm, {trouble:.1?} in trouble");
        }
        let is_unnoticed = times <= 4.0 || longer <= Duration::from_millis(20);
        assert!(is_unnoticed, "{times:.2} times as long, {longer:?} longer");
    }
}

/// Sends a request; returns its answer, whatever comes before it.
async fn answered(client: &mut Client, request: Value) -> Value {
    client.send(with_ref(request, "this")).await;
    loop {
        let message = client.next().await;
        if message["ref"] == "this" {
            return message;
        }
    }
}

/// Asserts the decisions, which are the same after a restart.
async fn assert_decided(ana: &mut Client, until: &Value) {
    let shown = answered(ana, chat("moderation", json!({}))).await;
    let shown = &shown["data"];
    let muted = &shown["muted"];
    assert_eq!(muted.as_array().map(Vec::len), Some(1), "{muted}");
    assert_eq!(
        (&muted[0]["username"], &muted[0]["until"]),
        (&json!("~bob"), until)
    );
    let banned = &shown["banned"];
    assert_eq!(banned.as_array().map(Vec::len), Some(1), "{banned}");
    let ban = (
        &banned[0]["username"],
        &banned[0]["by"],
        &banned[0]["address"],
    );
    assert_eq!(ban, (&json!("~eve"), &json!("mod"), &json!(true)));
    assert_eq!(shown["slow"], 30);
    let log = shown["log"].as_array().expect("a list").iter();
    let log: Vec<_> = log
        .map(|action| ["by", "action", "username"].map(|member| action[member].clone()))
        .collect();
    let expected = [
        ["mod", "delete", "~bob"],
        ["ana", "mute", "~bob"],
        ["mod", "ban", "~eve"],
    ];
    let mut expected: Vec<_> = expected.map(|texts| texts.map(Value::from)).into();
    expected.push([json!("ana"), json!("slow"), Value::Null]);
    assert_eq!(log, expected);
}

/// The server, and those who are there all the time.
struct Evening {
    server: Server,
    ana: Client,
    moderator: Client,
    pat: Client,
    quin: Client,
    /// Listens without a token.
    ear: Client,
    /// The number of the last message that was timed.
    last_id: u64,
}

/// The data with which ana authenticates to stream and to chat.
fn anas() -> Value {
    let mut data = streamer("ana", "demo");
    data["chat"] = chat_section("ana", ROOM);
    data
}

impl Evening {
    async fn begins(flags: &[&str]) -> Self {
        let server = Server::with(flags);
        let mut ana = server.connect().await;
        ana.authenticate(anas()).await;
        ana.ok(post("a", "x")).await;
        let mut moderator = server.connect().await;
        let login = login("mod", Some("moderator"));
        moderator.authenticate(login).await;
        let (pat, quin) = (member(&server, "pat").await, member(&server, "quin").await);
        let mut ear = server.connect().await;
        ear.ok(chat("listen", json!({"room": ROOM}))).await;
        Self {
            server,
            ana,
            moderator,
            pat,
            quin,
            ear,
            last_id: 0,
        }
    }

    /// How long a message takes now.
    async fn latency(&mut self) -> Duration {
        let pat = (&mut self.pat, "pat");
        latency(pat, &mut self.quin, &mut self.last_id).await
    }

    /// Asserts that most of the flood is refused, and that the others talk on.
    async fn is_flooded_by(&mut self, bob: &mut Client) {
        let mut latencies = Latencies(Vec::new());
        let mut limited = 0;
        for _ in 0..PAIRS {
            let calm = self.latency().await;
            let flood = (0..FLOOD).map(|number| say(&format!("spam {number}")));
            bob.send_all(flood).await;
            let trouble = self.latency().await;
            latencies.0.push((calm, trouble));
            for _ in 0..FLOOD {
                let mut answer = bob.next().await;
                while answer["data"]["username"] == "pat" {
                    answer = bob.next().await;
                }
                if answer["code"] == 429 {
                    let wait = answer["retryAfter"].as_u64();
                    assert!(wait.is_some_and(|wait| wait >= 1), "{answer}");
                    limited += 1;
                }
            }
        }
        let all = PAIRS * FLOOD;
        assert!(limited > all / 2, "{limited} of {all} were refused");
        latencies.assert_unharmed();
    }

    /// Ana mutes bob; returns until when.
    async fn mutes(&mut self, bob: &mut Client) -> Value {
        let mute = json!({"username": "~bob", "seconds": 3_600});
        let mut muted = answered(&mut self.ana, chat("mute", mute)).await;
        let until = muted["data"]["until"].take();
        let told = bob.until("chatModerated").await;
        assert_eq!(told["data"]["action"], "mute");
        assert_muted(bob, &until).await;
        until
    }

    /// A moderator deletes the message of this number. It is gone from all screens and the history.
    async fn deletes(&mut self, id: &Value) {
        let deletion = chat("delete", json!({"id": id}));
        let deleted = answered(&mut self.moderator, deletion).await;
        assert_eq!(deleted["code"], 200);
        let (pat, quin) = (&mut self.pat, &mut self.quin);
        for client in [&mut self.ana, pat, quin, &mut self.ear] {
            let told = client.until("chatDeleted").await;
            assert_eq!(told["data"], json!({"room": ROOM, "id": id}));
        }
        for client in [&mut self.pat, &mut self.ear] {
            let history = answered(client, chat("history", json!({}))).await;
            let history = history["data"].as_array().expect("a list");
            assert!(!history.is_empty());
            assert!(history.iter().all(|said| said["id"] != *id));
        }
    }

    /// The troll is banned, under all the names that they have taken.
    async fn bans(&mut self, bob: &mut Client, eve: &mut Client) {
        let ban = chat("ban", json!({"username": "~eve"}));
        let banned = answered(&mut self.moderator, ban).await;
        let expected = json!({"username": "~eve", "address": true});
        assert_eq!(banned["data"], expected);
        for (client, name) in [(&mut *bob, "~bob"), (&mut *eve, "~eve")] {
            let told = client.until("chatModerated").await;
            let expected = json!({"room": ROOM, "action": "ban", "username": name});
            assert_eq!(told["data"], expected);
        }
        answered(&mut self.pat, say("is it over?")).await;
        let members = answered(&mut self.ana, chat("members", json!({}))).await;
        assert_eq!(members["data"], json!(["ana", "mod", "pat", "quin"]));
        for client in [bob, eve] {
            client.quiet().await;
            for request in [
                say("me again"),
                chat("history", json!({})),
                creation(),
                // The draft is gone.
                post("a", "mine"),
            ] {
                assert_eq!(answered(client, request).await["code"], 401);
            }
        }
        let mut third = Client::behind_proxy(&self.server.url(), TROLLS).await;
        third.refused(401, enter("mallory")).await;
    }

    /// In slow mode, the others have to wait and those who moderate do not.
    async fn is_slowed(&mut self, zoe: &mut Client) {
        let ana = (&mut self.ana, "ana");
        let calm = latency(ana, &mut self.quin, &mut self.last_id).await;
        answered(&mut self.ana, chat("slow", json!({"seconds": 30}))).await;
        for client in [&mut self.pat, &mut self.quin, &mut self.ear, zoe] {
            let told = client.until("chatSlowed").await;
            assert_eq!(told["data"]["seconds"], 30);
        }
        assert_is_slow(&mut self.pat).await;
        for text in ["you may", "go on"] {
            let said = answered(&mut self.ana, say(text)).await;
            assert_eq!(said["code"], 200);
        }
        self.quin.rest().await;
        let ana = (&mut self.ana, "ana");
        let slowed = latency(ana, &mut self.quin, &mut self.last_id).await;
        Latencies(vec![(calm, slowed)]).assert_unharmed();
    }
}

async fn assert_muted(client: &mut Client, until: &Value) {
    let refused = answered(client, say("me again")).await;
    let found = (&refused["code"], &refused["until"]);
    assert_eq!(found, (&json!(401), until));
}

async fn assert_is_slow(client: &mut Client) {
    assert_eq!(answered(client, say("once")).await["code"], 200);
    let refused = answered(client, say("twice")).await;
    assert_eq!(refused["code"], 429);
    let wait = refused["retryAfter"].as_u64();
    assert!(wait.is_some_and(|wait| (1..=30).contains(&wait)));
}

/// Asserts that all decisions still hold, on a server that has just started.
async fn assert_still_decided(server: &Server, until: &Value, [bobs, eves]: [&str; 2]) {
    const ELSEWHERE: &str = "198.51.100.9";
    let mut ana = server.connect().await;
    ana.authenticate(anas()).await;
    assert_decided(&mut ana, until).await;
    let status = answered(&mut ana, file("status", project())).await;
    assert_eq!(status["data"]["slow"], 30);
    let [bobs, eves] = [(bobs, "~bob"), (eves, "~eve")];
    let login = |(token, name)| guest_login(token, name);
    let mut troll = Client::behind_proxy(&server.url(), TROLLS).await;
    troll.refused(401, authenticate(login(bobs))).await;
    troll.refused(401, enter("mallory")).await;
    let mut bob = Client::behind_proxy(&server.url(), ELSEWHERE).await;
    bob.authenticate(login(bobs)).await;
    let refused = bob.refused(401, say("me again")).await;
    assert_eq!(refused["until"], *until);
    let mut eve = Client::behind_proxy(&server.url(), ELSEWHERE).await;
    let refused = eve.refused(401, authenticate(login(eves))).await;
    assert_eq!(refused["until"], Value::Null, "{refused}");
    assert_is_slow(&mut member(server, "pat").await).await;
    // The ban holds until somebody lifts it.
    answered(&mut ana, chat("unban", json!({"username": "~eve"}))).await;
    eve.authenticate(login(eves)).await;
    troll.ok(enter("mallory")).await;
}

/// Asserts that the log tells each action, and nothing that anybody has said.
fn assert_logged(log: &str) {
    for action in ["mute", "delete", "ban", "slow", "unban"] {
        let action = format!("\"{action}\"");
        let mut lines = log.lines();
        let found =
            lines.any(|line| line.contains("a moderator has acted") && line.contains(&action));
        assert!(found, "{action}: {log}");
    }
    for said in ["filth", "spam", "me again"] {
        assert!(!log.contains(said), "{said}: {log}");
    }
}

#[tokio::test]
async fn a_troll_floods_is_muted_comes_back_is_banned_and_all_of_it_outlives_a_restart() {
    let mut evening = Evening::begins(&[
        "--guests",
        "propose",
        "--public-chat",
        "true",
        "--trusted-proxies",
        "127.0.0.1",
        "--chat-messages-per-second",
        "30",
        "--chat-burst",
        "220",
    ])
    .await;
    let (mut bob, bobs_token) = guest(&evening.server, "bob", TROLLS).await;
    evening.latency().await;
    answered(&mut bob, say("filth")).await;
    let id = heard(&mut evening.quin, "~bob").await["id"].take();
    evening.deletes(&id).await;
    evening.is_flooded_by(&mut bob).await;
    let until = evening.mutes(&mut bob).await;

    // They come back under another name, from the same address.
    let (mut eve, eves_token) = guest(&evening.server, "eve", TROLLS).await;
    assert_muted(&mut eve, &until).await;
    assert_eq!(answered(&mut eve, creation()).await["data"], "OK");
    evening.bans(&mut bob, &mut eve).await;

    // Somebody else is welcome.
    let (mut zoe, _) = guest(&evening.server, "zoe", OTHERS).await;
    zoe.ok(say("good evening")).await;
    heard(&mut evening.quin, "~zoe").await;
    evening.is_slowed(&mut zoe).await;
    assert_decided(&mut evening.ana, &until).await;

    evening.server.restart();
    let tokens = [bobs_token.as_str(), &eves_token];
    assert_still_decided(&evening.server, &until, tokens).await;
    assert_logged(&evening.server.log());
}
