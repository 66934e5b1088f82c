//! Moderation (section 7), rule by rule.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::*;

const ROOM: &str = "ana/demo";

/// Ana, who streams her project and is in its room.
async fn ana(server: &Server) -> Client {
    let mut ana = server.connect().await;
    let mut data = streamer("ana", "demo");
    data["chat"] = chat_section("ana", ROOM);
    ana.authenticate(data).await;
    ana
}

/// The data with which somebody authenticates to view ana's project and to chat in its room.
fn login(name: &str, role: Option<&str>) -> Value {
    let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
        "role": role});
    json!({
        "token": token(claims),
        "chat": chat_section(name, ROOM),
        "pullrequest": pull_request_section(name, "ana", "demo"),
    })
}

async fn member(server: &Server, name: &str) -> Client {
    let mut client = server.connect().await;
    client.authenticate(login(name, None)).await;
    client
}

async fn moderator(server: &Server, name: &str) -> Client {
    let mut client = server.connect().await;
    client.authenticate(login(name, Some("moderator"))).await;
    client
}

fn moderate(verb: &str, username: &str) -> Value {
    chat(verb, json!({"username": username, "seconds": 600}))
}

fn ban(username: &str) -> Value {
    chat("ban", json!({"username": username}))
}

async fn status(client: &mut Client) -> Value {
    client.ok(file("status", project())).await
}

#[tokio::test]
async fn a_mute_is_told_to_whom_it_concerns_and_to_moderators_and_lasts() {
    let server = Server::start();
    let mut ana = ana(&server).await;
    let mut moderator = moderator(&server, "mod").await;
    let (mut bob, mut pat) = (member(&server, "bob").await, member(&server, "pat").await);
    let mut bobs_other = server.viewer("bob").await;
    let before = now();
    let muted = moderator.ask(with_ref(moderate("mute", "bob"), 7)).await;
    // The moderator gets the notice, too, perhaps before the answer.
    let (answer, told) = if muted["type"] == "chatMute" {
        (muted, moderator.next().await)
    } else {
        (moderator.next().await, muted)
    };
    let until = answer["data"]["until"].as_u64().expect("a time");
    assert!((before + 600..=now() + 601).contains(&until), "{answer}");
    let expected = json!({"code": 200, "type": "chatMute", "ref": 7,
        "data": {"username": "bob", "until": until, "address": false}});
    assert_eq!(answer, expected);
    let expected = json!({"code": 200, "type": "chatModerated", "data":
        {"room": ROOM, "action": "mute", "username": "bob", "until": until}});
    assert_eq!(told, expected);
    for client in [&mut ana, &mut bob, &mut bobs_other] {
        assert_eq!(client.next().await, expected);
    }
    pat.quiet().await;
    let refused = bob.refused(401, say("hello")).await;
    assert_eq!(
        (&refused["type"], &refused["until"]),
        (&json!("badAuthError"), &json!(until))
    );
    bob.ok(chat("history", json!({}))).await;
    pat.ok(say("hello")).await;
    for client in [&mut ana, &mut bob] {
        client.expect("chatMessage").await;
    }
    ana.send(moderate("unmute", "bob")).await;
    ana.expect("chatModerated").await;
    assert_eq!(ana.expect("chatUnmute").await, "OK");
    assert_eq!(bob.expect("chatModerated").await["action"], "unmute");
    bob.ok(say("hello")).await;
}

#[tokio::test]
async fn a_ban_ends_room_draft_and_listening_of_connections_that_say_nothing() {
    let server = Server::alone_with(&["--public-chat", "true"]);
    let mut ana = ana(&server).await;
    let mut bob = member(&server, "bob").await;
    bob.ok(creation()).await;
    bob.ok(post("a", "mine")).await;
    let mut ear = server.viewer("bob").await;
    ear.ok(chat("listen", json!({"room": ROOM}))).await;
    let mut pat = member(&server, "pat").await;

    // Moderators get the notice as well, and here before the answer.
    ana.send(ban("bob")).await;
    let told = ana.expect("chatModerated").await;
    let expected = json!({"room": ROOM, "action": "ban", "username": "bob"});
    assert_eq!(told, expected);
    let answer = ana.expect("chatBan").await;
    assert_eq!(answer, json!({"username": "bob", "address": false}));
    let members = ana.ok(chat("members", json!({}))).await;
    assert_eq!(members, json!(["ana", "pat"]));
    pat.ok(say("are they gone?")).await;
    for client in [&mut bob, &mut ear] {
        assert_eq!(client.expect("chatModerated").await["action"], "ban");
        client.quiet().await;
    }
    let drafts = server.base().join(".twicecast/drafts");
    let left = std::fs::read_dir(drafts).expect("a folder").count();
    assert_eq!(left, 0, "the draft is gone though they have sent nothing");
    for request in [
        say("hello"),
        chat("history", json!({})),
        chat("members", json!({})),
        chat("leave", json!({})),
        chat("listen", json!({"room": ROOM})),
        creation(),
        finish(),
    ] {
        let refused = bob.refused(401, request).await;
        assert_eq!(refused["until"], Value::Null, "{refused}");
    }
    bob.refused(401, post("a", "mine")).await;
    bob.ok(list_all()).await;
}

