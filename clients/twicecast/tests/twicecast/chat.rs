//! `twicecast chat` with a room that speaks the contract.

mod terminal;

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::room::{Fate, Room};
use crate::support::{Said, command, exit_code, twicecast};

const FLAGS: [&str; 8] = [
    "--user",
    "bob",
    "--streamer",
    "ana",
    "--project",
    "demo",
    "--key",
    "secret",
];

fn words<'a>(room: &'a Room, flags: &[&'a str]) -> Vec<&'a str> {
    [&["chat", "--url", &room.url], flags].concat()
}

/// A running chat without a terminal.
struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Chat {
    fn start(room: &Room, flags: &[&str]) -> Self {
        let mut child = command(&words(room, flags))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            input: child.stdin.take(),
            child,
            lines,
        }
    }

    async fn write(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).await.unwrap();
        input.flush().await.unwrap();
    }

    /// Waits for a line with this end.
    async fn until(&mut self, end: &str) -> String {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.lines.next_line());
            let line = next.await.unwrap_or_else(|_| panic!("no line {end:?}"));
            let line = line
                .unwrap()
                .unwrap_or_else(|| panic!("it ended before {end:?}"));
            if line.ends_with(end) {
                return line;
            }
        }
    }

    /// Ends the input and waits for the chat to end; the result has what it still printed.
    async fn finish(mut self) -> Said {
        self.input = None;
        self.ended().await
    }

    /// Waits for the chat to end by itself.
    async fn ended(mut self) -> Said {
        let mut err = String::new();
        let mut out = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let reading = stderr.read_to_string(&mut err);
        let lines = async {
            while let Ok(Some(line)) = self.lines.next_line().await {
                out.push_str(&line);
                out.push('\n');
            }
        };
        let both = async { tokio::join!(reading, lines).0.unwrap() };
        tokio::time::timeout(Duration::from_secs(20), both)
            .await
            .expect("an end");
        let code = exit_code(&mut self.child).await;
        Said { code, out, err }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_from_a_script_is_said_after_the_history_and_the_names_and_then_it_ends() {
    let room = Room::open().await;
    room.say("ana", "it's \u{1b}]0;mine\u{7} \u{202e}now\nreally");
    let mut chat = Chat::start(&room, &FLAGS);
    chat.write("hi\n/quit\n").await;
    let said = chat.finish().await;
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "-- in the room ana/demo as bob",
            "2001-09-09 01:46 ana: it's \\u{1b}]0;mine\\u{7} \\u{202e}now\\nreally",
            "-- here: ana, bob\\u{1b}[2J",
        ]
    );
    assert!(lines[3].ends_with(" bob: hi") && lines[4].ends_with(" bob: /quit"));
    assert_eq!(
        room.log(),
        [
            "authenticate",
            "chat/history",
            "chat/members",
            "chat/message",
            "chat/message"
        ]
    );
    let inside = room.inside.lock().unwrap();
    assert_eq!(
        inside.authentication["chat"],
        json!({"username": "bob", "room": "ana/demo"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_say_comes_as_they_say_it() {
    let room = Room::open().await;
    let mut chat = Chat::start(&room, &FLAGS);
    chat.until("-- here: ana, bob\\u{1b}[2J").await;
    room.say("ana", "one");
    assert_eq!(chat.until("one").await, "2001-09-09 01:46 ana: one");
    chat.write("two\n").await;
    chat.until(" bob: two").await;
    assert_eq!(chat.finish().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_or_a_room_it_says_what_to_give() {
    let room = Room::open().await;
    let said = twicecast(&words(&room, &["--user", "bob", "--room", "lobby"])).await;
    assert!(said.code == 2 && said.err.contains("--token"), "{said:?}");
    let said = twicecast(&words(&room, &["--user", "bob", "--key", "k"])).await;
    assert!(said.code == 2 && said.err.contains("--room"), "{said:?}");
    assert_eq!(room.log(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_needs_no_project_where_it_has_a_name() {
    let room = Room::open().await;
    let flags = ["--user", "bob", "--key", "k", "--room", "lobby"];
    let said = twicecast(&words(&room, &flags)).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.starts_with("-- in the room lobby as bob\n"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_server_does_not_let_in_is_told_why() {
    let room = Room::open().await;
    room.with(|inside| inside.refuse_authentication = Some((401, "no\u{1b}")));
    let said = twicecast(&words(&room, &FLAGS)).await;
    assert!(
        said.code == 3 && said.err.contains("--key") && said.err.contains("(no\\u{1b})"),
        "{said:?}"
    );

    let token = twicecast(&[&["token", "--room", "lobby"], &FLAGS[..]].concat())
        .await
        .out;
    let flags = ["--token", token.trim(), "--room", "other"];
    let said = twicecast(&words(&room, &flags)).await;
    assert!(
        said.code == 3 && said.err.contains("for the room lobby"),
        "{said:?}"
    );

    let said = twicecast(&[&["chat", "--url", "ws://127.0.0.1:1"], &FLAGS[..]].concat()).await;
    assert_eq!(said.code, 3, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_explained_and_the_next_one_is_said() {
    let room = Room::open().await;
    room.with(|inside| {
        inside.fates = [
            Fate::Refused(401, json!({"until": 4_000_000_000_u64})),
            Fate::Refused(413, json!({})),
            Fate::Refused(429, json!({"retryAfter": 1})),
        ]
        .into();
    });
    let mut chat = Chat::start(&room, &FLAGS);
    chat.write("one\ntwo\nthree\nfour\n").await;
    let said = chat.finish().await;
    assert_eq!(said.code, 1, "{said:?}");
    for sentence in [
        "you are muted in this room until 2096-10-02 07:06 (a reason)",
        "longer than the server takes (a reason)",
        "takes the next one in 1 s",
        "2 messages refused",
    ] {
        assert!(said.err.contains(sentence), "{sentence}: {said:?}");
    }
    let own: Vec<&str> = (said
        .out
        .lines()
        .filter_map(|line| line.split(" bob: ").nth(1)))
    .collect();
    assert_eq!(own, ["three", "four"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_taken_up_again_and_only_what_is_new_is_shown() {
    let room = Room::open().await;
    room.say("ana", "before");
    let mut chat = Chat::start(&room, &FLAGS);
    chat.write("mine\n").await;
    chat.until(" bob: mine").await;
    room.say_in_silence("ana", "missed");
    room.drop_all();
    assert_eq!(chat.until("missed").await, "2001-09-09 01:46 ana: missed");
    chat.until("-- here: ana, bob\\u{1b}[2J").await;
    room.say("ana", "after");
    chat.until("ana: after").await;
    let said = chat.finish().await;
    assert!(
        said.code == 0 && said.err.contains("Trying again in "),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_answer_is_said_once() {
    let room = Room::open().await;
    room.with(|inside| inside.fates = [Fate::Unanswered, Fate::Lost].into());
    let mut chat = Chat::start(&room, &FLAGS);
    chat.write("one\ntwo\n").await;
    let said = chat.finish().await;
    assert_eq!(said.code, 0, "{said:?}");
    let inside = room.inside.lock().unwrap();
    let texts: Vec<_> = inside
        .said
        .iter()
        .map(|said| said["message"].clone())
        .collect();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(said.out.matches(" bob: ").count(), 2, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_ends_it_and_a_key_makes_a_fresh_one() {
    let expired = json!({"code": 401, "type": "badAuthError", "message": "the token has expired"});
    let room = Room::open().await;
    let mut chat = Chat::start(&room, &FLAGS);
    chat.until("bob\\u{1b}[2J").await;
    room.push(&expired);
    chat.until("bob\\u{1b}[2J").await;
    assert_eq!(chat.finish().await.code, 0);

    let token = twicecast(&[&["token"], &FLAGS[..]].concat()).await.out;
    let mut chat = Chat::start(&room, &["--token", token.trim()]);
    chat.until("bob\\u{1b}[2J").await;
    room.push(&expired);
    let said = chat.ended().await;
    assert!(
        said.code == 3 && said.err.contains("get a fresh one"),
        "{said:?}"
    );
}