#[tokio::test]
async fn a_banned_user_still_reads_and_status_says_what_is_left() {
    let server = Server::with(&["--public-chat", "true"]);
    let mut ana = ana(&server).await;
    ana.ok(post("a", "x")).await;
    let mut bob = member(&server, "bob").await;
    let may = |you: &Value| {
        ["read", "listen", "chat", "propose", "stream", "moderate"]
            .map(|right| you[right].as_bool().expect("a boolean"))
    };
    let you = status(&mut bob).await["you"].take();
    assert_eq!(may(&you), [true, true, true, true, false, false]);
    ana.send(chat("ban", json!({"username": "bob", "seconds": 600})))
        .await;
    let until = bob.expect("chatModerated").await["until"].clone();
    assert!(until.is_u64());
    let you = status(&mut bob).await["you"].take();
    assert_eq!(may(&you), [true, false, false, false, false, false]);
    bob.ok(list_all()).await;
    let refused = bob.refused(401, authenticate(login("bob", None))).await;
    assert_eq!(refused["until"], until);
    let answers = [ana.next().await, ana.next().await];
    assert!(answers.iter().any(|answer| answer["type"] == "chatBan"));
    let you = status(&mut ana).await["you"].take();
    assert_eq!(may(&you), [true, true, true, true, true, true]);
}

#[tokio::test]
async fn announcements_keep_their_order_with_messages_and_reach_the_moderators_own_connection() {
    let server = Server::with(&["--public-chat", "true", "--chat-messages-per-second", "0"]);
    let mut ana = ana(&server).await;
    let mut outside = server.connect().await;
    let token = login("mod", Some("moderator"))["token"].take();
    outside.authenticate(json!({"token": token})).await;
    let announce = |text: &str| chat("announce", json!({"message": text}));
    let (mut pat, mut bob) = (member(&server, "pat").await, member(&server, "bob").await);
    let mut ear = server.connect().await;
    ear.ok(chat("listen", json!({"room": ROOM}))).await;
    for number in 0..20 {
        pat.send(say(&format!("m{number}"))).await;
        outside.send(announce(&format!("a{number}"))).await;
        ana.send(announce(&format!("s{number}"))).await;
    }
    let told = |heard: &[Value]| -> Vec<Value> { heard.to_vec() };
    let by_bob = told(&bob.expect_all("chatMessage", 60).await);
    let by_ear = told(&ear.expect_all("chatMessage", 60).await);
    assert_eq!(by_bob, by_ear);
    let ids: Vec<_> = by_bob.iter().map(|said| said["id"].as_u64()).collect();
    assert_eq!(ids, (1..=60).map(Some).collect::<Vec<_>>());
    for said in &by_bob {
        let is_announcement = said["username"] != "pat";
        let expected = is_announcement.then_some(true);
        assert_eq!(said["announcement"].as_bool(), expected, "{said}");
    }
    let history = bob.ok(chat("history", json!({}))).await;
    assert_eq!(history.as_array().expect("a list"), &by_bob);
    // Ana also gets her own announcements. The moderator who is outside the room gets only the
    // answers.
    let mut own = 0;
    for _ in 0..80 {
        let message = ana.next().await;
        own += usize::from(message["data"]["username"] == "ana");
    }
    assert_eq!(own, 20);
    for _ in 0..20 {
        outside.expect("chatAnnounce").await;
    }
    outside.quiet().await;
    let too_long = "x".repeat(4_097);
    outside.refused(413, announce(&too_long)).await;
    outside.refused(400, announce("")).await;
}

#[tokio::test]
async fn an_announcement_in_an_empty_room_is_there_for_those_who_come() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let announcement = json!({"message": "at eight"});
    assert_eq!(ana.ok(chat("announce", announcement)).await, "OK");
    let mut bob = member(&server, "bob").await;
    let history = bob.ok(chat("history", json!({}))).await;
    assert_eq!(history[0]["message"], "at eight");
    assert_eq!(history[0]["announcement"], true);
}

#[tokio::test]
async fn a_deleted_message_goes_from_history_and_screens_and_any_number_given_will_do() {
    let server = Server::with(&["--public-chat", "true", "--chat-history", "2"]);
    let mut ana = ana(&server).await;
    let mut bob = member(&server, "bob").await;
    let mut ear = server.connect().await;
    ear.ok(chat("listen", json!({"room": ROOM}))).await;
    let delete = |id: u64| chat("delete", json!({"id": id}));
    for id in [0, 1] {
        ana.refused(400, delete(id)).await;
    }
    for text in ["one", "two", "three"] {
        bob.ok(say(text)).await;
        ana.expect("chatMessage").await;
        ear.expect("chatMessage").await;
    }
    for id in [2, 2, 1] {
        ana.send(delete(id)).await;
        let expected = json!({"code": 200, "type": "chatDeleted",
            "data": {"room": ROOM, "id": id}});
        for client in [&mut bob, &mut ear] {
            assert_eq!(client.next().await, expected);
        }
        let mut own = [ana.next().await, ana.next().await];
        own.sort_by_key(|message| message["type"].to_string());
        assert_eq!(
            (&own[0]["type"], &own[0]["data"]),
            (&json!("chatDelete"), &json!("OK"))
        );
        assert_eq!(own[1], expected);
    }
    let history = ear.ok(chat("history", json!({}))).await;
    let ids: Vec<_> = history
        .as_array()
        .expect("a list")
        .iter()
        .map(|said| &said["id"])
        .collect();
    assert_eq!(ids, [&json!(3)]);
    ana.refused(400, delete(4)).await;
    bob.refused(401, delete(3)).await;
}

#[tokio::test]
async fn a_role_moderates_the_project_of_its_token_alone_and_never_a_guest_or_its_streamer() {
    let server = Server::start();
    let mut ana = ana(&server).await;
    let mut elsewhere = server.connect().await;
    let claims = json!({"username": "eve", "streamername": "dan", "streamname": "other",
        "role": "moderator", "room": ROOM});
    let data = json!({"token": token(claims), "chat": chat_section("eve", ROOM)});
    elsewhere.authenticate(data).await;
    ana.ok(say("hello")).await;
    elsewhere.expect("chatMessage").await;
    // A project that does not exist cannot be moderated; otherwise a file about it would stay.
    let slow = chat("slow", json!({"seconds": 60}));
    elsewhere.refused(400, slow).await;
    let mut dan = server.connect().await;
    dan.authenticate(streamer("dan", "other")).await;
    // Eve moderates dan's project, not ana's: nothing happens here.
    elsewhere.ok(chat("slow", json!({"seconds": 60}))).await;
    assert_eq!(status(&mut ana).await["slow"], 0);
    elsewhere
        .refused(400, chat("delete", json!({"id": 1})))
        .await;
    ana.quiet().await;

    for role in [json!("Moderator"), json!("streamer"), json!("")] {
        let claims = json!({"username": "bob", "streamername": "ana", "streamname": "demo",
            "role": role});
        let mut bob = server.connect().await;
        bob.authenticate(json!({"token": token(claims)})).await;
        bob.refused(401, chat("moderation", json!({}))).await;
    }
    let claims = json!({"username": "bob", "streamername": "ana", "streamname": "demo",
        "role": ["moderator"]});
    let mut bob = server.connect().await;
    bob.refused(401, authenticate(json!({"token": token(claims)})))
        .await;

    let mut moderator = moderator(&server, "mod").await;
    for verb in ["mute", "unmute", "ban", "unban"] {
        moderator.refused(400, moderate(verb, "ana")).await;
    }
}

#[tokio::test]
async fn slow_mode_is_told_to_the_room_and_refuses_what_comes_too_early() {
    let server = Server::alone_with(&["--public-chat", "true"]);
    let mut ana = ana(&server).await;
    let mut bob = member(&server, "bob").await;
    let mut ear = server.connect().await;
    ear.ok(chat("listen", json!({"room": ROOM}))).await;
    ana.send(chat("slow", json!({"seconds": 3_600}))).await;
    for client in [&mut bob, &mut ear] {
        let told = client.expect("chatSlowed").await;
        assert_eq!(told, json!({"room": ROOM, "seconds": 3_600}));
    }
    ana.until("chatSlow").await;
    bob.ok(say("once")).await;
    let refused = bob.refused(429, say("twice")).await;
    let wait = refused["retryAfter"].as_u64().expect("seconds");
    assert!((3_500..=3_600).contains(&wait), "{refused}");
    let other = &mut member(&server, "bob").await;
    other.refused(429, say("from another connection")).await;
    assert_eq!(status(&mut bob).await["slow"], 3_600);
    ana.send(chat("slow", json!({"seconds": 0}))).await;
    assert_eq!(bob.expect("chatSlowed").await["seconds"], 0);
    bob.ok(say("again")).await;
}

#[tokio::test]
async fn the_removal_of_a_project_removes_its_moderation_while_the_server_runs() {
    let server = Server::alone();
    let mut ana = ana(&server).await;
    ana.send(ban("bob")).await;
    ana.until("chatBan").await;
    let kept = server.base().join(".twicecast/moderation/ana/demo");
    assert!(kept.is_file());
    let removal = ["remove", "ana/demo", "--yes", "--base-dir", "base"];
    let removed = run(server.folder(), &removal);
    assert!(removed.status.success(), "{removed:?}");
    assert!(!kept.exists());
    let mut bob = server.connect().await;
    let mut data = login("bob", None);
    data.as_object_mut()
        .expect("an object")
        .remove("pullrequest");
    bob.authenticate(data).await;
    bob.ok(say("hello")).await;
}

#[tokio::test]
async fn a_damaged_file_stops_no_server_and_unbans_nobody() {
    let mut server = Server::alone_with(&["--guests", "chat"]);
    let mut ana = self::ana(&server).await;
    ana.send(ban("bob")).await;
    ana.until("chatBan").await;
    let kept = server.base().join(".twicecast/moderation/ana/demo");
    let whole = std::fs::read(&kept).expect("is there");
    std::fs::write(&kept, &whole[..whole.len() - 2]).expect("written");
    server.restart();

    let mut ana = self::ana(&server).await;
    ana.ok(say("hello")).await;
    ana.ok(post("a", "x")).await;
    ana.refused(500, ban("eve")).await;
    let anas = status(&mut ana).await;
    assert_eq!(anas.get("slow"), None);
    assert_eq!(
        (&anas["you"]["chat"], &anas["you"]["moderate"]),
        (&json!(true), &json!(false))
    );
    let mut bob = server.connect().await;
    bob.refused(500, authenticate(login("bob", None))).await;
    let mut pat = server.viewer("pat").await;
    pat.refused(500, creation()).await;
    let enter = json!({"name": "new", "streamer": "ana", "project": "demo"});
    pat.refused(
        500,
        json!({"type": "guest", "subtype": "enter", "data": enter}),
    )
    .await;
    pat.ok(list_all()).await;
    let mut status = status(&mut pat).await;
    assert_eq!(status.get("slow"), None);
    let you = status["you"].take();
    assert_eq!(
        (&you["read"], &you["propose"]),
        (&json!(true), &json!(false))
    );
    let log = server.log();
    assert!(log.contains("moderation"), "{log}");
    assert_eq!(log.matches("cannot be read, so").count(), 1, "{log}");

    std::fs::write(&kept, &whole).expect("mended");
    // The server reads it again after about three seconds.
    let deadline = Instant::now() + Duration::from_secs(30);
    let refused = loop {
        let refused = bob.ask(authenticate(login("bob", None))).await;
        if refused["code"] != 500 {
            break refused;
        }
        assert!(Instant::now() < deadline, "still unreadable: {refused}");
        assert_eq!(bob.next_within(Duration::from_millis(100)).await, None);
    };
    assert_eq!(refused["code"], 401);
    assert_eq!(
        (&refused["banned"], refused.get("until")),
        (&json!(true), None)
    );
    pat.ok(creation()).await;
}

#[tokio::test]
async fn what_is_left_of_a_project_that_was_removed_by_hand_is_no_other_projects() {
    let mut server = Server::alone_with(&["--guests", "chat"]);
    let mut ana = self::ana(&server).await;
    let removal = ["remove", "ana/demo", "--yes", "--base-dir", "base"];
    let rows = [
        ("moderation", true),
        ("moderation", false),
        ("guests", true),
        ("guests", false),
    ];
    for (kind, by_command) in rows {
        let kept = server.base().join(format!(".twicecast/{kind}/ana/demo"));
        if kind == "moderation" {
            ana.send(ban("bob")).await;
            ana.until("chatBan").await;
        } else {
            let enter = json!({"name": "new", "streamer": "ana", "project": "demo"});
            let enter = json!({"type": "guest", "subtype": "enter", "data": enter});
            server.connect().await.ok(enter).await;
        }
        assert!(kept.is_file());
        assert!(server.stop());
        std::fs::remove_dir_all(server.project()).expect("removed");
        std::fs::remove_file(server.base().join(".twicecast/projects/ana/demo")).expect("removed");
        if by_command {
            let removed = run(server.folder(), &removal);
            assert!(removed.status.success(), "{removed:?}");
            assert!(!kept.exists());
            let removed = run(server.folder(), &removal);
            assert!(!removed.status.success(), "nothing is left");
        }
        server.restart();
        ana = self::ana(&server).await;
        assert!(!kept.exists());
        let mut bob = member(&server, "bob").await;
        bob.ok(say("hello")).await;
    }
}

#[tokio::test]
async fn so_many_people_are_moderated_and_what_is_in_force_is_shown_by_name() {
    let server = Server::with(&["--max-moderated", "2"]);
    let mut ana = server.streamer().await;
    ana.ok(moderate("mute", "zoe")).await;
    ana.ok(ban("bob")).await;
    ana.ok(moderate("mute", "bob")).await;
    let refused = ana.refused(413, moderate("mute", "eve")).await;
    assert_eq!(
        refused["message"],
        "the limit maxModerated of 2 would be exceeded"
    );
    let mut shown = ana.ok(chat("moderation", json!({}))).await;
    let names = |list: &Value| -> Vec<String> {
        let entries = list.as_array().expect("a list").iter();
        entries.map(|entry| entry["username"].to_string()).collect()
    };
    assert_eq!(names(&shown["muted"]), ["\"bob\"", "\"zoe\""]);
    assert_eq!(names(&shown["banned"]), ["\"bob\""]);
    let ban = shown["banned"][0].take();
    assert_eq!(
        (&ban["by"], &ban["address"]),
        (&json!("ana"), &json!(false))
    );
    assert!(
        ban["date"]
            .as_u64()
            .is_some_and(|date| date / 1_000 >= now() - 60)
    );
    let log = shown["log"].as_array().expect("a list").iter();
    let log: Vec<_> = log
        .map(|action| (&action["action"], &action["seconds"]))
        .collect();
    let expected = [
        (&json!("mute"), &json!(600)),
        (&json!("ban"), &Value::Null),
        (&json!("mute"), &json!(600)),
    ];
    assert_eq!(log, expected);
}

#[tokio::test]
async fn the_programs_own_token_makes_a_moderator_only_where_it_is_asked_for() {
    let server = Server::start();
    let _ana = server.streamer().await;
    let token = |more: &[&str]| {
        let asked = ["token", "--user", "mia", "--streamer", "ana"];
        let asked = [&asked[..], &["--project", "demo"], more].concat();
        let made = run(server.folder(), &asked).stdout;
        String::from_utf8(made).expect("text").trim().to_owned()
    };
    for (more, moderates) in [(&[][..], false), (&["--moderator"], true)] {
        let mut mia = server.connect().await;
        mia.authenticate(json!({"token": token(more)})).await;
        let you = status(&mut mia).await["you"].take();
        assert_eq!(you["moderate"], moderates, "{you}");
    }
}

#[tokio::test]
async fn a_guest_who_took_their_name_before_a_restart_is_banned_by_their_address_after_it() {
    const EVES: &str = "203.0.113.7";
    let flags = ["--guests", "chat", "--trusted-proxies", "127.0.0.1"];
    let mut server = Server::with(&flags);
    ana(&server).await.ok(post("a", "x")).await;
    let enter = |name| {
        let data = json!({"name": name, "streamer": "ana", "project": "demo"});
        json!({"type": "guest", "subtype": "enter", "data": data})
    };
    let mut eve = Client::behind_proxy(&server.url(), EVES).await;
    eve.ok(enter("Eve")).await;
    server.restart();
    let mut ana = ana(&server).await;
    // Nobody of that name is connected, and the guest wrote it in another case.
    ana.send(ban("~eve")).await;
    let banned = ana.until("chatBan").await;
    let expected = json!({"username": "~eve", "address": true});
    assert_eq!(banned["data"], expected);
    let mut eve = Client::behind_proxy(&server.url(), EVES).await;
    eve.refused(401, enter("mallory")).await;
    let mut other = Client::behind_proxy(&server.url(), "203.0.113.8").await;
    let taken = other.refused(409, enter("EVE")).await;
    assert_eq!(taken["suggestion"], "EVE-2");
    other.ok(enter("mallory")).await;
}
